//! Where the kernel would send a packet.

use std::net::IpAddr;

use netlink_packet_route::RouteNetlinkMessage as Message;
use netlink_packet_route::route::{RouteAttribute, RouteMessage, RouteType};
use netstate::Family;

use crate::address::address_family;
use crate::link::Socket;
use crate::netlink::Refusal;
use crate::route::address;

/// Where packets for an address go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Toward {
    /// Nowhere else: the address is the node's own.
    Here,
    /// Out by the link of this index.
    Link(u32),
    /// The kernel knows no way.
    Nowhere,
}

/// `ip route get ADDRESS`
///
/// # Errors
/// The kernel's refusal; that there is no route is an answer.
pub(crate) fn toward(socket: &mut Socket, to: IpAddr) -> Result<Toward, Refusal> {
    let family = Family::of(to);
    let mut message = RouteMessage::default();
    message.header.address_family = address_family(family);
    message.header.destination_prefix_length = family.bits();
    message.attributes = vec![RouteAttribute::Destination(address(to))];
    let route = match socket.ask(Message::GetRoute(message)) {
        Ok(Message::NewRoute(route)) => route,
        Ok(_) => return Ok(Toward::Nowhere),
        Err(refusal) if refusal.is(libc::ENETUNREACH) || refusal.is(libc::EHOSTUNREACH) => {
            return Ok(Toward::Nowhere);
        }
        Err(refusal) => return Err(refusal),
    };
    if route.header.kind == RouteType::Local {
        return Ok(Toward::Here);
    }
    Ok(route.attributes.iter().find_map(oif).map_or(Toward::Nowhere, Toward::Link))
}

fn oif(attribute: &RouteAttribute) -> Option<u32> {
    match attribute {
        RouteAttribute::Oif(index) => Some(*index),
        _ => None,
    }
}
