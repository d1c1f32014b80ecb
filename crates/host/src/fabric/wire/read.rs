//! Messages of the kernel. None where one is too short or makes no sense.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnetwork::IpNetwork;
use netstate::Mac;

use super::attributes as a;
use super::{CLONED, FAMILIES, HEADER, NEXT_HOP_HEADER, ONLINK, PERMANENT};
use crate::fabric::object::{Entry, Hop, Neighbour, NextHop, Route, Way};

pub(super) fn next_hop(bytes: &[u8]) -> Option<NextHop> {
    let flags = number(bytes, 4)?;
    let protocol = bytes[2];
    let (mut id, mut gateway, mut link, mut special) = (0, None, None, false);
    for attribute in a::each(&bytes[NEXT_HOP_HEADER..]) {
        match attribute.kind {
            a::ID => id = a::number(&attribute)?,
            a::OUT => link = a::number(&attribute),
            a::GATEWAY => gateway = a::address(&attribute),
            a::GROUP | a::BLACKHOLE | a::ENCAPSULATION | a::FORWARDING => special = true,
            _ => {}
        }
    }
    let hop = gateway.zip(link).filter(|_| !special);
    let onlink = flags & ONLINK != 0;
    Some(NextHop { id, protocol, hop: hop.map(|(gateway, link)| Hop { gateway, link, onlink }) })
}

pub(super) fn route(bytes: &[u8]) -> Option<Route> {
    let flags = number(bytes, 8)?;
    let [family, prefix, from, tos, table, protocol, _, kind] = *bytes.first_chunk()?;
    if flags & CLONED != 0 {
        return None;
    }
    let (mut destination, mut table, mut metric) = (unspecified(family)?, u32::from(table), 0);
    let (mut gateway, mut link, mut object) = (None, None, None);
    let (mut special, mut several) = (from != 0, None);
    for attribute in a::each(&bytes[HEADER..]) {
        match attribute.kind {
            a::ROUTE_DESTINATION => destination = a::address(&attribute)?,
            a::ROUTE_TABLE => table = a::number(&attribute)?,
            a::ROUTE_METRIC => metric = a::number(&attribute)?,
            a::ROUTE_GATEWAY => gateway = a::address(&attribute),
            a::ROUTE_OUT => link = a::number(&attribute),
            a::ROUTE_NEXT_HOP => object = a::number(&attribute),
            // `struct rtnexthop`.
            a::ROUTE_SEVERAL => several = Some(number(attribute.value, 4)),
            a::ROUTE_FROM | a::ROUTE_SOURCE | a::ROUTE_METRICS | a::ROUTE_VIA | a::ROUTE_ENCAPSULATION => {
                special = true;
            }
            _ => {}
        }
    }
    let onlink = flags & ONLINK != 0;
    let way = match (object, gateway, link) {
        (Some(id), gateway, link) => Way::Object { id, gateway, link },
        _ if several.is_some() => Way::Several { link: several.flatten() },
        (None, Some(gateway), Some(link)) => Way::Hop(Hop { gateway, link, onlink }),
        (None, _, link) => Way::Other { link },
    };
    let destination = IpNetwork::new(destination, prefix).ok()?;
    Some(Route { destination, way, table, metric, protocol, kind, tos, special })
}

pub(super) fn neighbour(bytes: &[u8]) -> Option<Neighbour> {
    let link = number(bytes, 4)?;
    let (mut address, mut mac) = (None, None);
    for attribute in a::each(bytes.get(HEADER..)?) {
        match attribute.kind {
            a::NEIGHBOUR_ADDRESS => address = a::address(&attribute),
            a::NEIGHBOUR_MAC => mac = a::mac(&attribute),
            _ => {}
        }
    }
    Some(Neighbour { link, address: address?, mac, permanent: is_permanent(bytes) })
}

pub(super) fn entry(bytes: &[u8]) -> Option<Entry> {
    let link = number(bytes, 4)?;
    let (mut endpoint, mut mac, mut special) = (None, None, false);
    for attribute in a::each(bytes.get(HEADER..)?) {
        match attribute.kind {
            a::NEIGHBOUR_ADDRESS => endpoint = a::address(&attribute),
            a::NEIGHBOUR_MAC => mac = a::mac(&attribute),
            a::NEIGHBOUR_PORT | a::NEIGHBOUR_VNI | a::NEIGHBOUR_LINK | a::NEIGHBOUR_GROUP => special = true,
            _ => {}
        }
    }
    let mac: Mac = mac?;
    Some(Entry { link, mac, endpoint: endpoint.filter(|_| !special), permanent: is_permanent(bytes) })
}

/// `bridge` sets `NUD_NOARP` beside it, which changes nothing.
fn is_permanent(bytes: &[u8]) -> bool {
    bytes.get(8..10).is_some_and(|state| u16::from_ne_bytes([state[0], state[1]]) & PERMANENT != 0)
}

fn number(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_ne_bytes(*bytes.get(at..)?.first_chunk()?))
}

/// Where a route leads that names no destination: everywhere.
fn unspecified(family: u8) -> Option<IpAddr> {
    let all = [IpAddr::V4(Ipv4Addr::UNSPECIFIED), IpAddr::V6(Ipv6Addr::UNSPECIFIED)];
    FAMILIES.iter().zip(all).find(|(number, _)| **number == family).map(|(_, address)| address)
}
