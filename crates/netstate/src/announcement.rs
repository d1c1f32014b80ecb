//! Announcements: a gratuitous ARP for each IPv4 address, an unsolicited neighbour advertisement for each of IPv6.

use std::fmt;

use crate::LinkName;

/// The addresses of the container's link are told to the machines beyond the node, as soon as the bridge's port forwards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Announcement {
    /// The container's end.
    pub link: LinkName,
    /// The host end, where that is a bridge's port.
    pub port: Option<LinkName>,
}

impl fmt::Display for Announcement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "announce the addresses of {}", self.link)
    }
}
