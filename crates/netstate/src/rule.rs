//! Packet rules: masquerade and the MAC guard. `host::nftables` knows how the kernel is told.

use std::fmt;
use std::net::IpAddr;

use ipnetwork::IpNetwork;

use crate::{Attachment, LinkName, Mac};

/// What a packet rule is for. Each kind has a table of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RuleKind {
    /// [`Masquerade`].
    Masquerade,
    /// [`MacGuard`].
    MacGuard,
}

/// Traffic from `source` to anywhere outside `subnet`, multicast excepted, leaves with the node's own address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Masquerade {
    /// The container's address.
    pub source: IpAddr,
    /// The network within which it keeps its address (host bits are ignored).
    pub subnet: IpNetwork,
    /// Whose rule it is: only its owner, or nobody living, takes it away.
    pub owner: Attachment,
}

impl fmt::Display for Masquerade {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "masquerade {} outside {}/{}", self.source, self.subnet.network(), self.subnet.prefix())
    }
}

/// Frames that come in by the host end `link` from any other MAC than `mac` are dropped (`macspoofchk`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MacGuard {
    /// The host end.
    pub link: LinkName,
    /// The only source address let through.
    pub mac: Mac,
    /// Whose rule it is.
    pub owner: Attachment,
}

impl fmt::Display for MacGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "guard {} lladdr {}", self.link, self.mac)
    }
}
