//! Requests to the kernel.

use std::net::IpAddr;

use netlink_packet_core::{NLM_F_CREATE, NLM_F_EXCL, NLM_F_REPLACE};
use netstate::Family;

use super::attributes as a;
use super::body::Body;
use super::{
    BRIDGE, DELETE_NEIGHBOUR, DELETE_NEXT_HOP, DELETE_ROUTE, HEADER, Message, NEW_NEIGHBOUR, NEW_NEXT_HOP,
    NEW_ROUTE, ONLINK, PERMANENT, SELF, number,
};
use crate::fabric::object::{Entry, Hop, Neighbour, NextHop, Object, Route, Way};
use crate::netlink::Request;

/// `RT_SCOPE_NOWHERE`: of any scope, in a deletion.
const ANY_SCOPE: u8 = 255;

/// Makes the object, in place of what the kernel holds there. A next hop is only ever made, under a number that
/// nobody has, for routes of others would follow it. None for what is no part of rtnetlink's bulk: links, addresses.
pub(in crate::fabric) fn set(object: &Object) -> Option<Request<Message>> {
    let replace = NLM_F_CREATE | NLM_F_REPLACE;
    let (kind, flags, body) = match object {
        Object::NextHop(next_hop) => (NEW_NEXT_HOP, NLM_F_CREATE | NLM_F_EXCL, write_next_hop(next_hop)),
        Object::Route(route) => (NEW_ROUTE, replace, write_route(route, 0)),
        Object::Neighbour(neighbour) => (NEW_NEIGHBOUR, replace, write_neighbour(neighbour)),
        Object::Entry(entry) => (NEW_NEIGHBOUR, replace, write_entry(entry)),
        Object::Device(_) | Object::Setting(..) | Object::Address { .. } => return None,
    };
    Some(Request { message: Message::Asked { kind, body }, flags })
}

/// Removes the object. None as for [`set`].
pub(in crate::fabric) fn remove(object: &Object) -> Option<Request<Message>> {
    let (kind, body) = match object {
        Object::NextHop(next_hop) => {
            let mut body = Body::zeroes(super::NEXT_HOP_HEADER);
            a::put(&mut body, a::ID, &next_hop.id.to_ne_bytes());
            (DELETE_NEXT_HOP, body)
        }
        Object::Route(route) => (DELETE_ROUTE, write_route(route, ANY_SCOPE)),
        Object::Neighbour(neighbour) => (DELETE_NEIGHBOUR, write_neighbour(neighbour)),
        Object::Entry(entry) => (DELETE_NEIGHBOUR, write_entry(entry)),
        Object::Device(_) | Object::Setting(..) | Object::Address { .. } => return None,
    };
    Some(Request { message: Message::Asked { kind, body }, flags: 0 })
}

fn write_next_hop(next_hop: &NextHop) -> Body {
    let mut body = Body::new();
    let family = next_hop.hop.map_or(0, |hop| number(Family::of(hop.gateway)));
    body.extend(&[family, 0, next_hop.protocol, 0]);
    body.extend(&next_hop.hop.map_or(0, flags).to_ne_bytes());
    a::put(&mut body, a::ID, &next_hop.id.to_ne_bytes());
    if let Some(hop) = next_hop.hop {
        a::put(&mut body, a::OUT, &hop.link.to_ne_bytes());
        a::put_address(&mut body, a::GATEWAY, hop.gateway);
    }
    body
}

fn write_route(route: &Route, scope: u8) -> Body {
    let mut body = Body::new();
    let destination = route.destination;
    let table = u8::try_from(route.table).unwrap_or(0);
    let family = number(Family::of(destination.ip()));
    body.extend(&[family, destination.prefix(), 0, route.tos, table, route.protocol, scope, route.kind]);
    let hop = if let Way::Hop(hop) = route.way { flags(hop) } else { 0 };
    body.extend(&hop.to_ne_bytes());
    if destination.prefix() > 0 {
        a::put_address(&mut body, a::ROUTE_DESTINATION, destination.ip());
    }
    match route.way {
        Way::Object { id, .. } => a::put(&mut body, a::ROUTE_NEXT_HOP, &id.to_ne_bytes()),
        Way::Hop(hop) => {
            a::put_address(&mut body, a::ROUTE_GATEWAY, hop.gateway);
            a::put(&mut body, a::ROUTE_OUT, &hop.link.to_ne_bytes());
        }
        Way::Several { .. } => {}
        Way::Other { link } => {
            if let Some(link) = link {
                a::put(&mut body, a::ROUTE_OUT, &link.to_ne_bytes());
            }
        }
    }
    if route.metric > 0 {
        a::put(&mut body, a::ROUTE_METRIC, &route.metric.to_ne_bytes());
    }
    a::put(&mut body, a::ROUTE_TABLE, &route.table.to_ne_bytes());
    body
}

fn flags(hop: Hop) -> u32 {
    if hop.onlink { ONLINK } else { 0 }
}

fn write_neighbour(neighbour: &Neighbour) -> Body {
    let family = number(Family::of(neighbour.address));
    let mut body = neighbour_header(family, neighbour.link, 0);
    a::put_address(&mut body, a::NEIGHBOUR_ADDRESS, neighbour.address);
    if let Some(mac) = neighbour.mac {
        a::put(&mut body, a::NEIGHBOUR_MAC, &mac.0);
    }
    body
}

fn write_entry(entry: &Entry) -> Body {
    let mut body = neighbour_header(BRIDGE, entry.link, SELF);
    a::put(&mut body, a::NEIGHBOUR_MAC, &entry.mac.0);
    // Without an endpoint a deletion takes the whole entry.
    if let Some(endpoint) = entry.endpoint.filter(|endpoint: &IpAddr| !endpoint.is_unspecified()) {
        a::put_address(&mut body, a::NEIGHBOUR_ADDRESS, endpoint);
    }
    body
}

fn neighbour_header(family: u8, link: u32, flags: u8) -> Body {
    let mut body = Body::new();
    let [p0, p1] = PERMANENT.to_ne_bytes();
    body.extend(&[family, 0, 0, 0]);
    body.extend(&link.to_ne_bytes());
    body.extend(&[p0, p1, flags, 0]);
    debug_assert_eq!(body.bytes().len(), HEADER);
    body
}
