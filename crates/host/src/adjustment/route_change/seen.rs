//! Routes of a link as the kernel shows them.

use std::net::IpAddr;

use ipnetwork::IpNetwork;
use netlink_packet_route::route::{
    RouteAttribute, RouteFlags, RouteMessage, RouteMetric, RouteNextHop, RouteNextHopFlags, RouteType,
};
use netstate::{Family, KernelRoute, LinkName, Route, Scope};

use crate::route::{self, MAIN};

/// A way that a route takes.
struct Hop {
    gateway: Option<IpAddr>,
    link: Option<u32>,
    onlink: bool,
}

/// The unicast routes of the main table by the link that a message tells of; no copy that the kernel keeps for one
/// destination. IPv6 shows routes to one destination together that are made, and go, one by one; one of IPv4 with several
/// next hops is a single route, which no link has alone.
pub(super) fn read(
    message: &RouteMessage,
    family: Family,
    (index, link): (u32, &LinkName),
) -> Vec<KernelRoute> {
    let header = &message.header;
    let of_main = table(message) == MAIN;
    if !of_main || header.kind != RouteType::Unicast || header.flags.contains(RouteFlags::Cloned) {
        return Vec::new();
    }
    let Some((route, hops)) = parts(message, family, link) else { return Vec::new() };
    let by_link = hops.into_iter().filter(|hop| hop.link == Some(index));
    let whole = |Hop { gateway, onlink, .. }| KernelRoute {
        route: Route { gateway, ..route.clone() },
        protocol: header.protocol.into(),
        onlink,
    };
    by_link.map(whole).collect()
}

fn table(message: &RouteMessage) -> u32 {
    let attribute = message.attributes.iter().find_map(|attribute| match attribute {
        RouteAttribute::Table(table) => Some(*table),
        _ => None,
    });
    attribute.unwrap_or_else(|| message.header.table.into())
}

/// What all ways have in common, and the ways. None where an address can't be read.
fn parts(message: &RouteMessage, family: Family, link: &LinkName) -> Option<(Route, Vec<Hop>)> {
    let header = &message.header;
    let mut route = Route {
        destination: family.default_route(),
        gateway: None,
        link: link.clone(),
        priority: None,
        table: None,
        scope: (family == Family::V4).then(|| Scope(header.scope.into())),
        mtu: None,
        advmss: None,
        source: None,
    };
    let mut own = Hop { gateway: None, link: None, onlink: header.flags.contains(RouteFlags::Onlink) };
    let mut several = Vec::new();
    for attribute in &message.attributes {
        match attribute {
            RouteAttribute::Destination(found) => {
                route.destination =
                    IpNetwork::new(route::ip(found)?, header.destination_prefix_length).ok()?;
            }
            RouteAttribute::Gateway(found) => own.gateway = route::ip(found),
            RouteAttribute::PrefSource(found) => route.source = route::ip(found),
            RouteAttribute::Oif(found) => own.link = Some(*found),
            RouteAttribute::Priority(found) => route.priority = Some(*found),
            RouteAttribute::Metrics(metrics) => read_metrics(metrics, &mut route),
            RouteAttribute::MultiPath(found) if family == Family::V6 => {
                several = found.iter().map(hop).collect();
            }
            _ => {}
        }
    }
    Some((route, if several.is_empty() { vec![own] } else { several }))
}

fn hop(seen: &RouteNextHop) -> Hop {
    let gateway = seen.attributes.iter().find_map(|attribute| match attribute {
        RouteAttribute::Gateway(found) => route::ip(found),
        _ => None,
    });
    let onlink = seen.flags.contains(RouteNextHopFlags::Onlink);
    Hop { gateway, link: Some(seen.interface_index), onlink }
}

fn read_metrics(metrics: &[RouteMetric], route: &mut Route) {
    for metric in metrics {
        match metric {
            RouteMetric::Mtu(bytes) => route.mtu = Some(*bytes),
            RouteMetric::Advmss(bytes) => route.advmss = Some(*bytes),
            _ => {}
        }
    }
}
