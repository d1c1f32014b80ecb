//! Blocking netlink: several requests in one send, each with its own answer (`netlink(7)`).
//!
//! The kernel carries out what a send holds before the send returns, so an answer is always there to be read.
//! A socket belongs to the network namespace that its thread was in when it was opened, and stays there.

mod bulk;
mod question;

use std::io;
use std::marker::PhantomData;

use netlink_packet_core::{
    NLM_F_ACK, NLM_F_REQUEST, NetlinkDeserializable, NetlinkMessage, NetlinkPayload, NetlinkSerializable,
};
use netlink_sys::{Socket, SocketAddr};
use nix::sys::socket::setsockopt;
use nix::sys::socket::sockopt::{SndBuf, SndBufForce};

/// A smaller buffer loses parts of a dump: the kernel fills up to 32 KiB at once.
const BUFFER: usize = 64 * 1024;

/// A longer send may not fit the socket's buffer: `net.core.wmem_default` is 208 KiB.
const SEND: usize = 128 * 1024;

/// `struct nlmsghdr`.
const HEADER: usize = 16;

/// `NLMSGERR_ATTR_MSG`: the kernel's own words.
const ATTRIBUTE_MESSAGE: u16 = 1;

/// The kernel said no.
#[derive(Debug, thiserror::Error)]
pub struct Refusal {
    /// What `errno` says.
    pub source: io::Error,
    /// The extended acknowledgement's text, often empty.
    pub reason: String,
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.source.fmt(f)?;
        if self.reason.is_empty() { Ok(()) } else { write!(f, " ({})", self.reason) }
    }
}

/// Absence, of which `errno` tells, is an answer too.
///
/// # Errors
/// Every other refusal.
pub fn present<T>(answer: Result<T, Refusal>, errno: i32) -> Result<Option<T>, Refusal> {
    match answer {
        Ok(found) => Ok(Some(found)),
        Err(refusal) if refusal.is(errno) => Ok(None),
        Err(refusal) => Err(refusal),
    }
}

impl From<io::Error> for Refusal {
    fn from(source: io::Error) -> Self {
        Self { source, reason: String::new() }
    }
}

impl Refusal {
    /// Is this the answer `errno`?
    pub fn is(&self, errno: i32) -> bool {
        self.source.raw_os_error() == Some(errno)
    }
}

/// What came back for one request: the messages it asked for (often none), or the refusal.
pub type Answer<T> = Result<Vec<T>, Refusal>;

/// A request: a message and its `NLM_F_*` flags beside `NLM_F_REQUEST`.
#[derive(Debug, Clone)]
pub struct Request<T> {
    /// The message.
    pub message: T,
    /// `NLM_F_ACK` where an answer is to be waited for.
    pub flags: u16,
}

impl<T> Request<T> {
    /// A request that the kernel acknowledges.
    pub fn new(message: T, flags: u16) -> Self {
        Self { message, flags: flags | NLM_F_ACK }
    }
}

/// What went through a socket.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Sends, whatever they held.
    pub sends: u32,
    /// Receipts: of a dump each holds up to 32 KiB.
    pub receipts: u32,
}

impl Traffic {
    /// What went through since it was `before`.
    #[must_use]
    pub fn since(self, before: Self) -> Self {
        Self {
            sends: self.sends.wrapping_sub(before.sends),
            receipts: self.receipts.wrapping_sub(before.receipts),
        }
    }
}

/// A netlink socket of one protocol, in one network namespace.
pub struct Netlink<T> {
    socket: Socket,
    traffic: Traffic,
    sequence: u32,
    buffer: Vec<u8>,
    messages: PhantomData<T>,
}

impl<T: NetlinkSerializable + NetlinkDeserializable> Netlink<T> {
    /// Opens a socket in the calling thread's network namespace. `protocol` is one of `netlink_sys::protocols`.
    ///
    /// # Errors
    /// What the kernel says; `EPROTONOSUPPORT` where it lacks the protocol.
    pub fn open(protocol: isize) -> io::Result<Self> {
        let socket = Socket::new(protocol)?;
        socket.set_cap_ack(true)?;
        socket.set_ext_ack(true)?;
        // Filters of dumps count only with strict checking; a kernel without it (before 4.20) sends more.
        let _ = socket.set_netlink_get_strict_chk(true);
        socket.connect(&SocketAddr::new(0, 0))?;
        Ok(Self {
            socket,
            traffic: Traffic::default(),
            sequence: 0,
            buffer: Vec::with_capacity(BUFFER),
            messages: PhantomData,
        })
    }

    /// Sends the requests in one send and reads what comes. A request that is refused does not keep the kernel from
    /// carrying out the next (but see `nftables`, where a batch is one transaction). Only the last is acknowledged: the
    /// kernel answers in their order, and refuses unasked.
    ///
    /// # Errors
    /// Where the socket itself fails, or an answer can't be read.
    pub fn exchange(&mut self, requests: Vec<Request<T>>) -> io::Result<Vec<Answer<T>>> {
        let first = self.sequence + 1;
        let mut answers: Vec<Answer<T>> = requests.iter().map(|_| Ok(Vec::new())).collect();
        let Some(last) = requests.len().checked_sub(1) else { return Ok(answers) };
        let mut bytes = Vec::new();
        for (index, mut request) in requests.into_iter().enumerate() {
            request.flags =
                if index == last { request.flags | NLM_F_ACK } else { request.flags & !NLM_F_ACK };
            self.encode(&request, &mut bytes);
        }
        self.send(&bytes)?;
        let mut answered = false;
        while !answered {
            let length = self.receive(0)?;
            for message in messages::<T>(&self.buffer[..length]) {
                let message = message?;
                let Some(index) = index(first, message.header.sequence_number, answers.len()) else {
                    continue;
                };
                match message.payload {
                    NetlinkPayload::InnerMessage(inner) => {
                        // What a refused request has shown before is no answer.
                        let _ = answers[index].as_mut().map(|found| found.push(inner));
                    }
                    NetlinkPayload::Error(error) => {
                        answered |= index == last;
                        if let Err(refusal) = answer(&error) {
                            answers[index] = Err(refusal);
                        }
                    }
                    _ => {}
                }
            }
        }
        Ok(answers)
    }

    /// Sends a transaction in one send: the first request opens it, the last closes it, and those between are
    /// carried out all or none (nfnetlink's batches). Reads up to the answer to the last but one, which is asked for
    /// here, or to the first, which stands for all; of several refusals the first tells why.
    ///
    /// There may be neither: a batch that began anew because it needed a module, and lost its turn meanwhile, is
    /// refused as a whole by the answer to the request that needed it. Nothing comes after that.
    ///
    /// # Errors
    /// Where the socket itself fails, or an answer can't be read. A refusal comes with the index of its request.
    pub fn transact(&mut self, mut requests: Vec<Request<T>>) -> io::Result<Result<(), (usize, Refusal)>> {
        let (first, count) = (self.sequence + 1, requests.len());
        let last = count.saturating_sub(2);
        requests[last].flags |= NLM_F_ACK;
        let mut bytes = Vec::new();
        for request in requests {
            self.encode(&request, &mut bytes);
        }
        self.make_room(bytes.len());
        self.send(&bytes)?;
        let mut refused = None;
        loop {
            let length = match self.receive(libc::MSG_DONTWAIT) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    return refused.map_or(Err(error), |refused| Ok(Err(refused)));
                }
                received => received?,
            };
            for message in messages::<T>(&self.buffer[..length]) {
                let message = message?;
                let Some(index) = index(first, message.header.sequence_number, count) else { continue };
                let NetlinkPayload::Error(error) = message.payload else { continue };
                if let Err(refusal) = answer(&error) {
                    refused.get_or_insert((index, refusal));
                }
                if index == 0 || index == last {
                    return Ok(refused.map_or(Ok(()), Err));
                }
            }
        }
    }

    /// Sends one request and returns what it asked for.
    ///
    /// # Errors
    /// The kernel's refusal, or the socket's failure.
    pub fn request(&mut self, request: Request<T>) -> Answer<T> {
        self.exchange(vec![request])?.pop().unwrap_or_else(|| Ok(Vec::new()))
    }

    /// Reads a whole table, again from the start where it changed meanwhile.
    ///
    /// # Errors
    /// The kernel's refusal; `EINTR` where the table did not stand still through several tries.
    pub fn dump(&mut self, message: &T) -> Answer<T>
    where
        T: Clone,
    {
        self.walk(message, Vec::new, Vec::push)
    }

    /// Lets a long transaction be sent at once. Where the system forbids it, the send says so.
    fn make_room(&self, length: usize) {
        if length > SEND {
            let _ = setsockopt(&self.socket, SndBufForce, &length)
                .or_else(|_| setsockopt(&self.socket, SndBuf, &length));
        }
    }

    /// What went through it by now.
    pub(crate) fn traffic(&self) -> Traffic {
        self.traffic
    }

    fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.traffic.sends = self.traffic.sends.wrapping_add(1);
        self.socket.send(bytes, 0).map(drop)
    }

    fn encode(&mut self, request: &Request<T>, bytes: &mut Vec<u8>) {
        self.sequence += 1;
        let length = HEADER + request.message.buffer_len();
        let start = bytes.len();
        // The kernel takes no more than its buffer holds.
        bytes.extend(u32::try_from(length).unwrap_or(u32::MAX).to_ne_bytes());
        bytes.extend(request.message.message_type().to_ne_bytes());
        bytes.extend((request.flags | NLM_F_REQUEST).to_ne_bytes());
        bytes.extend(self.sequence.to_ne_bytes());
        // Whose it is, the kernel knows.
        bytes.extend([0; 4]);
        bytes.resize(start + length.next_multiple_of(4), 0);
        request.message.serialize(&mut bytes[start + HEADER..start + length]);
    }

    /// Fills the buffer, and returns how far. `flags` are `MSG_*`.
    fn receive(&mut self, flags: libc::c_int) -> io::Result<usize> {
        // Never filled with zeros: a page that nothing is written to costs nothing.
        self.buffer.clear();
        let length = self.socket.recv(&mut self.buffer, flags | libc::MSG_TRUNC)?;
        self.traffic.receipts = self.traffic.receipts.wrapping_add(1);
        if length > self.buffer.len() {
            return Err(io::Error::other(format!("the kernel sent {length} bytes at once, over {BUFFER}")));
        }
        Ok(length)
    }
}

/// The messages in these bytes, each as long as it says, none of them read yet.
fn frames(mut bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let length = u32::from_ne_bytes(*bytes.get(..HEADER)?.first_chunk()?) as usize;
        let length = length.max(HEADER);
        let frame = bytes.get(..length).unwrap_or(bytes);
        bytes = bytes.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some(frame)
    })
}

/// The messages in these bytes.
fn messages<T: NetlinkDeserializable>(bytes: &[u8]) -> impl Iterator<Item = io::Result<NetlinkMessage<T>>> {
    frames(bytes).map(|frame| NetlinkMessage::deserialize(frame).map_err(io::Error::other))
}

/// Which of the requests from `first` on a sequence number belongs to.
fn index(first: u32, sequence: u32, count: usize) -> Option<usize> {
    let index = usize::try_from(sequence.checked_sub(first)?).ok()?;
    (index < count).then_some(index)
}

fn answer(error: &netlink_packet_core::ErrorMessage) -> Result<(), Refusal> {
    if error.code.is_none() {
        return Ok(());
    }
    let attributes = error.header.get(HEADER..).unwrap_or_default();
    Err(Refusal { source: error.to_io(), reason: extended(attributes).unwrap_or_default() })
}

/// The text among an extended acknowledgement's attributes.
fn extended(mut attributes: &[u8]) -> Option<String> {
    while let [l0, l1, k0, k1, ..] = *attributes {
        let (length, kind) = (usize::from(u16::from_ne_bytes([l0, l1])), u16::from_ne_bytes([k0, k1]));
        let value = attributes.get(4..length)?;
        if kind == ATTRIBUTE_MESSAGE {
            return Some(String::from_utf8_lossy(value).trim_end_matches('\0').to_owned());
        }
        attributes = attributes.get(length.next_multiple_of(4)..)?;
    }
    None
}
