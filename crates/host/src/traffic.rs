//! Traffic control over rtnetlink (`tc(8)`, `linux/pkt_sched.h`): queueing disciplines, a class, filters.
//!
//! ```text
//! root of a link        tbf                      all that leaves it, limited
//!                       htb ── class ── bfifo    what a filter, or the default, sends to the class, limited; the rest
//!                                                leaves at once
//! ingress of a link     filters                  what arrives is sent to another device, or left alone
//! ```
//!
//! `netlink-packet-route` has the messages, u32 and mirred; the options of tbf, htb and bfifo are written by hand.

mod bucket;
mod class;
mod device;
mod filter;

use netlink_packet_core::{DefaultNla, NLM_F_CREATE, NLM_F_ECHO, NLM_F_EXCL, Nla};
use netlink_packet_route::RouteNetlinkMessage as Message;
use netlink_packet_route::tc::{TcAttribute, TcHandle, TcMessage, TcOption};

use crate::link::Socket;
use crate::netlink::{Refusal, Request};

pub(crate) use bucket::{Bucket, bucket};
pub(crate) use class::{Class, Otherwise, class, classes, leaf, slowest_class};
pub(crate) use device::{create, devices, set_up};
pub(crate) use filter::{End, Filter, Verdict, filter, filters};

/// `1:`, the discipline at the root of a link, as the reference calls it.
pub(crate) const ROOT: TcHandle = TcHandle { major: 1, minor: 0 };

/// `1:1`, the one class.
pub(crate) const CLASS: TcHandle = TcHandle { major: 1, minor: 1 };

/// `2:`, the queue of the class.
const LEAF: TcHandle = TcHandle { major: 2, minor: 0 };

/// `ffff:`, the discipline of what arrives.
pub(crate) const INGRESS: TcHandle = TcHandle { major: u16::MAX, minor: 0 };

/// `TCA_OPTIONS`.
const OPTIONS: u16 = 2;

/// One unit of the kernel's packet scheduler in nanoseconds: `1 << PSCHED_SHIFT`.
const TICK: u128 = 64;

/// A new discipline, class or filter; one that is there already is refused.
const NEW: u16 = NLM_F_CREATE | NLM_F_EXCL;

/// A queueing discipline or a class as the kernel shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seen {
    /// `tbf`, `htb`, …
    pub(crate) kind: String,
    /// Its options, as the kernel wrote them: attributes, or a single structure.
    pub(crate) options: Vec<u8>,
}

impl Seen {
    fn read(message: TcMessage) -> Self {
        let mut seen = Self { kind: String::new(), options: Vec::new() };
        for attribute in message.attributes {
            match attribute {
                TcAttribute::Kind(kind) => seen.kind = kind,
                TcAttribute::Options(options) => {
                    if let Some(TcOption::Other(options)) = options.first() {
                        seen.options = vec![0; options.value_len()];
                        options.emit_value(&mut seen.options);
                    }
                }
                _ => {}
            }
        }
        seen
    }

    /// The value of an option.
    fn option(&self, number: u16) -> Option<&[u8]> {
        let mut bytes = self.options.as_slice();
        while let [l0, l1, k0, k1, ..] = *bytes {
            let length = usize::from(u16::from_ne_bytes([l0, l1]));
            let value = bytes.get(4..length)?;
            if u16::from_ne_bytes([k0, k1]) == number {
                return Some(value);
            }
            bytes = bytes.get(length.next_multiple_of(4)..)?;
        }
        None
    }

    /// The value of an option of 64 bits.
    fn wide(&self, number: u16) -> Option<u64> {
        self.option(number)?.try_into().ok().map(u64::from_ne_bytes)
    }
}

/// A 32-bit number at a place of a structure.
fn number(structure: &[u8], place: usize) -> Option<u32> {
    structure.get(place..place + 4)?.try_into().ok().map(u32::from_ne_bytes)
}

/// `struct tc_ratespec`: bytes a second as far as 32 bits tell, of Ethernet frames, so that no rate table is needed.
fn rate_spec(rate: u64) -> [u8; 12] {
    let mut spec = [0; 12];
    spec[1] = 1; // TC_LINKLAYER_ETHERNET
    spec[8..].copy_from_slice(&u32::try_from(rate).unwrap_or(u32::MAX).to_ne_bytes());
    spec
}

/// How long `bytes` take at `rate` bytes a second, in the scheduler's units.
fn ticks(bytes: u32, rate: u64) -> u128 {
    u128::from(bytes) * 1_000_000_000 / u128::from(rate.max(1)) / TICK
}

/// The scheduler's units, for people.
fn microseconds(ticks: u32) -> u128 {
    u128::from(ticks) * TICK / 1000
}

/// The kernel computes with fewer digits.
fn about(found: u32, wanted: u128) -> bool {
    wanted > u128::from(u32::MAX) || u128::from(found).abs_diff(wanted) <= wanted / 1000 + 2
}

/// A message about a link.
///
/// # Panics
/// Never: indexes are positive as C's `int`.
fn message(index: u32, handle: TcHandle, parent: TcHandle) -> TcMessage {
    let mut message = TcMessage::with_index(i32::try_from(index).expect("an index is positive"));
    message.header.handle = handle;
    message.header.parent = parent;
    message
}

/// A message about something of this kind, with options.
fn described(mut message: TcMessage, kind: &str, options: Vec<(u16, Vec<u8>)>) -> TcMessage {
    let options = options.into_iter().map(|(kind, value)| TcOption::Other(DefaultNla::new(kind, value)));
    message.attributes = vec![TcAttribute::Kind(kind.to_owned()), TcAttribute::Options(options.collect())];
    message
}

/// Opens a link's ingress to filters.
pub(crate) fn ingress(index: u32) -> Request<Message> {
    let message = described(message(index, INGRESS, TcHandle::INGRESS), "ingress", Vec::new());
    Request::new(Message::NewQueueDiscipline(message), NEW)
}

/// Removes a link's discipline: what leaves it waits no longer, what arrives is left alone.
pub(crate) fn remove(index: u32, handle: TcHandle) -> Request<Message> {
    let parent = if handle == INGRESS { TcHandle::INGRESS } else { TcHandle::ROOT };
    Request::new(Message::DelQueueDiscipline(message(index, handle, parent)), 0)
}

/// What was not there, or is somebody else's, needs no removing.
pub(crate) fn removed(answer: Result<(), Refusal>) -> Result<(), Refusal> {
    match answer {
        Err(refusal) if [libc::ENOENT, libc::EINVAL, libc::ENODEV].iter().any(|errno| refusal.is(*errno)) => {
            Ok(())
        }
        answer => answer,
    }
}

/// The discipline at the root of a link: none where it is the one that the kernel chose.
pub(crate) fn at_root(socket: &mut Socket, index: u32) -> Result<Option<Seen>, Refusal> {
    let asked = Message::GetQueueDiscipline(message(index, TcHandle::UNSPEC, TcHandle::ROOT));
    one(socket, asked)
}

/// The discipline below the class.
pub(crate) fn at_class(socket: &mut Socket, index: u32) -> Result<Option<Seen>, Refusal> {
    one(socket, Message::GetQueueDiscipline(message(index, TcHandle::UNSPEC, CLASS)))
}

/// The class.
pub(crate) fn the_class(socket: &mut Socket, index: u32) -> Result<Option<Seen>, Refusal> {
    one(socket, Message::GetTrafficClass(message(index, CLASS, TcHandle::UNSPEC)))
}

/// Asks for one. Before 6.5 the kernel answers such a question only to who asks for an echo, too.
fn one(socket: &mut Socket, asked: Message) -> Result<Option<Seen>, Refusal> {
    match socket.request(Request::new(asked, NLM_F_ECHO)) {
        Ok(messages) => Ok(messages.into_iter().find_map(|message| match message {
            Message::NewQueueDiscipline(found) | Message::NewTrafficClass(found) => Some(Seen::read(found)),
            _ => None,
        })),
        Err(refusal) if refusal.is(libc::ENOENT) || refusal.is(libc::EINVAL) => Ok(None),
        Err(refusal) => Err(refusal),
    }
}
