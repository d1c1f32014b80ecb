//! The plan of an attachment by a veth pair alone.

use std::net::IpAddr;

use cni::Ip;
use ipnetwork::IpNetwork;
use netstate::{Address, Conflict, Detection, Family, LinkName, Object, Plan, PrefixRoute, Route, Scope};

use super::conf::Conf;
use crate::interface::flow::Wanted;
use crate::interface::inside::{self, Inside, Reach, families, ignore_advertisements};
use crate::interface::masquerade::masquerade;

/// Nobody but the host is on the link, so nobody can have the address, and nobody needs to be told of it.
const INSIDE: Inside<'static> = Inside { detection: Detection::Off, reach: Reach::Node };

/// Everything that must be there, in the order in which it can be made. Rules come before the link that they are
/// about, so no packet passes before them.
pub(super) fn plan(conf: &Conf, wanted: &Wanted) -> Plan {
    let mut plan = Plan::default();
    for family in families(wanted.result) {
        plan.node(Object::Forwarding(family));
    }
    if conf.masquerade {
        masquerade(wanted, &mut plan);
    }
    plan.host(Object::Veth(wanted.veth(conf.mtu, None)));
    plan.host(ignore_advertisements(&wanted.ends.host));
    for ip in wanted.addresses() {
        on_the_host(ip, wanted, &mut plan);
    }
    inside::settings_of(INSIDE, wanted, &mut plan);
    for ip in wanted.addresses() {
        let address = inside::address(INSIDE, &wanted.ends.container, ip);
        plan.container(Object::Address(Address { prefix_route: PrefixRoute::Absent, ..address }));
    }
    plan.container(Object::Up(wanted.ends.container.clone()));
    by_the_gateways(wanted, &mut plan);
    inside::routes(wanted, &mut plan);
    plan
}

/// The gateway's address on the host end, and the way to the container's.
fn on_the_host(ip: &Ip, wanted: &Wanted, plan: &mut Plan) {
    let link = &wanted.ends.host;
    if let Some(gateway) = ip.gateway {
        plan.host(Object::Address(Address {
            link: link.clone(),
            network: alone(gateway),
            conflict: Conflict::Allow,
            detection: Detection::Off,
            prefix_route: PrefixRoute::Kernel,
        }));
    }
    let scope = Some(Scope::HOST);
    plan.host(Object::Route(Route { scope, ..route(alone(ip.address.ip()), link) }));
}

/// No network is on the link: its other addresses are behind the host, and only the gateway is near. What several
/// addresses have in common, packets of the first one's go by.
fn by_the_gateways(wanted: &Wanted, plan: &mut Plan) {
    let mut routes: Vec<Route> = Vec::new();
    for ip in wanted.addresses() {
        for new in by_the_gateway(ip, &wanted.ends.container) {
            if routes.iter().all(|route| route.destination != new.destination) {
                routes.push(new);
            }
        }
    }
    for route in routes {
        plan.container(Object::Route(route));
    }
}

fn by_the_gateway(ip: &Ip, link: &LinkName) -> Vec<Route> {
    let Some(gateway) = ip.gateway else { return Vec::new() };
    let source = Some(ip.address.ip());
    let mut routes = vec![Route { source, scope: Some(Scope::LINK), ..route(alone(gateway), link) }];
    if let Ok(network) = IpNetwork::new(ip.address.network(), ip.address.prefix())
        && network != alone(ip.address.ip())
    {
        routes.push(Route { source, gateway: Some(gateway), ..route(network, link) });
    }
    routes
}

fn route(destination: IpNetwork, link: &LinkName) -> Route {
    Route {
        destination,
        gateway: None,
        link: link.clone(),
        source: None,
        priority: None,
        table: None,
        scope: None,
        mtu: None,
        advmss: None,
    }
}

/// The address as a network of its own.
fn alone(address: IpAddr) -> IpNetwork {
    IpNetwork::new(address, Family::of(address).bits()).expect("a prefix as long as the address is valid")
}
