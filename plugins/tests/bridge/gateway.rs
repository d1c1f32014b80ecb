//! The bridge: made once, taken as it is found, and the gateway of its containers.

use sandbox::{Place, Snapshot};
use serde_json::{Value, json};

use crate::network::{BRIDGE, Families, layer2, newest, with};
use crate::stage::{Stage, setting, shown};

// Upstream: "creates a bridge".
#[test]
fn a_missing_bridge_is_made_and_ignores_advertisements() {
    let stage = Stage::new();
    let pod = stage.node.pod("p1");
    stage.add(&pod, &layer2("1.1.0"));
    let bridge = stage.link(BRIDGE);
    assert_eq!([&bridge["linkinfo"]["info_kind"], &bridge["promiscuity"]], [&json!("bridge"), &json!(0)]);
    assert!(bridge["flags"].to_string().contains("\"UP\""), "{bridge}");
    // CVE-2020-10749
    assert_eq!(setting(&stage.node, "ipv6/conf/cni0/accept_ra"), "0");
    assert!(stage.bridge_addresses().is_empty());
}

#[test]
fn the_bridge_is_cni0_unless_it_is_named() {
    let stage = Stage::new();
    let pod = stage.node.pod("p1");
    let conf = json!({ "cniVersion": "1.1.0", "name": "net1", "type": "bridge" });
    assert_eq!(stage.add(&pod, &conf)["interfaces"][0]["name"], "cni0");
    let other = with(&conf, &json!({ "bridge": "other0" }));
    let result = stage.call(&pod, &other).ifname("eth1").command("ADD").run().result();
    assert_eq!(result["interfaces"][0]["name"], "other0");
}

// Upstream: "handles an existing bridge".
#[test]
fn an_existing_bridge_is_taken_as_it_is_and_told_as_it_has_become() {
    let stage = Stage::new();
    stage.node.sh("ip link add cni0 type bridge forward_delay 200; ip addr add 10.1.2.1/24 dev cni0");
    let before = stage.link(BRIDGE);
    let pod = stage.node.pod("p1");
    let result = stage.add(&pod, &with(&newest(Families::V4), &json!({ "mtu": 1300 })));
    let after = stage.link(BRIDGE);
    assert_eq!(before["ifindex"], after["ifindex"]);
    assert_eq!(after["linkinfo"]["info_data"]["forward_delay"], 200);
    // Nobody gave this bridge a MAC or an MTU of its own, so both follow its first port.
    let told = &result["interfaces"][0];
    assert_eq!([&told["mac"], &told["mtu"]], [&after["address"], &after["mtu"]]);
    pod.ping("10.1.2.1");
}

#[test]
fn an_existing_bridge_keeps_its_mac_once_it_is_a_gateway() {
    let stage = Stage::new();
    stage.node.exec(&["ip", "link", "add", BRIDGE, "type", "bridge"]);
    let before = stage.link(BRIDGE);
    let pod = stage.node.pod("p1");
    let result = stage.add(&pod, &newest(Families::V6));
    assert_eq!([&result["interfaces"][0]["mac"], &stage.link(BRIDGE)["address"]], [&before["address"]; 2]);
}

#[test]
fn a_link_of_that_name_that_is_no_bridge_is_refused() {
    let stage = Stage::new();
    stage.node.exec(&["ip", "link", "add", "cni0", "type", "veth", "peer", "name", "other"]);
    let before = Snapshot::take(&stage.node);
    let pod = stage.node.pod("p1");
    let error = stage.refused(&pod, &newest(Families::V4));
    assert_eq!(
        (error["code"].as_u64(), error["msg"].as_str()),
        (Some(7), Some("cni0 already exists but is not a bridge"))
    );
    drop(pod);
    stage.nothing_left_since(&before);
}

// Upstream: "ensure promiscuous mode on bridge".
#[test]
fn promiscuous_mode_is_the_bridges() {
    let stage = Stage::new();
    let pod = stage.node.pod("p1");
    let conf = with(&newest(Families::V4), &json!({ "promiscMode": true }));
    let result = stage.add(&pod, &conf);
    assert_eq!(stage.link(BRIDGE)["promiscuity"], 1);
    stage.check(&pod, &conf, &result).succeeded();
    // A second attachment, and an existing bridge that was not.
    stage.node.exec(&["ip", "link", "set", BRIDGE, "promisc", "off"]);
    assert_ne!(stage.check(&pod, &conf, &result).code, 0);
    let second = stage.node.pod("p2");
    stage.add(&second, &conf);
    assert_eq!(stage.link(BRIDGE)["promiscuity"], 1);
}

// Upstream: "creates a bridge with a stable MAC addresses".
#[test]
fn the_bridges_mac_stays_whoever_comes_and_goes() {
    for families in Families::ALL {
        let stage = Stage::new();
        let conf = newest(families);
        let (first, second) = (stage.node.pod("p1"), stage.node.pod("p2"));
        let low = with(&conf, &json!({ "runtimeConfig": { "mac": "02:00:00:00:00:01" } }));
        let result = stage.add(&first, &conf);
        let mac = stage.link(BRIDGE)["address"].clone();
        assert_eq!(result["interfaces"][0]["mac"], mac);
        stage.add(&second, &low);
        assert_eq!(stage.link(BRIDGE)["address"], mac);
        stage.del(&first, &conf, &result);
        assert_eq!(stage.link(BRIDGE)["address"], mac);
    }
}

/// The bridge has `found`; a network with other gateways, `10.1.2.1/24` and `fd01:2::1/64`, comes.
fn conflict(families: Families, found: &[&str], force: &Value) -> (Stage, sandbox::Reply) {
    let stage = Stage::new();
    stage.node.exec(&["ip", "link", "add", BRIDGE, "up", "type", "bridge"]);
    for address in found {
        stage.node.exec(&["ip", "addr", "add", address, "dev", BRIDGE, "nodad"]);
    }
    let before = Snapshot::take(&stage.node);
    let pod = stage.node.pod("p1");
    let reply =
        stage.call(&pod, &with(&newest(families), &json!({ "forceAddress": force }))).command("ADD").run();
    if reply.code != 0 {
        assert_eq!(pod.links(), ["lo"]);
        drop(pod);
        stage.nothing_left_since(&before);
    }
    (stage, reply)
}

// Upstream: "ensure bridge address".
#[test]
fn another_ipv4_address_on_the_bridge_is_a_conflict() {
    let (stage, reply) = conflict(Families::Dual, &["10.9.9.1/24"], &json!(false));
    let error = reply.error();
    assert_eq!(error["code"], 7);
    assert_eq!(error["msg"], "cni0 already has an IP address different from 10.1.2.1/24: 10.9.9.1/24");
    assert_eq!(stage.bridge_addresses()[0], "10.9.9.1/24");
}

#[test]
fn an_ipv6_address_is_a_conflict_only_where_networks_overlap() {
    let (stage, reply) = conflict(Families::V6, &["fd09::1/64"], &json!(false));
    reply.succeeded();
    assert_eq!(stage.bridge_addresses().len(), 2);
    let (_, reply) = conflict(Families::V6, &["fd01:2::7/64"], &json!(false));
    assert_eq!(
        reply.error()["msg"],
        "cni0 already has an IP address different from fd01:2::1/64: fd01:2::7/64"
    );
}

#[test]
fn with_force_address_what_conflicts_gives_way() {
    let (stage, reply) =
        conflict(Families::Dual, &["10.9.9.1/24", "fd01:2::7/64", "fd09::1/64"], &json!(true));
    reply.succeeded();
    let mut addresses = stage.bridge_addresses();
    addresses.sort();
    assert_eq!(addresses, ["10.1.2.1/24", "fd01:2::1/64", "fd09::1/64"]);
}

#[test]
fn the_gateway_that_is_there_already_is_no_conflict() {
    let (stage, reply) = conflict(Families::Dual, &["10.1.2.1/24", "fd01:2::1/64"], &json!(false));
    reply.succeeded();
    assert_eq!(stage.bridge_addresses().len(), 2);
}

#[test]
fn a_gateway_forwards_its_families_and_no_other() {
    for (families, wanted) in
        [(Families::V4, ["1", "0"]), (Families::V6, ["0", "1"]), (Families::Dual, ["1", "1"])]
    {
        let stage = Stage::new();
        stage
            .node
            .sh("echo 0 >/proc/sys/net/ipv4/ip_forward; echo 0 >/proc/sys/net/ipv6/conf/all/forwarding");
        stage.add(&stage.node.pod("p1"), &newest(families));
        assert_eq!(
            ["ipv4/ip_forward", "ipv6/conf/all/forwarding"].map(|path| setting(&stage.node, path)),
            wanted
        );
    }
}

#[test]
fn without_a_gateway_the_bridge_has_no_address_and_the_node_does_not_forward() {
    let stage = Stage::new();
    stage.node.sh("echo 0 >/proc/sys/net/ipv4/ip_forward; echo 0 >/proc/sys/net/ipv6/conf/all/forwarding");
    let pod = stage.node.pod("p1");
    let conf = with(&newest(Families::Dual), &json!({ "isDefaultGateway": false }));
    let result = stage.add(&pod, &conf);
    assert!(stage.bridge_addresses().is_empty());
    assert_eq!(setting(&stage.node, "ipv4/ip_forward"), "0");
    assert_eq!(result["routes"], Value::Null);
    stage.check(&pod, &conf, &result).succeeded();
}

#[test]
fn a_gateway_that_is_not_the_default_one_brings_no_default_route() {
    let stage = Stage::new();
    let pod = stage.node.pod("p1");
    let conf = with(&newest(Families::Dual), &json!({ "isDefaultGateway": false, "isGateway": true }));
    stage.add(&pod, &conf);
    assert_eq!(stage.bridge_addresses(), ["10.1.2.1/24", "fd01:2::1/64"]);
    assert_eq!(shown(&pod, &["ip", "-j", "-4", "route", "show", "default"]), json!([]));
    assert_eq!(shown(&pod, &["ip", "-j", "-6", "route", "show", "default"]), json!([]));
}

#[test]
fn two_addresses_of_one_family_have_one_default_route() {
    let stage = Stage::new();
    let pod = stage.node.pod("p1");
    let sets = json!([[{ "subnet": "fd01:2::/64" }], [{ "subnet": "fd01:3::/64" }]]);
    let conf = with(&newest(Families::V6), &json!({ "ipam": { "ranges": sets } }));
    let result = stage.add(&pod, &conf);
    assert_eq!(result["routes"], json!([{ "dst": "::/0", "gw": "fd01:2::1" }]));
    stage.check(&pod, &conf, &result).succeeded();
}
