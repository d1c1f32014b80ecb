//! An ADD that fails leaves nothing behind by itself. B-06

use std::path::Path;

use sandbox::{Allowed, Call, PATIENCE, Place, Snapshot, eventually};
use serde_json::json;

use crate::network::{BRIDGE, Families, newest, with};
use crate::stage::{Stage, host_end};

/// Everything at once: rules, guard, lease, gateway.
fn everything() -> serde_json::Value {
    with(&newest(Families::Dual), &json!({ "macspoofchk": true, "hairpinMode": true }))
}

// P-040
#[test]
fn a_second_add_is_refused_and_nothing_of_the_first_is_touched() {
    let stage = Stage::new();
    let pod = stage.node.pod("p1");
    let result = stage.add(&pod, &everything());
    // The link's own address is tentative for a second or two, and then is not.
    assert!(eventually(PATIENCE, || !pod.sh("ip addr").stdout.contains("tentative")));
    let standing = Snapshot::take(&stage.node);
    let inside = pod.sh("ip addr; ip route; ip -6 route").stdout;
    let error = stage.refused(&pod, &everything());
    assert_eq!(error["msg"], "the container has an interface eth0 already");
    standing.assert_same(&Snapshot::take(&stage.node));
    assert_eq!(pod.sh("ip addr; ip route; ip -6 route").stdout, inside);
    stage.check(&pod, &everything(), &result).succeeded();
    pod.ping("10.1.2.1");
}

#[test]
fn an_interface_that_is_not_ours_is_refused_too() {
    let stage = Stage::new();
    let pod = stage.node.pod("p1");
    pod.exec(&["ip", "link", "add", "eth0", "type", "bridge"]);
    let before = Snapshot::take(&stage.node);
    let error = stage.refused(&pod, &everything());
    assert_eq!(error["msg"], "the container has an interface eth0 already");
    before.assert_same(&Snapshot::take(&stage.node));
    assert_eq!(pod.links(), ["eth0", "lo"]);
}

#[test]
fn a_host_link_of_the_name_that_ours_would_get_is_nobodys_to_take() {
    let stage = Stage::new();
    let pod = stage.node.pod("p1");
    let result = stage.add(&pod, &everything());
    stage.del(&pod, &everything(), &result);
    stage.node.exec(&["ip", "link", "add", host_end(&result), "type", "veth", "peer", "name", "other"]);
    let before = Snapshot::take(&stage.node);
    let error = stage.refused(&pod, &everything());
    assert_eq!(error["msg"], format!("the host has an interface {} already", host_end(&result)));
    before.assert_same(&Snapshot::take(&stage.node));
    assert_eq!(pod.links(), ["lo"]);
}

/// ADD fails with this message, and leaves nothing; the pod can be attached as if nothing had been.
fn fails(stage: &Stage, conf: &serde_json::Value, message: &str) {
    let pod = stage.node.pod("p1");
    let before = Snapshot::take(&stage.node);
    let error = stage.refused(&pod, conf);
    assert!(error["msg"].as_str().is_some_and(|msg| msg.contains(message)), "{error}");
    assert_eq!(pod.links(), ["lo"]);
    stage.nothing_left_since(&before);
    let result = stage.add(&pod, &everything());
    stage.del(&pod, &everything(), &result);
    stage.nothing_left_since(&before);
}

// Upstream: "checks ip release in case of error".
#[test]
fn an_exhausted_range_leaves_nothing() {
    let stage = Stage::new();
    let ranges = json!([[{ "subnet": "10.1.2.0/24" }], [{ "subnet": "fd01:2::/64", "rangeStart": "fd01:2::9", "rangeEnd": "fd01:2::9" }]]);
    let conf = with(&everything(), &json!({ "ipam": { "ranges": ranges } }));
    let other = stage.node.pod("p0");
    let result = stage.add(&other, &conf);
    fails(&stage, &conf, "no IP addresses available in range set: fd01:2::9-fd01:2::9");
    stage.check(&other, &conf, &result).succeeded();
}

#[test]
fn a_conflict_of_the_gateway_leaves_nothing() {
    let stage = Stage::new();
    let other = stage.node.pod("p0");
    stage.add(&other, &everything());
    let ranges = json!([[{ "subnet": "10.9.9.0/24" }]]);
    let conf = with(&everything(), &json!({ "ipam": { "ranges": ranges } }));
    fails(&stage, &conf, "cni0 already has an IP address different from 10.9.9.1/24: 10.1.2.1/24");
}

#[test]
fn a_route_that_the_kernel_refuses_leaves_nothing() {
    let stage = Stage::new();
    let routes = json!([{ "dst": "10.77.0.0/16", "gw": "192.168.77.1" }]);
    let conf = with(&everything(), &json!({ "ipam": { "routes": routes } }));
    fails(&stage, &conf, "cannot add route 10.77.0.0/16 via 192.168.77.1 dev eth0");
}

#[test]
fn an_mtu_that_the_kernel_refuses_leaves_nothing() {
    let stage = Stage::new();
    fails(&stage, &with(&everything(), &json!({ "mtu": 60 })), "mtu 60");
}

#[test]
fn a_path_that_is_no_namespace_leaves_nothing() {
    let stage = Stage::new();
    let before = Snapshot::take(&stage.node);
    for (path, word) in [("/run/netns/gone", "No such file"), ("/etc/hostname", "Invalid argument")] {
        let call = Call::new(stage.bin.join("bridge")).container("p1").ifname("eth0").env("CNI_NETNS", path);
        let error = call.command("ADD").conf(everything()).run().error();
        assert_eq!(error["code"], 8, "{error}");
        assert!(error["msg"].as_str().is_some_and(|msg| msg.contains(path) && msg.contains(word)), "{error}");
    }
    before.assert_same(&Snapshot::take(&stage.node));
}

#[test]
fn contradictions_are_refused_before_anything_is_made() {
    let stage = Stage::new();
    let pod = stage.node.pod("p1");
    let before = Snapshot::take(&stage.node);
    for (keys, word) in [
        (json!({ "hairpinMode": true, "promiscMode": true }), "hairpin"),
        // Upstream: "should fail when both IPAM and DisableContainerInterface are set".
        (json!({ "disableContainerInterface": true }), "disableContainerInterface"),
        (json!({ "vlan": 4095 }), "4095"),
        (json!({ "ipMasqBackend": "pf" }), "unknown ipmasq backend \"pf\""),
        (json!({ "runtimeConfig": { "mac": "nonsense" } }), "nonsense"),
    ] {
        let error = stage.refused(&pod, &with(&newest(Families::V4), &keys));
        assert_eq!(error["code"], 7, "{error}");
        assert!(error["msg"].as_str().is_some_and(|msg| msg.contains(word)), "{error}");
    }
    before.assert_same(&Snapshot::take(&stage.node));
}

#[test]
fn a_failed_add_after_a_flush_leaves_no_rule_of_its_own() {
    let stage = Stage::new();
    let other = stage.node.pod("p0");
    let conf = everything();
    let result = stage.add(&other, &conf);
    stage.node.exec(&["nft", "flush", "ruleset"]);
    let pod = stage.node.pod("p1");
    let ranges = json!([[{ "subnet": "10.9.9.0/24" }]]);
    stage.refused(&pod, &with(&conf, &json!({ "ipam": { "ranges": ranges } })));
    let rules = stage.node.exec(&["nft", "list", "ruleset"]).stdout;
    assert!(rules.contains("10.1.2.2") && !rules.contains("10.9.9."), "{rules}");
    stage.check(&other, &conf, &result).succeeded();
}

#[test]
fn the_plugin_that_ipam_names_must_be_there() {
    let stage = Stage::new();
    let pod = stage.node.pod("p1");
    let before = Snapshot::take(&stage.node).forgiving(&[Allowed::Bridge(BRIDGE)]);
    let error = stage.refused(&pod, &with(&everything(), &json!({ "ipam": { "type": "absent" } })));
    assert!(
        error["msg"].as_str().is_some_and(|msg| msg.contains("failed to find plugin \"absent\"")),
        "{error}"
    );
    before.assert_same(&Snapshot::take(&stage.node));
    assert!(!Path::new("/var/lib/cni/networks").exists());
}
