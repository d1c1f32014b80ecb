//! From what IPAM gave to what the container gets: gateways and the default route.

use std::net::IpAddr;

use cni::{Ip, Route, Success};
use ipnetwork::IpNetwork;
use netstate::Family;

use super::conf::{Conf, Gateway};

/// The container's interface comes third in a result, after the bridge and the host end.
pub(super) const CONTAINER: usize = 2;

/// The lease, with every address on the container's interface, the gateways that IPAM left open, and the default
/// route that the configuration asks for.
pub(super) fn settle(conf: &Conf, mut lease: Success) -> Success {
    for ip in &mut lease.ips {
        ip.interface = Some(CONTAINER);
        if ip.gateway.is_none() && conf.gateway != Gateway::No {
            ip.gateway = first_host(ip.address);
        }
    }
    if conf.gateway == Gateway::Default {
        for ip in &lease.ips {
            lease.routes.extend(default_route(ip, &lease.routes));
        }
    }
    if let Some(dns) = &conf.dns {
        lease.dns = dns.clone();
    }
    lease
}

/// A default route by the address's gateway, unless its family has one with a gateway: IPAM's, or that of an address
/// before it.
fn default_route(ip: &Ip, routes: &[Route]) -> Option<Route> {
    let default = Family::of(ip.address.ip()).default_route();
    let named = routes.iter().any(|route| route.dst == default && route.gw.is_some());
    (!named).then_some(Route::new(default, Some(ip.gateway?)))
}

/// The network's first address after its own: `ip.NextIP(network)`, the reference's gateway where none is named.
fn first_host(network: IpNetwork) -> Option<IpAddr> {
    match network {
        IpNetwork::V4(v4) => u32::from(v4.network()).checked_add(1).map(|ip| IpAddr::V4(ip.into())),
        IpNetwork::V6(v6) => u128::from(v6.network()).checked_add(1).map(|ip| IpAddr::V6(ip.into())),
    }
}
