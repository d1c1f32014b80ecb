//! The token bucket filter (`tc-tbf(8)`): a limit for everything. What an offload hands over in one piece, and is longer
//! than the bucket, it cuts into frames.

use std::fmt;

use netlink_packet_route::RouteNetlinkMessage as Message;
use netlink_packet_route::tc::TcHandle;
use netstate::Limit;

use super::{NEW, ROOT, Seen, about, described, message, microseconds, number, rate_spec, ticks};
use crate::netlink::Request;

const KIND: &str = "tbf";

// `linux/pkt_sched.h`
const PARAMETERS: u16 = 1;
const RATE: u16 = 4;
const BURST: u16 = 6;

/// Puts a bucket at the root of a link.
pub(crate) fn bucket(index: u32, limit: &Limit) -> Request<Message> {
    // struct tc_tbf_qopt: rate, peak rate, limit, buffer, mtu. The buffer is told in bytes, below.
    let mut parameters = Vec::from(rate_spec(limit.rate));
    parameters.extend([0; 12]);
    parameters.extend(limit.queue.to_ne_bytes());
    parameters.extend([0; 8]);
    let options = vec![
        (PARAMETERS, parameters),
        (RATE, limit.rate.to_ne_bytes().to_vec()),
        (BURST, limit.burst.to_ne_bytes().to_vec()),
    ];
    let message = described(message(index, ROOT, TcHandle::ROOT), KIND, options);
    Request::new(Message::NewQueueDiscipline(message), NEW)
}

/// A bucket as the kernel shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Bucket {
    /// In bytes a second.
    pub(crate) rate: u64,
    /// In bytes.
    queue: u32,
    /// How long it takes to fill, in the scheduler's units.
    burst: u32,
}

impl Bucket {
    /// None where it is no bucket.
    pub(crate) fn read(seen: &Seen) -> Option<Self> {
        let parameters = seen.option(PARAMETERS).filter(|_| seen.kind == KIND)?;
        let rate = seen.wide(RATE).or_else(|| number(parameters, 8).map(u64::from))?;
        Some(Self { rate, queue: number(parameters, 24)?, burst: number(parameters, 28)? })
    }

    /// Is it as wanted?
    pub(crate) fn is(&self, limit: &Limit) -> bool {
        self.rate == limit.rate
            && self.queue == limit.queue
            && about(self.burst, ticks(limit.burst, limit.rate))
    }
}

impl fmt::Display for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { rate, queue, burst } = self;
        write!(f, "tbf rate {}bit limit {queue}b burst {}us", u128::from(*rate) * 8, microseconds(*burst))
    }
}
