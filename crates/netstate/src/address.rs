//! Addresses on links.

use std::fmt;

use ipnetwork::IpNetwork;

use crate::LinkName;

/// What to do where the link already has another address of the family.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Conflict {
    /// Several addresses are fine.
    Allow,
    /// Refuse: the link is somebody else's subnet. Any other IPv4 address conflicts; of IPv6, one whose network
    /// overlaps.
    Refuse,
    /// Remove what conflicts (`forceAddress`).
    Replace,
}

/// Whether IPv6 asks the link first if somebody has the address (RFC 4862, 5.4). IPv4 never does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detection {
    /// `IFA_F_NODAD`: the address can be used at once.
    Off,
    /// The kernel asks; the address is tentative for a second or two.
    On,
}

/// Whether the kernel makes a route to an address's own network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PrefixRoute {
    /// The network is on the link.
    Kernel,
    /// `IFA_F_NOPREFIXROUTE`: routes of the plan say where it is.
    Absent,
}

/// An address, with its prefix, on a link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// The link.
    pub link: LinkName,
    /// The address and its prefix length.
    pub network: IpNetwork,
    /// What to do where another address is there.
    pub conflict: Conflict,
    /// IPv6 duplicate address detection.
    pub detection: Detection,
    /// Is its network on the link?
    pub prefix_route: PrefixRoute,
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "address {} dev {}", self.network, self.link)?;
        if self.detection == Detection::On && self.network.is_ipv6() {
            f.write_str(" dad")?;
        }
        if self.prefix_route == PrefixRoute::Absent { f.write_str(" noprefixroute") } else { Ok(()) }
    }
}
