//! 1.0.0 and 1.1.0. The reference prints these through a map, so the keys of every object are sorted, and `dns` is
//! left out where it says nothing.

use std::net::IpAddr;

use ipnetwork::IpNetwork;
use serde::Serialize;

use crate::Version;
use crate::result::{Dns, Interface, Ip, Route, Success};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Wire<'a> {
    cni_version: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    dns: Option<WireDns<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    interfaces: Vec<WireInterface<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    ips: Vec<WireIp>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    routes: Vec<WireRoute>,
}

#[derive(Serialize)]
struct WireDns<'a> {
    #[serde(skip_serializing_if = "str::is_empty")]
    domain: &'a str,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    nameservers: &'a [String],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    options: &'a [String],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    search: &'a [String],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct WireInterface<'a> {
    #[serde(skip_serializing_if = "str::is_empty")]
    mac: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    mtu: Option<u32>,
    name: &'a str,
    #[serde(rename = "pciID", skip_serializing_if = "str::is_empty")]
    pci_id: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    sandbox: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    socket_path: &'a str,
}

#[derive(Serialize)]
struct WireIp {
    address: IpNetwork,
    #[serde(skip_serializing_if = "Option::is_none")]
    gateway: Option<IpAddr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    interface: Option<usize>,
}

#[derive(Serialize)]
struct WireRoute {
    #[serde(skip_serializing_if = "Option::is_none")]
    advmss: Option<u32>,
    dst: IpNetwork,
    #[serde(skip_serializing_if = "Option::is_none")]
    gw: Option<IpAddr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mtu: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    priority: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    table: Option<u32>,
}

/// Writes a result.
pub(crate) fn text(success: &Success, version: Version) -> String {
    super::text(&Wire {
        cni_version: version.as_str(),
        dns: dns(&success.dns),
        interfaces: success.interfaces.iter().map(interface).collect(),
        ips: success.ips.iter().map(ip).collect(),
        routes: success.routes.iter().map(route).collect(),
    })
}

fn dns(dns: &Dns) -> Option<WireDns<'_>> {
    (!dns.is_empty()).then(|| WireDns {
        domain: dns.domain.as_deref().unwrap_or_default(),
        nameservers: dns.nameservers.as_deref().unwrap_or_default(),
        options: dns.options.as_deref().unwrap_or_default(),
        search: dns.search.as_deref().unwrap_or_default(),
    })
}

fn interface(interface: &Interface) -> WireInterface<'_> {
    WireInterface {
        mac: &interface.mac,
        mtu: interface.mtu,
        name: &interface.name,
        pci_id: &interface.pci_id,
        sandbox: &interface.sandbox,
        socket_path: &interface.socket_path,
    }
}

fn ip(ip: &Ip) -> WireIp {
    WireIp { address: ip.address, gateway: ip.gateway, interface: ip.interface }
}

fn route(route: &Route) -> WireRoute {
    let &Route { dst, gw, mtu, advmss, priority, table, scope } = route;
    WireRoute { advmss, dst, gw, mtu, priority, scope, table }
}
