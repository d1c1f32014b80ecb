//! From what IPAM gave to what the container gets: gateways and the default route.

use cni::{Ip, Route, Success};
use netstate::{Family, first_host};

use super::conf::{Conf, Gateway};
use crate::interface::keys;

/// The container's interface comes third in a result, after the bridge and the host end.
pub(super) const CONTAINER: usize = 2;

/// The lease, with every address on the container's interface, the gateways that IPAM left open, and the default
/// route that the configuration asks for.
pub(super) fn settle(conf: &Conf, lease: Success) -> Success {
    let mut lease = keys::settle(lease, CONTAINER, conf.dns.as_ref());
    for ip in &mut lease.ips {
        if ip.gateway.is_none() && conf.gateway != Gateway::No {
            ip.gateway = first_host(ip.address);
        }
    }
    if conf.gateway == Gateway::Default {
        for ip in &lease.ips {
            lease.routes.extend(default_route(ip, &lease.routes));
        }
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
