//! The hierarchical token bucket (`tc-htb(8)`) with one class: a limit for what filters choose. What belongs to no class
//! it sends at once. It never cuts what an offload hands over, so the queue of the class has to take that whole.

use std::fmt;

use netlink_packet_core::DefaultNla;
use netlink_packet_route::RouteNetlinkMessage as Message;
use netlink_packet_route::tc::{TcAttribute, TcHandle};
use netstate::Limit;

use super::{
    CLASS, LEAF, NEW, OPTIONS, ROOT, Seen, about, described, message, microseconds, number, rate_spec, ticks,
};
use crate::link::Socket;
use crate::netlink::{Refusal, Request};

const KIND: &str = "htb";

/// The kind of the queue of the class.
const QUEUE: &str = "bfifo";

// `linux/pkt_sched.h`
const PARAMETERS: u16 = 1;
const INIT: u16 = 2;
const RATE: u16 = 6;
const CEILING: u16 = 7;

/// `HTB_VER >> 16`: another version is refused.
const VERSION: u32 = 3;

/// What the one class sends at its turn, in bytes. There is nobody to take turns with; without it the kernel warns of
/// rates for which it would choose a long one.
const QUANTUM: u32 = 64 * 1024;

/// Where packets go that no filter chose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Otherwise {
    /// To the class.
    Class,
    /// Out, at once.
    Direct,
}

impl Otherwise {
    fn minor(self) -> u32 {
        match self {
            Self::Class => u32::from(CLASS.minor),
            Self::Direct => 0,
        }
    }
}

/// Puts it at the root of a link.
pub(crate) fn classes(index: u32, otherwise: Otherwise) -> Request<Message> {
    // struct tc_htb_glob: version, rate2quantum, defcls, debug, direct_pkts
    let init = [VERSION, 10, otherwise.minor(), 0, 0].into_iter().flat_map(u32::to_ne_bytes).collect();
    let message = described(message(index, ROOT, TcHandle::ROOT), KIND, vec![(INIT, init)]);
    Request::new(Message::NewQueueDiscipline(message), NEW)
}

/// Adds the class.
pub(crate) fn class(index: u32, limit: &Limit) -> Request<Message> {
    let burst = u32::try_from(ticks(limit.burst, limit.rate)).unwrap_or(u32::MAX);
    // struct tc_htb_opt: rate, ceil, buffer, cbuffer, quantum, level, prio
    let mut parameters = Vec::from(rate_spec(limit.rate));
    parameters.extend(rate_spec(limit.rate));
    parameters.extend([burst, burst, QUANTUM, 0, 0].into_iter().flat_map(u32::to_ne_bytes));
    let rate = limit.rate.to_ne_bytes().to_vec();
    let options = vec![(PARAMETERS, parameters), (RATE, rate.clone()), (CEILING, rate)];
    let message = described(message(index, CLASS, ROOT), KIND, options);
    Request::new(Message::NewTrafficClass(message), NEW)
}

/// Adds the queue of the class: so many bytes, as a bucket's.
pub(crate) fn leaf(index: u32, limit: &Limit) -> Request<Message> {
    let mut message = message(index, LEAF, CLASS);
    let limit = DefaultNla::new(OPTIONS, limit.queue.to_ne_bytes().to_vec());
    message.attributes = vec![TcAttribute::Kind(QUEUE.to_owned()), TcAttribute::Other(limit)];
    Request::new(Message::NewQueueDiscipline(message), NEW)
}

/// A class as the kernel shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Class {
    /// In bytes a second.
    pub(crate) rate: u64,
    ceiling: u64,
    burst: u32,
}

impl Class {
    /// None where it is no such class.
    pub(crate) fn read(seen: &Seen) -> Option<Self> {
        let parameters = seen.option(PARAMETERS).filter(|_| seen.kind == KIND)?;
        let rate = |wide, place| seen.wide(wide).or_else(|| number(parameters, place).map(u64::from));
        Some(Self { rate: rate(RATE, 8)?, ceiling: rate(CEILING, 20)?, burst: number(parameters, 24)? })
    }

    /// Is it as wanted?
    pub(crate) fn is(&self, limit: &Limit) -> bool {
        let burst = ticks(limit.burst, limit.rate);
        self.rate == limit.rate && self.ceiling == limit.rate && about(self.burst, burst)
    }
}

impl Seen {
    /// The classes' discipline, with this default?
    pub(crate) fn is_classes(&self, otherwise: Otherwise) -> bool {
        let init = self.option(INIT).filter(|_| self.kind == KIND);
        init.and_then(|init| number(init, 8)) == Some(otherwise.minor())
    }

    /// The queue of the class, of this length?
    pub(crate) fn is_leaf(&self, limit: &Limit) -> bool {
        self.kind == QUEUE && number(&self.options, 0) == Some(limit.queue)
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { rate, ceiling, burst } = self;
        let (rate, ceiling) = (u128::from(*rate) * 8, u128::from(*ceiling) * 8);
        write!(f, "htb rate {rate}bit ceil {ceiling}bit burst {}us", microseconds(*burst))
    }
}

/// The rate of the slowest class of a link, in bytes a second: none where there are no classes.
pub(crate) fn slowest_class(socket: &mut Socket, index: u32) -> Result<Option<u64>, Refusal> {
    let asked = Message::GetTrafficClass(message(index, TcHandle::UNSPEC, TcHandle::UNSPEC));
    let classes = socket.dump(&asked)?.into_iter().filter_map(|message| match message {
        Message::NewTrafficClass(found) => Class::read(&Seen::read(found)),
        _ => None,
    });
    Ok(classes.map(|class| class.rate).min())
}
