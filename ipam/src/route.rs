//! A result's routes as a container's. Pure.

use std::net::IpAddr;

use netstate::{Family, LinkName, Route, Scope};

/// A route of a result by `link`. Where it names no gateway that is `gateway`, if there is one; `0.0.0.0` and `::` are
/// none: what is behind the route is on the link itself.
pub fn on_link(wanted: &cni::Route, link: &LinkName, gateway: Option<IpAddr>) -> Route {
    let none = Family::of(wanted.dst.ip()).unspecified();
    Route {
        destination: wanted.dst,
        gateway: wanted.gw.or(gateway).filter(|gateway| *gateway != none),
        link: link.clone(),
        source: None,
        priority: wanted.priority,
        table: wanted.table,
        scope: wanted.scope.map(Scope),
        mtu: wanted.mtu,
        advmss: wanted.advmss,
    }
}
