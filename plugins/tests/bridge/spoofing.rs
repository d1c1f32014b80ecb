//! `macspoofchk` with forged frames. Upstream: "configures mac spoof-check (no mac spoofing)".

use sandbox::{Place, Pod};
use serde_json::{Value, json};

use crate::network::{Families, newest, with};
use crate::stage::{Stage, host_end};

fn guarded() -> Value {
    with(&newest(Families::Dual), &json!({ "macspoofchk": true, "ipMasq": false }))
}

/// The pod speaks with another MAC than it was given. Its own neighbours, and its gateways, it still knows.
fn forge(pod: &Pod) {
    pod.sh("ip link set eth0 address 02:00:00:00:00:66");
}

#[test]
fn frames_with_a_forged_mac_are_dropped_and_true_ones_pass() {
    let stage = Stage::new();
    let pod = stage.node.pod("p1");
    let result = stage.add(&pod, &guarded());
    let own = result["interfaces"][2]["mac"].as_str().expect("a MAC").to_owned();
    for gateway in Families::Dual.gateways() {
        pod.ping(gateway);
    }
    forge(&pod);
    for gateway in Families::Dual.gateways() {
        assert!(!pod.reaches(gateway), "a forged frame reached {gateway}");
    }
    pod.exec(&["ip", "link", "set", "eth0", "address", &own]);
    pod.ping("10.1.2.1");
}

#[test]
fn without_macspoofchk_they_pass() {
    let stage = Stage::new();
    let pod = stage.node.pod("p1");
    stage.add(&pod, &with(&guarded(), &json!({ "macspoofchk": false })));
    forge(&pod);
    pod.ping("10.1.2.1");
}

#[test]
fn a_guard_is_for_its_own_container_alone() {
    let stage = Stage::new();
    let (guard, free) = (stage.node.pod("p1"), stage.node.pod("p2"));
    stage.add(&guard, &guarded());
    stage.add(&free, &with(&guarded(), &json!({ "macspoofchk": false })));
    forge(&free);
    free.ping("10.1.2.1");
    forge(&guard);
    assert!(!guard.reaches("10.1.2.1"));
}

#[test]
fn a_mac_that_was_asked_for_is_the_one_that_passes() {
    let stage = Stage::new();
    let pod = stage.node.pod("p1");
    let conf = with(&guarded(), &json!({ "runtimeConfig": { "mac": "02:00:00:00:00:77" } }));
    let result = stage.add(&pod, &conf);
    pod.ping("10.1.2.1");
    let rules = stage.node.exec(&["nft", "list", "table", "bridge", "trestle"]).stdout;
    assert!(rules.contains(host_end(&result)) && rules.contains("02:00:00:00:00:77"), "{rules}");
    stage.del(&pod, &conf, &result);
    let rules = stage.node.exec(&["nft", "list", "table", "bridge", "trestle"]).stdout;
    assert!(!rules.contains(host_end(&result)) && !rules.contains("02:00:00:00:00:77"), "{rules}");
}

// A layer 2 network has no address to tell a container by: the guard is all there is.
#[test]
fn a_network_without_addresses_can_be_guarded() {
    let stage = Stage::new();
    let (first, second) = (stage.node.pod("p1"), stage.node.pod("p2"));
    let conf = with(&crate::network::layer2("1.1.0"), &json!({ "macspoofchk": true }));
    for (pod, address) in [(&first, "10.5.0.1/24"), (&second, "10.5.0.2/24")] {
        stage.add(pod, &conf);
        pod.exec(&["ip", "addr", "add", address, "dev", "eth0"]);
    }
    first.ping("10.5.0.2");
    forge(&first);
    assert!(!first.reaches("10.5.0.2"));
}
