//! STATUS of plugins whose links rest on another.

use sandbox::Place;
use serde_json::json;

use crate::stage::{Stage, conf, with};

#[test]
fn a_missing_master_is_50_and_one_that_cuts_containers_off_is_51() {
    let stage = Stage::new();
    let conf = conf("macvlan", &json!({ "master": "m0", "ipam": null }));
    assert_eq!(stage.status(&conf), 50);
    stage.node.sh("ip link add m0 type veth peer name m1; ip link set m1 up");
    assert_eq!(stage.status(&conf), 50, "it is down");
    stage.node.exec(&["ip", "link", "set", "m0", "up"]);
    assert_eq!(stage.status(&conf), 0);
    let pod = stage.node.pod("p1");
    stage.add(&pod, &conf);
    assert_eq!(stage.status(&conf), 0);
    stage.node.exec(&["ip", "link", "set", "m0", "down"]);
    assert_eq!(stage.status(&conf), 51);
    stage.node.exec(&["ip", "link", "del", "m0"]);
    assert_eq!(stage.status(&conf), 51);
}

#[test]
fn a_master_of_the_container_is_no_concern_of_the_nodes() {
    let stage = Stage::new();
    assert_eq!(stage.status(&conf("macvlan", &json!({ "master": "m0", "linkInContainer": true }))), 0);
    assert_eq!(stage.status(&conf("ptp", &json!({}))), 0);
    assert_eq!(stage.status(&conf("tap", &json!({}))), 0);
}

#[test]
fn flushed_rules_of_ptp_are_51() {
    let stage = Stage::new();
    let conf = conf("ptp", &json!({ "ipMasq": true }));
    assert_eq!(stage.status(&conf), 0);
    let pod = stage.node.pod("p1");
    stage.add(&pod, &conf);
    stage.node.exec(&["nft", "flush", "ruleset"]);
    assert_eq!(stage.status(&conf), 51);
}

// B-08
#[test]
fn an_exhausted_range_and_a_dead_daemon_are_50_for_every_plugin() {
    let stage = Stage::new();
    stage.node.sh("ip link add m0 type veth peer name m1; ip link set m1 up; ip link set m0 up");
    let range = json!([[{ "subnet": "10.1.2.0/30" }]]);
    for (plugin, keys) in [("ptp", json!({})), ("macvlan", json!({ "master": "m0" })), ("tap", json!({}))] {
        let small = json!({ "type": "host-local", "ranges": range, "dataDir": format!("/run/{plugin}") });
        let small = with(&conf(plugin, &keys), &json!({ "ipam": small }));
        assert_eq!(stage.status(&small), 0, "{plugin}");
        let pod = stage.node.pod(plugin);
        stage.add(&pod, &small);
        assert_eq!(stage.status(&small), 50, "{plugin}");
        let leased = json!({ "type": "dhcp", "daemonSocketPath": "/run/none.sock" });
        let leased = with(&conf(plugin, &keys), &json!({ "ipam": leased }));
        assert_eq!(stage.status(&leased), 50, "{plugin}");
    }
}
