//! Virtual routing and forwarding domains (`Documentation/networking/vrf.rst`).

use std::fmt;

use ipnetwork::IpNetwork;

use crate::LinkName;

/// A link of the container in a VRF, whose routes are those of its table. The VRF is made for its first link, and goes
/// with its last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VrfMember {
    /// The VRF.
    pub vrf: LinkName,
    /// Its table.
    pub table: u32,
    /// The link.
    pub link: LinkName,
    /// The link's global IPv6 addresses: the kernel drops them when a link enters or leaves a VRF.
    pub addresses: Vec<IpNetwork>,
}

impl fmt::Display for VrfMember {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "link {} vrf {} table {}", self.link, self.vrf, self.table)
    }
}
