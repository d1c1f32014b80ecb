//! `vlan`.

use sandbox::{Place, Router};
use serde_json::json;

use crate::stage::{Stage, addresses, conf, link, msg, with};

/// A machine beyond that hears VLAN 100.
fn tagged() -> (Stage, Router) {
    let (stage, beyond) = Stage::with_router();
    beyond.sh(
        "ip addr flush dev eth0; ip link add link eth0 name tagged type vlan id 100; ip link set tagged up
               ip addr add 10.1.2.200/24 dev tagged; ip addr add fd01:2::200/64 dev tagged nodad",
    );
    (stage, beyond)
}

// Upstream: "configures and deconfigures a vlan link with ADD/DEL".
#[test]
fn frames_bear_the_tag() {
    let (stage, _beyond) = tagged();
    let own = link(&stage.node, "up0")["address"].clone();
    stage.life(&conf("vlan", &json!({ "master": "up0", "vlanId": 100, "mtu": 1400 })), |pod, result| {
        let inside = link(pod, "eth0");
        assert_eq!(inside["linkinfo"]["info_kind"], "vlan");
        assert_eq!(inside["linkinfo"]["info_data"]["id"], 100);
        assert_eq!([&inside["mtu"], &inside["address"]], [&json!(1400), &own]);
        assert_eq!(result["interfaces"][0]["mac"], own);
        assert_eq!(addresses(pod, "eth0"), ["10.1.2.2/24", "fd01:2::2/64"]);
        pod.ping("10.1.2.200");
        pod.ping("fd01:2::200");
    });
}

#[test]
fn tag_0_and_no_addresses_are_possible() {
    let (stage, _beyond) = tagged();
    stage.life(&conf("vlan", &json!({ "master": "up0", "ipam": null })), |pod, _| {
        assert_eq!(link(pod, "eth0")["linkinfo"]["info_data"]["id"], 0);
    });
}

// Upstream: "fails when an invalid mtu is provided", "… vlanId", "… no master".
#[test]
fn a_bad_value_is_named() {
    let (stage, _beyond) = tagged();
    let pod = stage.node.pod("p1");
    for (keys, said) in [
        (json!({ "vlanId": 4095 }), "4095"),
        (json!({ "vlanId": -1 }), "-1"),
        (json!({ "master": null }), "master"),
        (json!({ "master": "none0" }), "none0"),
        (json!({ "mtu": 1600 }), "1600"),
        (json!({ "mtu": -1 }), "-1"),
    ] {
        let conf = with(&conf("vlan", &json!({ "master": "up0", "vlanId": 100 })), &keys);
        let error = stage.refused(&pod, &conf);
        assert!(error["code"] == 7 && msg(&error).contains(said), "{error}");
    }
}

#[test]
fn a_vlan_that_another_container_has_is_refused_in_the_kernels_words() {
    let (stage, _beyond) = tagged();
    let (first, second) = (stage.node.pod("p1"), stage.node.pod("p2"));
    let conf = conf("vlan", &json!({ "master": "up0", "vlanId": 100, "ipam": null }));
    stage.add(&first, &conf);
    let error = stage.refused(&second, &conf);
    assert!(msg(&error).contains("id 100") && !msg(&error).contains("interface eth0 already"), "{error}");
    assert_eq!(second.links(), ["lo"]);
}

// B-12: the reference's DEL fails without the master, and keeps the address.
#[test]
fn del_needs_no_master() {
    let (stage, beyond) = tagged();
    let conf = conf("vlan", &json!({ "master": "up0", "vlanId": 100 }));
    let pod = stage.node.pod("p1");
    let before = stage.before();
    let result = stage.add(&pod, &conf);
    drop(beyond);
    stage.node.try_exec(&["ip", "link", "del", "up0"]);
    stage.del(&pod, &conf, &result);
    assert_eq!(pod.links(), ["lo"]);
    before.assert_same(&sandbox::Snapshot::take(&stage.node));
    assert_eq!(stage.status(&conf), 50);
}

#[test]
fn check_finds_another_tag() {
    let (stage, _beyond) = tagged();
    let pod = stage.node.pod("p1");
    let written = conf("vlan", &json!({ "master": "up0", "vlanId": 100 }));
    let result = stage.add(&pod, &written);
    stage.check(&pod, &written, &result).succeeded();
    let other = stage.check(&pod, &with(&written, &json!({ "vlanId": 101 })), &result).error();
    assert!(msg(&other).contains("VLAN"), "{other}");
}

/// A kernel before 6.15 looks for the name on the host, too, where it is most often the master's own.
#[test]
fn the_host_may_have_a_link_of_the_containers_name() {
    let (stage, _router) = tagged();
    stage.node.sh("ip link set up0 down; ip link set up0 name eth0; ip link set eth0 up");
    stage.life(&conf("vlan", &json!({ "master": "eth0", "vlanId": 100 })), |pod, _| {
        assert_eq!(addresses(pod, "eth0"), ["10.1.2.2/24", "fd01:2::2/64"]);
    });
}
