//! Routing by source address: rules that lead to tables, and routes that move between tables.

use std::fmt;
use std::net::IpAddr;

use crate::Route;

/// Packets from an address are routed by a table (`ip rule add from … lookup …`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SourceRule {
    /// The container's address.
    pub source: IpAddr,
    /// The table.
    pub table: u32,
}

impl fmt::Display for SourceRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "rule from {} lookup {}", self.source, self.table)
    }
}

/// A route with all by which the kernel tells it from others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KernelRoute {
    /// Where to, by whom, in which table.
    pub route: Route,
    /// Who made it (`rtm_protocol`, `rtnetlink(7)`).
    pub protocol: u8,
    /// The gateway is on the link, whatever the addresses say.
    pub onlink: bool,
}

impl KernelRoute {
    /// `RTPROT_KERNEL`: it comes and goes with an address.
    pub const OF_THE_KERNEL: u8 = 2;
    /// `RTPROT_BOOT`: what a script, or the reference, gives its routes.
    pub const OF_A_SCRIPT: u8 = 3;
}

impl fmt::Display for KernelRoute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.route.fmt(f)?;
        if self.onlink { f.write_str(" onlink") } else { Ok(()) }
    }
}

/// What becomes of a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Change {
    /// It is added, and goes with the attachment.
    Added,
    /// It is taken away, and comes back with the attachment's end.
    Taken,
}

/// A route of the container that is added or taken away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouteChange {
    /// Which of both.
    pub change: Change,
    /// The route.
    pub kernel: KernelRoute,
}

impl fmt::Display for RouteChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.change {
            Change::Added => self.kernel.fmt(f),
            Change::Taken => write!(f, "no {}", self.kernel),
        }
    }
}
