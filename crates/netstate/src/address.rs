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
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "address {} dev {}", self.network, self.link)?;
        match self.detection {
            Detection::On if self.network.is_ipv6() => f.write_str(" dad"),
            _ => Ok(()),
        }
    }
}
