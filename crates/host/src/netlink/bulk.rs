//! Many messages: a table read without keeping it, and a long list of changes in few sends.

use std::io;

use netlink_packet_core::{
    NLM_F_ACK, NLM_F_DUMP, NLM_F_DUMP_INTR, NetlinkDeserializable, NetlinkHeader, NetlinkMessage,
    NetlinkPayload, NetlinkSerializable,
};
use nix::sys::socket::{setsockopt, sockopt::RcvBuf};

use super::{HEADER, Netlink, Refusal, Request, answer, frames, index, messages};

/// Linux sets `NLM_F_DUMP_INTR` where the table changed under a dump; each try starts anew.
const DUMP_TRIES: u32 = 10;

/// `NLMSG_MIN_TYPE`: lesser ones are netlink's own, an error or the end of a dump.
const FIRST_TYPE: u16 = 0x10;

/// Requests in one send. A refusal of each must find room in the socket's receive buffer.
const AT_ONCE: usize = 250;

/// Bytes of [`AT_ONCE`] refusals, as the kernel counts them, and the kernel's own limit for those without privilege.
const RECEIVE_BUFFER: usize = 512 * 1024;

impl<T: NetlinkSerializable + NetlinkDeserializable> Netlink<T> {
    /// Makes room for the answers to [`Netlink::carry_out`].
    ///
    /// # Errors
    /// What the kernel says.
    pub fn enlarge(&self) -> io::Result<()> {
        setsockopt(&self.socket, RcvBuf, &RECEIVE_BUFFER).map_err(io::Error::from)
    }

    /// Reads a whole table and shows each message of it to `see`, with what `start` gave; from a new start where the
    /// table changed meanwhile.
    ///
    /// # Errors
    /// The kernel's refusal; `EINTR` where the table did not stand still through [`DUMP_TRIES`] tries.
    pub fn walk<S>(
        &mut self,
        message: &T,
        mut start: impl FnMut() -> S,
        mut see: impl FnMut(&mut S, T),
    ) -> Result<S, Refusal>
    where
        T: Clone,
    {
        for _ in 0..DUMP_TRIES {
            let mut seen = start();
            if self.walk_once(message.clone(), &mut |message| see(&mut seen, message))? {
                return Ok(seen);
            }
        }
        Err(io::Error::from_raw_os_error(libc::EINTR).into())
    }

    /// Did the table stand still?
    fn walk_once(&mut self, message: T, see: &mut dyn FnMut(T)) -> Result<bool, Refusal> {
        let mut bytes = Vec::new();
        self.encode(&Request { message, flags: NLM_F_DUMP }, &mut bytes);
        self.send(&bytes)?;
        let mut whole = true;
        loop {
            let length = self.receive(0)?;
            for frame in frames(&self.buffer[..length]) {
                let Some(header) = header(frame) else { continue };
                if header.sequence_number != self.sequence {
                    continue;
                }
                whole &= header.flags & NLM_F_DUMP_INTR == 0;
                // Nearly all of them.
                if header.message_type >= FIRST_TYPE {
                    see(T::deserialize(&header, &frame[HEADER..]).map_err(io::Error::other)?);
                    continue;
                }
                match NetlinkMessage::<T>::deserialize(frame).map_err(io::Error::other)?.payload {
                    NetlinkPayload::Error(error) => answer(&error)?,
                    NetlinkPayload::Done(done) if done.code < 0 => {
                        return Err(io::Error::from_raw_os_error(-done.code).into());
                    }
                    NetlinkPayload::Done(_) => return Ok(whole),
                    _ => {}
                }
            }
        }
    }

    /// Has the kernel carry out the requests in their order, [`AT_ONCE`] a send. Only the last of a send is
    /// acknowledged, for refusals come unasked. Returns the refusals, each with the number of its request.
    ///
    /// # Errors
    /// Where the socket itself fails, or an answer can't be read.
    pub fn carry_out(
        &mut self,
        requests: impl IntoIterator<Item = Request<T>>,
    ) -> io::Result<Vec<(usize, Refusal)>> {
        let mut requests = requests.into_iter().peekable();
        let (mut refused, mut done, mut bytes) = (Vec::new(), 0, Vec::new());
        while requests.peek().is_some() {
            let first = self.sequence + 1;
            let mut count = 0;
            bytes.clear();
            while let Some(mut request) = requests.next() {
                count += 1;
                let last = count == AT_ONCE || requests.peek().is_none();
                request.flags = if last { request.flags | NLM_F_ACK } else { request.flags & !NLM_F_ACK };
                self.encode(&request, &mut bytes);
                if last {
                    break;
                }
            }
            self.send(&bytes)?;
            self.hear(first, count, |index, refusal| refused.push((done + index, refusal)))?;
            done += count;
        }
        Ok(refused)
    }

    /// Reads the refusals of `count` requests from `first` on, until the last one is answered.
    fn hear(&mut self, first: u32, count: usize, mut refused: impl FnMut(usize, Refusal)) -> io::Result<()> {
        let mut answered = false;
        while !answered {
            let length = self.receive(0)?;
            for message in messages::<T>(&self.buffer[..length]) {
                let message = message?;
                let Some(index) = index(first, message.header.sequence_number, count) else { continue };
                let NetlinkPayload::Error(error) = message.payload else { continue };
                answered |= index + 1 == count;
                if let Err(refusal) = answer(&error) {
                    refused(index, refusal);
                }
            }
        }
        Ok(())
    }
}

/// A message's header, without a copy of what is behind it: none where it is cut off.
fn header(frame: &[u8]) -> Option<NetlinkHeader> {
    let [l0, l1, l2, l3, k0, k1, f0, f1, s0, s1, s2, s3, p0, p1, p2, p3] = *frame.first_chunk::<HEADER>()?;
    let mut header = NetlinkHeader::default();
    header.length = u32::from_ne_bytes([l0, l1, l2, l3]);
    header.message_type = u16::from_ne_bytes([k0, k1]);
    header.flags = u16::from_ne_bytes([f0, f1]);
    header.sequence_number = u32::from_ne_bytes([s0, s1, s2, s3]);
    header.port_number = u32::from_ne_bytes([p0, p1, p2, p3]);
    Some(header)
}
