//! Addresses as numbers: the next, the last of a subnet. One path for both families.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnetwork::IpNetwork;

/// How many bits an address of the same family has.
pub(crate) fn bits(address: IpAddr) -> u8 {
    match address {
        IpAddr::V4(_) => 32,
        IpAddr::V6(_) => 128,
    }
}

/// The address as a number.
pub(crate) fn of(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u128::from(u32::from(address)),
        IpAddr::V6(address) => address.into(),
    }
}

/// The address after `address`; after the family's last comes its first.
pub(crate) fn next(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(address) => Ipv4Addr::from(u32::from(address).wrapping_add(1)).into(),
        IpAddr::V6(address) => Ipv6Addr::from(u128::from(address).wrapping_add(1)).into(),
    }
}

/// The last address of a subnet that a container may have: IPv4 keeps the very last for broadcasts.
pub(crate) fn last_usable(subnet: IpNetwork) -> IpAddr {
    match subnet {
        IpNetwork::V4(subnet) => Ipv4Addr::from(u32::from(subnet.broadcast()).saturating_sub(1)).into(),
        IpNetwork::V6(subnet) => subnet.broadcast().into(),
    }
}
