//! CHECK: silent right after ADD, and a difference in words for everything that somebody broke. P-044

use sandbox::{Place, Pod};
use serde_json::{Value, json};

use crate::network::{BRIDGE, Families, layer2, newest, with};
use crate::stage::{Stage, host_end};

/// Everything that CHECK looks at.
fn everything() -> Value {
    let routes = json!([{ "dst": "10.20.0.0/16", "table": 100 }, { "dst": "fd20::/16" }]);
    with(
        &newest(Families::Dual),
        &json!({ "macspoofchk": true, "hairpinMode": true, "ipam": { "routes": routes } }),
    )
}

/// After `harm`, CHECK fails with code 999 and says `word`.
fn finds(word: &str, harm: impl FnOnce(&Stage, &Pod, &str)) {
    let stage = Stage::new();
    let pod = stage.node.pod("p1");
    let result = stage.add(&pod, &everything());
    stage.check(&pod, &everything(), &result).succeeded();
    harm(&stage, &pod, host_end(&result));
    let error = stage.check(&pod, &everything(), &result).error();
    assert!(error["msg"].as_str().is_some_and(|msg| msg.contains(word)), "no {word:?} in {error}");
}

#[test]
fn check_finds_a_bridge_that_is_down_or_gone() {
    finds("bridge cni0: is down", |stage, _, _| {
        stage.node.exec(&["ip", "link", "set", BRIDGE, "down"]);
    });
    finds("bridge cni0: missing", |stage, _, _| {
        stage.node.exec(&["ip", "link", "del", BRIDGE]);
    });
}

#[test]
fn check_finds_a_link_that_is_no_port_any_more() {
    finds("is no port of cni0", |stage, _, end| {
        stage.node.exec(&["ip", "link", "set", end, "nomaster"]);
    });
    finds("hairpin is off", |stage, _, end| {
        stage.node.exec(&["ip", "link", "set", end, "type", "bridge_slave", "hairpin", "off"]);
    });
}

#[test]
fn check_finds_an_interface_that_is_gone_or_another() {
    finds("missing", |_, pod, _| {
        pod.exec(&["ip", "link", "del", "eth0"]);
    });
    finds("eth0 has the address 02:00:00:00:00:99", |_, pod, _| {
        pod.exec(&["ip", "link", "set", "eth0", "address", "02:00:00:00:00:99"]);
    });
    finds("link eth0 up: is down", |_, pod, _| {
        pod.exec(&["ip", "link", "set", "eth0", "down"]);
    });
}

#[test]
fn check_finds_addresses_that_are_gone() {
    finds("address 10.1.2.2/24 dev eth0: missing", |_, pod, _| {
        pod.exec(&["ip", "addr", "del", "10.1.2.2/24", "dev", "eth0"]);
    });
    finds("address fd01:2::2/64 dev eth0: missing", |_, pod, _| {
        pod.exec(&["ip", "addr", "del", "fd01:2::2/64", "dev", "eth0"]);
    });
    finds("address 10.1.2.1/24 dev cni0: missing", |stage, _, _| {
        stage.node.exec(&["ip", "addr", "del", "10.1.2.1/24", "dev", BRIDGE]);
    });
}

// B-27: tables other than main, and the gateway of a default route, are looked at.
#[test]
fn check_finds_routes_that_are_gone_or_others() {
    finds("route 10.20.0.0/16", |_, pod, _| {
        pod.exec(&["ip", "route", "flush", "table", "100"]);
    });
    finds("route fd20::/16", |_, pod, _| {
        pod.exec(&["ip", "route", "del", "fd20::/16"]);
    });
    finds("route 0.0.0.0/0 via 10.1.2.1", |_, pod, _| {
        pod.exec(&["ip", "route", "replace", "default", "via", "10.1.2.9"]);
    });
}

#[test]
fn check_finds_rules_that_are_gone() {
    finds("masquerade 10.1.2.2", |stage, _, _| {
        stage.node.exec(&["nft", "flush", "ruleset"]);
    });
    finds("guard veth", |stage, _, _| {
        stage.node.exec(&["nft", "delete", "table", "bridge", "trestle"]);
    });
}

#[test]
fn check_finds_forwarding_switched_off() {
    finds("forwarding IPv4: is off", |stage, _, _| {
        stage.node.sh("echo 0 >/proc/sys/net/ipv4/ip_forward");
    });
    finds("forwarding IPv6: is off", |stage, _, _| {
        stage.node.sh("echo 0 >/proc/sys/net/ipv6/conf/all/forwarding");
    });
}

#[test]
fn check_asks_ipam() {
    finds("Failed to find address added by container p1", |stage, _, _| {
        stage.node.sh("rm /var/lib/cni/networks/net1/10.1.2.2 /var/lib/cni/networks/net1/fd01:2::2");
    });
}

// B-05
#[test]
fn a_sniffer_on_the_bridge_is_no_difference() {
    let stage = Stage::new();
    let pod = stage.node.pod("p1");
    let result = stage.add(&pod, &everything());
    stage.node.exec(&["ip", "link", "set", BRIDGE, "promisc", "on"]);
    stage.check(&pod, &everything(), &result).succeeded();
}

// P-044: what later plugins of the chain may rightly add.
#[test]
fn more_addresses_routes_and_settings_are_no_difference() {
    let stage = Stage::new();
    let pod = stage.node.pod("p1");
    let result = stage.add(&pod, &everything());
    pod.sh("ip addr add 192.0.2.9/24 dev eth0; ip route add 198.51.100.0/24 via 10.1.2.1; ip link set eth0 mtu 1400
            echo 1 >/proc/sys/net/ipv4/conf/eth0/arp_notify; echo 2 >/proc/sys/net/ipv4/conf/eth0/rp_filter");
    stage.check(&pod, &everything(), &result).succeeded();
}

// B-04
#[test]
fn check_of_a_network_without_addresses_asks_no_ipam() {
    let stage = Stage::new();
    let pod = stage.node.pod("p1");
    let conf = layer2("1.1.0");
    let result = stage.add(&pod, &conf);
    stage.check(&pod, &conf, &result).succeeded();
    pod.exec(&["ip", "link", "set", "eth0", "down"]);
    assert_eq!(stage.check(&pod, &conf, &result).error()["code"], 999);
}

#[test]
fn check_needs_the_result_of_add() {
    let stage = Stage::new();
    let pod = stage.node.pod("p1");
    stage.add(&pod, &newest(Families::V4));
    let error = stage.call(&pod, &newest(Families::V4)).command("CHECK").run().error();
    assert_eq!([&error["code"], &error["msg"]], [&json!(7), &json!("prevResult: required, but missing")]);
}
