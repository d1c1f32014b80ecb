//! What differs between IPv4 and IPv6, as a table. No other place in the project branches on the family.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnetwork::IpNetwork;

/// An IP version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Family {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

impl Family {
    /// Both, in the order that results and plans list them.
    pub const ALL: [Self; 2] = [Self::V4, Self::V6];

    /// The family of an address.
    pub fn of(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(_) => Self::V4,
            IpAddr::V6(_) => Self::V6,
        }
    }

    /// Bits in an address, which is also the prefix length of a single host.
    pub const fn bits(self) -> u8 {
        match self {
            Self::V4 => 32,
            Self::V6 => 128,
        }
    }

    /// `0.0.0.0/0` or `::/0`.
    ///
    /// # Panics
    /// Never: a prefix length of 0 is always valid.
    pub fn default_route(self) -> IpNetwork {
        IpNetwork::new(self.unspecified(), 0).expect("a prefix length of 0 is always valid")
    }

    /// `0.0.0.0` or `::`.
    pub const fn unspecified(self) -> IpAddr {
        match self {
            Self::V4 => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            Self::V6 => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
        }
    }

    /// The sysctl that lets this family's packets pass from one link to another (`ip-sysctl.rst`).
    pub const fn forwarding_sysctl(self) -> &'static str {
        match self {
            Self::V4 => "net/ipv4/ip_forward",
            Self::V6 => "net/ipv6/conf/all/forwarding",
        }
    }

    /// The sysctl by which link `name` announces an address that it gets: `arp_notify` or `ndisc_notify`.
    pub fn announce_sysctl(self, name: &str) -> String {
        match self {
            Self::V4 => format!("net/ipv4/conf/{name}/arp_notify"),
            Self::V6 => format!("net/ipv6/conf/{name}/ndisc_notify"),
        }
    }
}

/// The network's first address after its own: the gateway where nobody names one. None where there is no room for it
/// in the family.
pub fn first_host(network: IpNetwork) -> Option<IpAddr> {
    match network {
        IpNetwork::V4(v4) => u32::from(v4.network()).checked_add(1).map(|ip| IpAddr::V4(ip.into())),
        IpNetwork::V6(v6) => u128::from(v6.network()).checked_add(1).map(|ip| IpAddr::V6(ip.into())),
    }
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::V4 => "IPv4",
            Self::V6 => "IPv6",
        })
    }
}
