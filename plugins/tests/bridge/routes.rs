//! Routes in the container, as IPAM gives them. B-26, B-27

use serde_json::{Value, json};

use crate::network::{Families, newest, with};
use crate::stage::{Stage, shown};

/// The configuration with these routes of IPAM.
fn routed(families: Families, routes: &Value) -> Value {
    with(&newest(families), &json!({ "ipam": { "routes": routes } }))
}

/// ADD, CHECK, and the routes of eth0 in every table but `local`, in this family.
fn routes(conf: &Value, family: &str) -> (Value, Vec<Value>) {
    let stage = Stage::new();
    let pod = stage.node.pod("p1");
    let result = stage.add(&pod, conf);
    stage.check(&pod, conf, &result).succeeded();
    let all = shown(&pod, &["ip", "-j", "-d", family, "route", "show", "table", "all"]);
    let of_eth0 = |route: &&Value| route["protocol"] == "boot" && route.to_string().contains("\"eth0\"");
    (result, all.as_array().into_iter().flatten().filter(of_eth0).cloned().collect())
}

/// The one to this destination.
fn to<'a>(routes: &'a [Value], destination: &str) -> &'a Value {
    let found = routes.iter().find(|route| route["dst"] == destination);
    found.unwrap_or_else(|| panic!("no route to {destination} in {routes:?}"))
}

#[test]
fn mtu_advmss_priority_and_table_are_the_kernels_and_in_the_result() {
    let wanted = json!([
        { "dst": "10.20.0.0/16", "gw": "10.1.2.9", "mtu": 1300, "advmss": 1200, "priority": 77 },
        { "dst": "10.21.0.0/16", "table": 1000 },
        { "dst": "10.22.0.0/16", "table": 100, "priority": 5 },
    ]);
    let (result, routes) = routes(&routed(Families::V4, &wanted), "-4");
    assert_eq!(result["routes"].as_array().map(|routes| &routes[..3]), wanted.as_array().map(Vec::as_slice));
    let first = to(&routes, "10.20.0.0/16");
    assert_eq!([&first["gateway"], &first["metric"]], [&json!("10.1.2.9"), &json!(77)]);
    assert_eq!(first["metrics"], json!([{ "mtu": 1300, "advmss": 1200 }]));
    // Without a gateway of its own, by the address's.
    let second = to(&routes, "10.21.0.0/16");
    assert_eq!([&second["gateway"], &second["table"]], ["10.1.2.1", "1000"]);
    assert_eq!(to(&routes, "10.22.0.0/16")["table"], "100");
}

#[test]
fn ipv6_routes_take_the_same_path() {
    let wanted = json!([
        { "dst": "fd20::/16", "gw": "fd01:2::9", "mtu": 1300, "advmss": 1200, "priority": 77 },
        { "dst": "fd21::/16", "table": 1000 },
    ]);
    let (_, routes) = routes(&routed(Families::V6, &wanted), "-6");
    let first = to(&routes, "fd20::/16");
    assert_eq!([&first["gateway"], &first["metric"]], [&json!("fd01:2::9"), &json!(77)]);
    assert_eq!(first["metrics"], json!([{ "mtu": 1300, "advmss": 1200 }]));
    let second = to(&routes, "fd21::/16");
    assert_eq!([&second["gateway"], &second["table"]], ["fd01:2::1", "1000"]);
}

#[test]
fn without_any_gateway_a_route_is_on_the_link() {
    let stage = Stage::new();
    let pod = stage.node.pod("p1");
    stage.install_script("spy", &on_link_ipam());
    let conf = with(
        &newest(Families::Dual),
        &json!({ "isDefaultGateway": false, "ipMasq": false, "ipam": { "type": "spy" } }),
    );
    let result = stage.add(&pod, &conf);
    stage.check(&pod, &conf, &result).succeeded();
    for (family, destination) in [("-4", "10.30.0.0/16"), ("-6", "fd30::/16")] {
        let all = shown(&pod, &["ip", "-j", "-d", family, "route", "show"]);
        let route = to(all.as_array().expect("a list"), destination);
        assert_eq!([&route["gateway"], &route["dev"]], [&Value::Null, &json!("eth0")]);
    }
}

/// A delegate whose addresses have no gateway.
fn on_link_ipam() -> String {
    let result = json!({
        "cniVersion": "1.1.0",
        "ips": [{ "address": "10.1.2.50/24" }, { "address": "fd01:2::50/64" }],
        "routes": [{ "dst": "10.30.0.0/16", "scope": 253 }, { "dst": "fd30::/16" }],
    });
    format!("#!/bin/sh\ncat >/dev/null\n[ $CNI_COMMAND != ADD ] || echo '{result}'\n")
}

#[test]
fn scope_is_the_kernels() {
    let wanted = json!([{ "dst": "10.40.0.0/16", "gw": "10.1.2.9", "scope": 0 }]);
    let (result, routes) = routes(&routed(Families::V4, &wanted), "-4");
    assert_eq!(to(&routes, "10.40.0.0/16")["scope"], "global");
    // P-074: 0 is told from absent.
    assert_eq!(result["routes"][0]["scope"], 0);
    assert_eq!(result["routes"][1]["scope"], Value::Null);
}

#[test]
fn two_gateways_to_one_destination_stand_beside_each_other() {
    let wanted = json!([
        { "dst": "fd20::/16", "gw": "fd01:2::8" },
        { "dst": "fd20::/16", "gw": "fd01:2::9" },
    ]);
    let (_, routes) = routes(&routed(Families::V6, &wanted), "-6");
    let text = serde_json::to_string(&routes).expect("values");
    assert!(text.contains("fd01:2::8") && text.contains("fd01:2::9"), "{text}");
}

#[test]
fn a_default_route_of_ipams_own_is_the_only_one() {
    let wanted = json!([{ "dst": "0.0.0.0/0", "gw": "10.1.2.9" }]);
    let (result, routes) = routes(&routed(Families::V4, &wanted), "-4");
    assert_eq!(result["routes"], wanted);
    assert_eq!(to(&routes, "default")["gateway"], "10.1.2.9");
    assert_eq!(routes.len(), 1, "{routes:?}");
}
