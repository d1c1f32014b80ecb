//! Announcements: a gratuitous ARP for each IPv4 address, an unsolicited neighbour advertisement for each of IPv6.

use std::fmt;

use crate::{LinkName, Mac};

/// The addresses of the container's link are told to the machines beyond the bridge, as soon as its port forwards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Announcement {
    /// The container's end.
    pub link: LinkName,
    /// Its MAC.
    pub mac: Mac,
    /// The host end, which is the bridge's port.
    pub port: LinkName,
}

impl fmt::Display for Announcement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "announce the addresses of {}", self.link)
    }
}
