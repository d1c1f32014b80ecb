//! Next hops, routes, neighbours and forwarding entries as rtnetlink has them (`rtnetlink(7)`, `linux/nexthop.h`).
//!
//! Written by hand: `netlink-packet-route` 0.34 has no next hop objects, and its messages, a list of attributes each,
//! take ten times the room of what is read of them here.

mod attributes;
mod body;
mod read;
mod write;

use std::convert::Infallible;
use std::net::IpAddr;

use netlink_packet_core::{NetlinkDeserializable, NetlinkHeader, NetlinkSerializable};
use netstate::Family;

use super::object::{Entry, Neighbour, NextHop, Route};

use body::Body;
pub(super) use write::{remove, set};

// `linux/rtnetlink.h`
const NEW_ROUTE: u16 = 24;
const DELETE_ROUTE: u16 = 25;
const GET_ROUTE: u16 = 26;
const NEW_NEIGHBOUR: u16 = 28;
const DELETE_NEIGHBOUR: u16 = 29;
const GET_NEIGHBOUR: u16 = 30;
const NEW_NEXT_HOP: u16 = 104;
const DELETE_NEXT_HOP: u16 = 105;
const GET_NEXT_HOP: u16 = 106;

/// `AF_BRIDGE`: the family of forwarding entries.
const BRIDGE: u8 = 7;

/// `NUD_PERMANENT`.
const PERMANENT: u16 = 0x80;

/// `NTF_SELF`: the device's own table, not that of a bridge above it.
const SELF: u8 = 0x02;

/// `RTNH_F_ONLINK`.
const ONLINK: u32 = 4;

/// `RTM_F_CLONED`: a cached answer, no route.
const CLONED: u32 = 0x200;

/// `RTM_F_LOOKUP_TABLE`, `RTM_F_FIB_MATCH`: which route, and of which table, leads to an address.
const MATCH: u32 = 0x1000 | 0x2000;

/// `struct nhmsg`.
const NEXT_HOP_HEADER: usize = 8;

/// `struct rtmsg` and `struct ndmsg`.
const HEADER: usize = 12;

const FAMILIES: [u8; 2] = [2, 10];

/// `AF_INET` or `AF_INET6`.
const fn number(family: Family) -> u8 {
    FAMILIES[family as usize]
}

/// What is asked, and what is answered.
#[derive(Debug, Clone)]
pub(super) enum Message {
    Asked { kind: u16, body: Body },
    NextHop(NextHop),
    Route(Route),
    Neighbour(Neighbour),
    Entry(Entry),
    Unknown,
}

impl Message {
    /// Asks for every next hop object.
    pub(super) fn next_hops() -> Self {
        Self::Asked { kind: GET_NEXT_HOP, body: Body::zeroes(NEXT_HOP_HEADER) }
    }

    /// Asks for every route of a family, in all tables.
    pub(super) fn routes(family: Family) -> Self {
        let mut body = Body::zeroes(HEADER);
        body.bytes_mut()[0] = number(family);
        Self::Asked { kind: GET_ROUTE, body }
    }

    /// Asks for the route by which the kernel reaches an address.
    pub(super) fn route_to(address: IpAddr) -> Self {
        let mut body = Body::zeroes(HEADER);
        let family = Family::of(address);
        body.bytes_mut()[..2].copy_from_slice(&[number(family), family.bits()]);
        body.bytes_mut()[8..].copy_from_slice(&MATCH.to_ne_bytes());
        attributes::put_address(&mut body, attributes::ROUTE_DESTINATION, address);
        Self::Asked { kind: GET_ROUTE, body }
    }

    /// Asks for the neighbours of a family on one link.
    pub(super) fn neighbours(family: Family, link: u32) -> Self {
        let mut body = Body::zeroes(HEADER);
        body.bytes_mut()[0] = number(family);
        attributes::put(&mut body, attributes::NEIGHBOUR_LINK, &link.to_ne_bytes());
        Self::Asked { kind: GET_NEIGHBOUR, body }
    }

    /// Asks for the forwarding entries of one device.
    pub(super) fn entries(link: u32) -> Self {
        let mut body = Body::zeroes(HEADER);
        body.bytes_mut()[0] = BRIDGE;
        body.bytes_mut()[4..8].copy_from_slice(&link.to_ne_bytes());
        Self::Asked { kind: GET_NEIGHBOUR, body }
    }
}

impl NetlinkSerializable for Message {
    fn message_type(&self) -> u16 {
        if let Self::Asked { kind, .. } = self { *kind } else { 0 }
    }

    fn buffer_len(&self) -> usize {
        if let Self::Asked { body, .. } = self { body.bytes().len() } else { 0 }
    }

    fn serialize(&self, buffer: &mut [u8]) {
        if let Self::Asked { body, .. } = self {
            buffer[..body.bytes().len()].copy_from_slice(body.bytes());
        }
    }
}

impl NetlinkDeserializable for Message {
    type Error = Infallible;

    fn deserialize(header: &NetlinkHeader, payload: &[u8]) -> Result<Self, Infallible> {
        let message = match header.message_type {
            NEW_NEXT_HOP => read::next_hop(payload).map(Self::NextHop),
            NEW_ROUTE => read::route(payload).map(Self::Route),
            NEW_NEIGHBOUR if payload.first() == Some(&BRIDGE) => read::entry(payload).map(Self::Entry),
            NEW_NEIGHBOUR => read::neighbour(payload).map(Self::Neighbour),
            _ => None,
        };
        Ok(message.unwrap_or(Self::Unknown))
    }
}
