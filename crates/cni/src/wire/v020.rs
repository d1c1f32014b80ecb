//! 0.1.0 and 0.2.0: one address of each family, with its routes.

use std::net::IpAddr;

use ipnetwork::IpNetwork;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::v040::WireDns;
use crate::result::{Dns, Ip, ResultError, Route, Success};
use crate::{DecodeError, Version, go};

#[derive(Deserialize)]
struct Read {
    ip4: Option<ReadIp>,
    ip6: Option<ReadIp>,
    #[serde(default)]
    dns: Dns,
}

#[derive(Deserialize)]
struct ReadIp {
    #[serde(deserialize_with = "go::network")]
    ip: IpNetwork,
    #[serde(default, deserialize_with = "go::optional_address")]
    gateway: Option<IpAddr>,
    #[serde(default)]
    routes: Vec<Route>,
}

/// Reads a result; the addresses and the routes of IPv4 come first.
pub(crate) fn read(value: &Value) -> Result<Success, DecodeError> {
    let Read { ip4, ip6, dns } = go::decode(value)?;
    let mut success = Success { dns, ..Success::default() };
    for ReadIp { ip, gateway, routes } in [ip4, ip6].into_iter().flatten() {
        success.ips.push(Ip { interface: None, address: ip, gateway });
        success.routes.extend(routes);
    }
    Ok(success)
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Write<'a> {
    cni_version: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    ip4: Option<WriteIp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ip6: Option<WriteIp>,
    dns: WireDns<'a>,
}

#[derive(Serialize)]
struct WriteIp {
    ip: IpNetwork,
    #[serde(skip_serializing_if = "Option::is_none")]
    gateway: Option<IpAddr>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    routes: Vec<WriteRoute>,
}

#[derive(Serialize)]
struct WriteRoute {
    dst: IpNetwork,
    #[serde(skip_serializing_if = "Option::is_none")]
    gw: Option<IpAddr>,
}

/// Writes a result: the first address of each family, and the routes of the families that have one.
pub(crate) fn text(success: &Success, version: Version) -> Result<String, ResultError> {
    let first = |family: fn(&IpNetwork) -> bool| {
        let ip = success.ips.iter().find(|ip| family(&ip.address))?;
        let routes = success.routes.iter().filter(|route| family(&route.dst));
        let routes = routes.map(|route| WriteRoute { dst: route.dst, gw: route.gw }).collect();
        Some(WriteIp { ip: ip.address, gateway: ip.gateway, routes })
    };
    let (ip4, ip6) = (first(IpNetwork::is_ipv4), first(IpNetwork::is_ipv6));
    if ip4.is_none() && ip6.is_none() {
        return Err(ResultError::NoAddresses);
    }
    Ok(super::text(&Write { cni_version: version.as_str(), ip4, ip6, dns: WireDns::of(&success.dns) }))
}
