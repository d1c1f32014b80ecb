//! Attributes: their numbers, and how one is written and read (`NLA_*`, `linux/netlink.h`).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use netlink_packet_core::NLA_TYPE_MASK;
use netstate::Mac;

use super::body::Body;

// `linux/nexthop.h`
pub(super) const ID: u16 = 1;
pub(super) const GROUP: u16 = 2;
pub(super) const BLACKHOLE: u16 = 4;
pub(super) const OUT: u16 = 5;
pub(super) const GATEWAY: u16 = 6;
pub(super) const ENCAPSULATION: u16 = 8;
pub(super) const FORWARDING: u16 = 11;

// `linux/rtnetlink.h`
pub(super) const ROUTE_DESTINATION: u16 = 1;
pub(super) const ROUTE_FROM: u16 = 2;
pub(super) const ROUTE_OUT: u16 = 4;
pub(super) const ROUTE_GATEWAY: u16 = 5;
pub(super) const ROUTE_METRIC: u16 = 6;
pub(super) const ROUTE_SOURCE: u16 = 7;
pub(super) const ROUTE_METRICS: u16 = 8;
pub(super) const ROUTE_SEVERAL: u16 = 9;
pub(super) const ROUTE_TABLE: u16 = 15;
pub(super) const ROUTE_VIA: u16 = 18;
pub(super) const ROUTE_ENCAPSULATION: u16 = 22;
pub(super) const ROUTE_NEXT_HOP: u16 = 30;

// `linux/neighbour.h`
pub(super) const NEIGHBOUR_ADDRESS: u16 = 1;
pub(super) const NEIGHBOUR_MAC: u16 = 2;
pub(super) const NEIGHBOUR_PORT: u16 = 6;
pub(super) const NEIGHBOUR_VNI: u16 = 7;
pub(super) const NEIGHBOUR_LINK: u16 = 8;
pub(super) const NEIGHBOUR_GROUP: u16 = 13;

/// Appends an attribute.
///
/// # Panics
/// Never: the longest value here has 16 bytes.
pub(super) fn put(body: &mut Body, kind: u16, value: &[u8]) {
    let length = u16::try_from(4 + value.len()).expect("the longest value here has 16 bytes");
    let ([l0, l1], [k0, k1]) = (length.to_ne_bytes(), kind.to_ne_bytes());
    body.extend(&[l0, l1, k0, k1]);
    body.extend(value);
}

/// Appends an address.
pub(super) fn put_address(body: &mut Body, kind: u16, address: IpAddr) {
    match address {
        IpAddr::V4(v4) => put(body, kind, &v4.octets()),
        IpAddr::V6(v6) => put(body, kind, &v6.octets()),
    }
}

/// An attribute.
pub(super) struct Attribute<'a> {
    /// Its number, without the flags beside it.
    pub(super) kind: u16,
    pub(super) value: &'a [u8],
}

/// The attributes in these bytes, up to the first that is none. By hand: it is half of what a large dump costs.
pub(super) fn each(mut bytes: &[u8]) -> impl Iterator<Item = Attribute<'_>> {
    std::iter::from_fn(move || {
        let [l0, l1, k0, k1] = *bytes.first_chunk()?;
        let length = usize::from(u16::from_ne_bytes([l0, l1]));
        let value = bytes.get(4..length)?;
        bytes = bytes.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some(Attribute { kind: u16::from_ne_bytes([k0, k1]) & NLA_TYPE_MASK, value })
    })
}

/// A number.
pub(super) fn number(attribute: &Attribute<'_>) -> Option<u32> {
    attribute.value.try_into().ok().map(u32::from_ne_bytes)
}

/// An address.
pub(super) fn address(attribute: &Attribute<'_>) -> Option<IpAddr> {
    let value = attribute.value;
    let v4 = || <[u8; 4]>::try_from(value).ok().map(|octets| IpAddr::V4(Ipv4Addr::from(octets)));
    let v6 = || <[u8; 16]>::try_from(value).ok().map(|octets| IpAddr::V6(Ipv6Addr::from(octets)));
    v4().or_else(v6)
}

/// A MAC.
pub(super) fn mac(attribute: &Attribute<'_>) -> Option<Mac> {
    attribute.value.try_into().ok().map(Mac)
}
