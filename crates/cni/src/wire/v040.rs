//! 0.3.0 to 0.4.0: lists of interfaces, addresses and routes. Keys stand in the order of the reference's structs.

use std::net::IpAddr;

use ipnetwork::IpNetwork;
use serde::Serialize;

use crate::Version;
use crate::result::{Dns, Interface, Ip, Route, Success};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Wire<'a> {
    cni_version: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    interfaces: Vec<WireInterface<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    ips: Vec<WireIp>,
    /// The specification gave routes their further keys in 1.1.0; the reference prints them in these versions as well.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    routes: &'a [Route],
    dns: WireDns<'a>,
}

#[derive(Serialize)]
struct WireInterface<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    mac: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    sandbox: &'a str,
}

#[derive(Serialize)]
struct WireIp {
    version: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    interface: Option<usize>,
    address: IpNetwork,
    #[serde(skip_serializing_if = "Option::is_none")]
    gateway: Option<IpAddr>,
}

/// What a resolver should be told, in the order of all versions before 1.0.0.
#[derive(Serialize)]
pub(super) struct WireDns<'a> {
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    nameservers: &'a [String],
    #[serde(skip_serializing_if = "str::is_empty")]
    domain: &'a str,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    search: &'a [String],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    options: &'a [String],
}

impl<'a> WireDns<'a> {
    pub(super) fn of(dns: &'a Dns) -> Self {
        Self {
            nameservers: dns.nameservers.as_deref().unwrap_or_default(),
            domain: dns.domain.as_deref().unwrap_or_default(),
            search: dns.search.as_deref().unwrap_or_default(),
            options: dns.options.as_deref().unwrap_or_default(),
        }
    }
}

/// Writes a result.
pub(crate) fn text(success: &Success, version: Version) -> String {
    super::text(&Wire {
        cni_version: version.as_str(),
        interfaces: success.interfaces.iter().map(interface).collect(),
        ips: success.ips.iter().map(ip).collect(),
        routes: &success.routes,
        dns: WireDns::of(&success.dns),
    })
}

fn interface(interface: &Interface) -> WireInterface<'_> {
    WireInterface { name: &interface.name, mac: &interface.mac, sandbox: &interface.sandbox }
}

fn ip(ip: &Ip) -> WireIp {
    let version = if ip.address.is_ipv4() { "4" } else { "6" };
    WireIp { version, interface: ip.interface, address: ip.address, gateway: ip.gateway }
}
