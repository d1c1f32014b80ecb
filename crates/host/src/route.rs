//! Routes over rtnetlink.

use std::net::IpAddr;

use ipnetwork::IpNetwork;
use netlink_packet_core::NLM_F_CREATE;
use netlink_packet_route::RouteNetlinkMessage as Message;
use netlink_packet_route::route::{
    RouteAddress, RouteAttribute, RouteHeader, RouteMessage, RouteMetric, RouteNextHop, RouteProtocol,
    RouteType,
};
use netstate::{Family, Route, Scope};

use crate::address::address_family;
use crate::link::Socket;
use crate::netlink::{Refusal, Request};

/// `RTPROT_BOOT`: what a script, or the reference, gives its routes.
const PROTOCOL: RouteProtocol = RouteProtocol::Boot;

/// `RT_TABLE_MAIN`.
pub(crate) const MAIN: u32 = 254;

/// `RT_TABLE_LOCAL`.
pub(crate) const LOCAL: u32 = 255;

/// Adds a route by the link `index`. Several next hops to one destination may stand beside each other; the same
/// route twice is refused (`NLM_F_CREATE` alone, as the reference has it).
pub(crate) fn add(route: &Route, index: u32) -> Request<Message> {
    Request::new(Message::NewRoute(message(route, index)), NLM_F_CREATE)
}

/// A route by the link `index`.
pub(crate) fn message(route: &Route, index: u32) -> RouteMessage {
    let mut message = RouteMessage::default();
    message.header.address_family = address_family(Family::of(route.destination.ip()));
    message.header.destination_prefix_length = route.destination.prefix();
    message.header.protocol = PROTOCOL;
    message.header.kind = RouteType::Unicast;
    message.header.table = RouteHeader::RT_TABLE_MAIN;
    message.header.scope = route.scope.unwrap_or(Scope::GLOBAL).0.into();
    let attributes = &mut message.attributes;
    if route.destination.prefix() > 0 {
        attributes.push(RouteAttribute::Destination(address(route.destination.network())));
    }
    attributes.extend(route.gateway.map(|gateway| RouteAttribute::Gateway(address(gateway))));
    attributes.push(RouteAttribute::Oif(index));
    attributes.extend(route.source.map(|source| RouteAttribute::PrefSource(address(source))));
    attributes.extend(route.priority.map(RouteAttribute::Priority));
    if let Some(table) = route.table {
        message.header.table = u8::try_from(table).unwrap_or(RouteHeader::RT_TABLE_UNSPEC);
        attributes.push(RouteAttribute::Table(table));
    }
    let metrics: Vec<_> =
        route.mtu.map(RouteMetric::Mtu).into_iter().chain(route.advmss.map(RouteMetric::Advmss)).collect();
    if !metrics.is_empty() {
        attributes.push(RouteAttribute::Metrics(metrics));
    }
    message
}

/// A route as the kernel shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seen {
    /// Where to.
    pub(crate) destination: IpNetwork,
    /// By whom.
    pub(crate) gateway: Option<IpAddr>,
    /// Through which link.
    pub(crate) link: Option<u32>,
    /// Its table.
    pub(crate) table: u32,
    /// Its metric.
    pub(crate) priority: Option<u32>,
    /// A router's advertisement made it.
    pub(crate) advertised: bool,
}

/// Every route of a family, in every table.
pub(crate) fn all(socket: &mut Socket, family: Family) -> Result<Vec<Seen>, Refusal> {
    let mut request = RouteMessage::default();
    request.header.address_family = address_family(family);
    let answers = socket.dump(&Message::GetRoute(request))?;
    Ok(answers
        .into_iter()
        .flat_map(|message| match message {
            Message::NewRoute(route) => read(&route, family).unwrap_or_default(),
            _ => Vec::new(),
        })
        .collect())
}

/// One for each next hop: of IPv6, the kernel puts routes to one destination together.
fn read(message: &RouteMessage, family: Family) -> Option<Vec<Seen>> {
    let mut hops = Vec::new();
    let mut seen = Seen {
        destination: family.default_route(),
        gateway: None,
        link: None,
        table: u32::from(message.header.table),
        priority: None,
        advertised: message.header.protocol == RouteProtocol::Ra,
    };
    for attribute in &message.attributes {
        match attribute {
            RouteAttribute::Destination(found) => {
                seen.destination =
                    IpNetwork::new(ip(found)?, message.header.destination_prefix_length).ok()?;
            }
            RouteAttribute::Gateway(found) => seen.gateway = ip(found),
            RouteAttribute::Oif(index) => seen.link = Some(*index),
            RouteAttribute::Table(table) => seen.table = *table,
            RouteAttribute::Priority(priority) => seen.priority = Some(*priority),
            RouteAttribute::MultiPath(found) => hops = found.iter().map(next_hop).collect(),
            _ => {}
        }
    }
    if hops.is_empty() {
        return Some(vec![seen]);
    }
    Some(hops.into_iter().map(|(gateway, link)| Seen { gateway, link: Some(link), ..seen.clone() }).collect())
}

/// By whom, and through which link.
fn next_hop(hop: &RouteNextHop) -> (Option<IpAddr>, u32) {
    let gateway = hop.attributes.iter().find_map(|attribute| match attribute {
        RouteAttribute::Gateway(found) => ip(found),
        _ => None,
    });
    (gateway, hop.interface_index)
}

pub(crate) fn address(address: IpAddr) -> RouteAddress {
    match address {
        IpAddr::V4(v4) => RouteAddress::Inet(v4),
        IpAddr::V6(v6) => RouteAddress::Inet6(v6),
    }
}

pub(crate) fn ip(address: &RouteAddress) -> Option<IpAddr> {
    match address {
        RouteAddress::Inet(v4) => Some(IpAddr::V4(*v4)),
        RouteAddress::Inet6(v6) => Some(IpAddr::V6(*v6)),
        _ => None,
    }
}
