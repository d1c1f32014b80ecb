//! `ipvlan`.

use sandbox::Place;
use serde_json::json;

use crate::stage::{Stage, addresses, conf, link, msg, with};

// Upstream: "configures and deconfigures an ipvlan link with ADD/DEL".
#[test]
fn a_container_has_addresses_on_the_masters_mac() {
    let (stage, _beyond) = Stage::with_router();
    let own = link(&stage.node, "up0")["address"].clone();
    stage.life(&conf("ipvlan", &json!({ "master": "up0", "mtu": 1400 })), |pod, result| {
        let inside = link(pod, "eth0");
        assert_eq!(inside["linkinfo"]["info_kind"], "ipvlan");
        assert_eq!(inside["linkinfo"]["info_data"]["mode"], "l2");
        assert_eq!([&inside["mtu"], &inside["address"]], [&json!(1400), &own]);
        assert_eq!(result["interfaces"][0]["mac"], own);
        assert_eq!(addresses(pod, "eth0"), ["10.1.2.2/24", "fd01:2::2/64"]);
        pod.ping("10.1.2.200");
        pod.ping("fd01:2::200");
    });
}

#[test]
fn every_mode_is_the_links() {
    for mode in ["l2", "l3", "l3s"] {
        let (stage, _beyond) = Stage::with_router();
        stage.life(&conf("ipvlan", &json!({ "master": "up0", "mode": mode })), |pod, _| {
            assert_eq!(link(pod, "eth0")["linkinfo"]["info_data"]["mode"], mode);
        });
    }
}

// Upstream: "configures and deconfigures an iplvan link with ADD/DEL when chained".
#[test]
fn in_a_chain_master_and_addresses_are_those_of_the_plugins_before() {
    let (stage, _beyond) = Stage::with_router();
    let before = json!({ "cniVersion": "1.1.0", "interfaces": [{ "name": "up0" }],
        "ips": [{ "address": "10.1.2.77/24", "gateway": "10.1.2.200", "interface": 0 }] });
    let chained = conf("ipvlan", &json!({ "ipam": null, "prevResult": before }));
    let pod = stage.node.pod("p1");
    let result = stage.add(&pod, &chained);
    assert_eq!(
        result["ips"],
        json!([{ "address": "10.1.2.77/24", "gateway": "10.1.2.200", "interface": 0 }])
    );
    assert_eq!(addresses(&pod, "eth0"), ["10.1.2.77/24"]);
    stage.check(&pod, &chained, &result).succeeded();
    stage.del(&pod, &chained, &result);
    assert_eq!(pod.links(), ["lo"]);
    let two = json!({ "cniVersion": "1.1.0", "interfaces": [{ "name": "up0" }, { "name": "up1" }] });
    let error = stage.refused(&pod, &conf("ipvlan", &json!({ "prevResult": two })));
    assert!(error["code"] == 7 && msg(&error).contains("chained master failure"), "{error}");
}

// Upstream: "uses default route interface as master"; B-12: DEL without it.
#[test]
fn the_default_routes_link_is_the_master_and_del_needs_none() {
    let (stage, _beyond) = Stage::with_router();
    stage.node.exec(&["ip", "route", "add", "default", "via", "192.0.2.1"]);
    let conf = conf("ipvlan", &json!({}));
    let pod = stage.node.pod("p1");
    let before = stage.before();
    let result = stage.add(&pod, &conf);
    stage.node.exec(&["ip", "route", "del", "default"]);
    stage.check(&pod, &conf, &result).succeeded();
    stage.del(&pod, &conf, &result);
    assert_eq!(pod.links(), ["lo"]);
    stage.node.exec(&["ip", "route", "add", "default", "via", "192.0.2.1"]);
    before.assert_same(&sandbox::Snapshot::take(&stage.node));
    stage.node.exec(&["ip", "route", "del", "default"]);
    assert_eq!(stage.status(&conf), 50);
}

#[test]
fn a_bad_value_is_named() {
    let (stage, _beyond) = Stage::with_router();
    let pod = stage.node.pod("p1");
    for (keys, said) in [
        (json!({ "mode": "l4" }), "l4"),
        (json!({ "mtu": 1600 }), "1600"),
        (json!({ "mtu": -1 }), "-1"),
        (json!({ "ipam": null }), "ipam"),
        (json!({ "master": "none0" }), "none0"),
    ] {
        let error = stage.refused(&pod, &with(&conf("ipvlan", &json!({ "master": "up0" })), &keys));
        assert!(error["code"] == 7 && msg(&error).contains(said), "{error}");
    }
}

/// A kernel before 6.15 looks for the name on the host, too, where it is most often the master's own.
#[test]
fn the_host_may_have_a_link_of_the_containers_name() {
    let (stage, _router) = Stage::with_router();
    stage.node.sh("ip link set up0 down; ip link set up0 name eth0; ip link set eth0 up");
    stage.life(&conf("ipvlan", &json!({ "master": "eth0" })), |pod, _| {
        assert_eq!(addresses(pod, "eth0"), ["10.1.2.2/24", "fd01:2::2/64"]);
    });
}
