//! Gateways, default routes and name servers.

use cni::{Dns, Ip, Route, Success};
use serde_json::json;

use super::conf;
use crate::interface::bridge::lease::settle;

fn ip(address: &str, gateway: Option<&str>) -> Ip {
    Ip {
        interface: None,
        address: address.parse().expect("an address"),
        gateway: gateway.map(|gateway| gateway.parse().expect("an address")),
    }
}

fn route(destination: &str, gateway: Option<&str>) -> Route {
    let gateway = gateway.map(|gateway| gateway.parse().expect("an address"));
    Route::new(destination.parse().expect("a network"), gateway)
}

fn lease(ips: &[Ip], routes: &[Route]) -> Success {
    Success { ips: ips.to_vec(), routes: routes.to_vec(), ..Success::default() }
}

/// Addresses, each with its gateway, and routes, in short.
fn told(keys: &serde_json::Value, lease: Success) -> (Vec<String>, Vec<String>) {
    let settled = settle(&conf(keys), lease);
    assert!(settled.ips.iter().all(|ip| ip.interface == Some(2)));
    let by = |gateway: Option<std::net::IpAddr>| gateway.map(|by| format!(" via {by}")).unwrap_or_default();
    (
        settled.ips.iter().map(|ip| format!("{}{}", ip.address, by(ip.gateway))).collect(),
        settled.routes.iter().map(|route| format!("{}{}", route.dst, by(route.gw))).collect(),
    )
}

#[test]
fn a_gateway_that_ipam_left_open_is_the_networks_first_address() {
    let open =
        lease(&[ip("10.1.2.9/16", None), ip("fd01::9/64", None), ip("10.9.0.9/24", Some("10.9.0.254"))], &[]);
    let (ips, routes) = told(&json!({ "isGateway": true }), open.clone());
    assert_eq!(ips, ["10.1.2.9/16 via 10.1.0.1", "fd01::9/64 via fd01::1", "10.9.0.9/24 via 10.9.0.254"]);
    assert!(routes.is_empty());
    let (ips, _) = told(&json!({}), open);
    assert_eq!(ips, ["10.1.2.9/16", "fd01::9/64", "10.9.0.9/24 via 10.9.0.254"]);
}

#[test]
fn each_family_gets_one_default_route_by_its_first_gateway() {
    let ips =
        [ip("10.1.2.9/24", None), ip("10.1.3.9/24", None), ip("fd01::9/64", None), ip("fd02::9/64", None)];
    let (_, routes) = told(&json!({ "isDefaultGateway": true }), lease(&ips, &[]));
    assert_eq!(routes, ["0.0.0.0/0 via 10.1.2.1", "::/0 via fd01::1"]);
}

#[test]
fn a_default_route_that_ipam_named_with_a_gateway_stays_the_only_one() {
    let ips = [ip("10.1.2.9/24", None), ip("fd01::9/64", None)];
    let named = [route("0.0.0.0/0", Some("10.1.2.77")), route("::/0", None)];
    let (_, routes) = told(&json!({ "isDefaultGateway": true }), lease(&ips, &named));
    // One without a gateway leaves open by whom, as the reference has it.
    assert_eq!(routes, ["0.0.0.0/0 via 10.1.2.77", "::/0", "::/0 via fd01::1"]);
}

#[test]
fn name_servers_of_the_network_replace_those_of_ipam_as_a_whole() {
    let servers = |name: &str| Dns { nameservers: Some(vec![name.to_owned()]), ..Dns::default() };
    let given = Success { dns: servers("192.0.2.1"), ..lease(&[ip("10.1.2.9/24", None)], &[]) };
    assert_eq!(settle(&conf(&json!({})), given.clone()).dns, servers("192.0.2.1"));
    let own = settle(&conf(&json!({ "dns": { "search": ["a.test"] } })), given.clone()).dns;
    assert_eq!(own, Dns { search: Some(vec!["a.test".to_owned()]), ..Dns::default() });
    // An empty list says "none"; an empty text says nothing.
    assert!(settle(&conf(&json!({ "dns": { "nameservers": [] } })), given.clone()).dns.is_empty());
    assert_eq!(settle(&conf(&json!({ "dns": { "domain": "" } })), given).dns, servers("192.0.2.1"));
}
