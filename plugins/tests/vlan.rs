//! VLANs on a bridge that separates them. Not every kernel can: these tests run in the virtual machine
//! (`conformance/vm/suite`); `tests/bridge/vlan_support.rs` says what the others answer.

use std::path::{Path, PathBuf};

use sandbox::{Allowed, Call, Node, Place, Pod, Snapshot};
use serde_json::{Value, json};

const BRIDGE: &str = "cni0";

fn node() -> (Node, PathBuf) {
    let node = Node::enter();
    let bin = node.install(Path::new(env!("CARGO_BIN_EXE_cni")), &["bridge", "host-local"]);
    (node, bin)
}

/// One of each shape of result; `tests/bridge/versions.rs` has them all.
const VERSIONS: [&str; 2] = ["0.3.1", "1.1.0"];

fn layer2(version: &str) -> Value {
    json!({ "cniVersion": version, "name": "net1", "type": "bridge", "bridge": BRIDGE })
}

/// A gateway in both families.
fn routed(version: &str, ranges: &Value) -> Value {
    with(
        layer2(version),
        &json!({ "isDefaultGateway": true, "ipam": { "type": "host-local", "ranges": ranges } }),
    )
}

fn dual() -> Value {
    json!([[{ "subnet": "10.1.2.0/24" }], [{ "subnet": "fd01:2::/64" }]])
}

fn with(mut conf: Value, keys: &Value) -> Value {
    for (key, value) in keys.as_object().into_iter().flatten() {
        conf[key] = value.clone();
    }
    conf
}

fn call(bin: &Path, pod: &Pod, conf: &Value) -> Call {
    Call::new(bin.join("bridge")).container(pod.name()).netns(pod).ifname("eth0").conf(conf)
}

fn add(bin: &Path, pod: &Pod, conf: &Value) -> Value {
    call(bin, pod, conf).command("ADD").run().result()
}

/// CHECK where the version has it, then DEL.
fn check_and_del(bin: &Path, pod: &Pod, conf: &Value, result: &Value) {
    let later = with(conf.clone(), &json!({ "prevResult": result }));
    if !conf["cniVersion"].to_string().contains("0.3") {
        call(bin, pod, &later).command("CHECK").run().succeeded();
    }
    call(bin, pod, &later).command("DEL").run().succeeded();
}

/// `100 PVID Egress Untagged`, `101`, …: the VLANs of a port, in their order.
fn vlans(node: &Node, port: &str) -> Vec<String> {
    let text = node.exec(&["bridge", "-j", "vlan", "show", "dev", port]).stdout;
    let shown: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    let mut lines = Vec::new();
    for vlan in shown[0]["vlans"].as_array().into_iter().flatten() {
        let first = vlan["vlan"].as_u64().expect("a VLAN has a number");
        let flags = vlan["flags"].as_array().into_iter().flatten().filter_map(Value::as_str);
        let flags: String = flags.map(|flag| format!(" {flag}")).collect();
        let last = vlan["vlanEnd"].as_u64().unwrap_or(first);
        lines.extend((first..=last).map(|id| format!("{id}{flags}")));
    }
    lines
}

/// 101 and 200 to 210, tagged.
fn trunk() -> impl Iterator<Item = String> {
    std::iter::once(101).chain(200..=210).map(|id: u16| id.to_string())
}

fn host_end(result: &Value) -> &str {
    result["interfaces"][1]["name"].as_str().expect("the second interface is the host end")
}

/// A layer 2 life with these keys in each version: the port's VLANs, CHECK, DEL, nothing left.
fn port(keys: &Value, wanted: &[String]) {
    let (node, bin) = node();
    let pod = node.pod("p1");
    let before = Snapshot::take(&node).forgiving(&Allowed::after_del(BRIDGE));
    for version in VERSIONS {
        let conf = with(layer2(version), keys);
        let result = add(&bin, &pod, &conf);
        assert_eq!(vlans(&node, host_end(&result)), wanted);
        check_and_del(&bin, &pod, &conf, &result);
        assert_eq!(pod.links(), ["lo"]);
    }
    before.assert_same(&Snapshot::take(&node));
}

// Upstream: "configures and deconfigures a l2 bridge with vlan id 100 and no default vlan using ADD/DEL".
#[test]
fn a_vlan_is_the_ports_only_one() {
    port(&json!({ "vlan": 100 }), &["100 PVID Egress Untagged".to_owned()]);
}

// Upstream: "configures and deconfigures a l2 bridge with vlan id 100 using ADD/DEL".
#[test]
fn the_default_vlan_stays_where_that_is_asked_for() {
    let wanted = ["1 Egress Untagged", "100 PVID Egress Untagged"].map(str::to_owned);
    port(&json!({ "vlan": 100, "preserveDefaultVlan": true }), &wanted);
}

// Upstream: "configures and deconfigures a l2 bridge with vlanTrunk 101,200~210 using ADD/DEL".
#[test]
fn a_trunk_keeps_the_default_vlan_for_untagged_frames() {
    let keys = json!({ "vlanTrunk": [{ "id": 101 }, { "minID": 200, "maxID": 210 }] });
    let wanted: Vec<_> = std::iter::once("1 PVID Egress Untagged".to_owned()).chain(trunk()).collect();
    port(&keys, &wanted);
}

// Upstream: "configures and deconfigures a l2 bridge with vlan 100, and vlanTrunk 101,200~210 using ADD/DEL".
#[test]
fn a_vlan_and_a_trunk_stand_beside_each_other() {
    let keys = json!({ "vlan": 100, "vlanTrunk": [{ "id": 101 }, { "minID": 200, "maxID": 210 }] });
    let wanted: Vec<_> = std::iter::once("100 PVID Egress Untagged".to_owned()).chain(trunk()).collect();
    port(&keys, &wanted);
}

// Upstream: "configures and deconfigures a bridge, veth with default route and vlanID 100 (and no default vlan)".
#[test]
fn a_vlans_gateway_is_an_interface_of_its_own() {
    for keep in [false, true] {
        let (node, bin) = node();
        let pod = node.pod("p1");
        for version in VERSIONS {
            let conf = with(routed(version, &dual()), &json!({ "vlan": 100, "preserveDefaultVlan": keep }));
            let result = add(&bin, &pod, &conf);
            assert_eq!(result["interfaces"][3]["name"], "cni0.100");
            let link = node.exec(&["ip", "-j", "-d", "link", "show", "dev", "cni0.100"]).stdout;
            let link: Value = serde_json::from_str(&link).expect("ip -j prints JSON");
            assert_eq!(result["interfaces"][3]["mac"], link[0]["address"]);
            let gateways = node.exec(&["ip", "-br", "addr", "show", "dev", "cni0.100"]).stdout;
            assert!(gateways.contains("10.1.2.1/24") && gateways.contains("fd01:2::1/64"), "{gateways}");
            let bridge = node.exec(&["ip", "-br", "addr", "show", "dev", BRIDGE]).stdout;
            assert!(!bridge.contains("10.1.2.1") && !bridge.contains("fd01:2::1"), "{bridge}");
            pod.ping("10.1.2.1");
            pod.ping("fd01:2::1");
            check_and_del(&bin, &pod, &conf, &result);
            assert_eq!(pod.links(), ["lo"]);
        }
    }
}

#[test]
fn a_gateway_interface_is_made_once() {
    let (node, bin) = node();
    let (first, second) = (node.pod("p1"), node.pod("p2"));
    let conf = with(routed("1.1.0", &dual()), &json!({ "vlan": 100 }));
    add(&bin, &first, &conf);
    let links = node.exec(&["ip", "-br", "link"]).stdout.lines().count();
    add(&bin, &second, &conf);
    assert_eq!(node.exec(&["ip", "-br", "link"]).stdout.lines().count(), links + 1);
    first.ping("10.1.2.3");
    second.ping("10.1.2.1");
}

// What a kill between two requests leaves: a gateway without its VLAN, down.
#[test]
fn a_gateway_interface_that_was_half_made_is_completed() {
    let (node, bin) = node();
    let (first, second) = (node.pod("p1"), node.pod("p2"));
    let conf = with(routed("1.1.0", &dual()), &json!({ "vlan": 100 }));
    add(&bin, &first, &conf);
    let text = node.exec(&["ip", "-j", "link", "show", "dev", "cni0.100"]).stdout;
    let link: Value = serde_json::from_str(&text).expect("ip -j prints JSON");
    let port = link[0]["link"].as_str().expect("a veth's other end");
    node.sh(&format!("ip link set cni0.100 down; bridge vlan del dev {port} vid 100; bridge vlan add dev {port} vid 1 pvid untagged"));
    add(&bin, &second, &conf);
    assert_eq!(vlans(&node, port), ["100 PVID Egress Untagged"]);
    second.ping("10.1.2.1");
}

#[test]
fn containers_of_two_vlans_do_not_meet() {
    let (node, bin) = node();
    let pods = [("p1", 100, "10.5.0.1/24"), ("p2", 100, "10.5.0.2/24"), ("p3", 200, "10.5.0.3/24")].map(
        |(name, vlan, address)| {
            let pod = node.pod(name);
            add(&bin, &pod, &with(layer2("1.1.0"), &json!({ "vlan": vlan })));
            pod.exec(&["ip", "addr", "add", address, "dev", "eth0"]);
            pod
        },
    );
    pods[0].ping("10.5.0.2");
    assert!(!pods[0].reaches("10.5.0.3"));
}

#[test]
fn a_trunk_carries_tagged_frames() {
    let (node, bin) = node();
    let (trunk, plain) = (node.pod("p1"), node.pod("p2"));
    add(&bin, &trunk, &with(layer2("1.1.0"), &json!({ "vlanTrunk": [{ "minID": 200, "maxID": 210 }] })));
    add(&bin, &plain, &with(layer2("1.1.0"), &json!({ "vlan": 205 })));
    trunk.sh("ip link add link eth0 name eth0.205 type vlan id 205; ip addr add 10.5.0.1/24 dev eth0.205; ip link set eth0.205 up");
    plain.exec(&["ip", "addr", "add", "10.5.0.2/24", "dev", "eth0"]);
    plain.ping("10.5.0.1");
}

// The reference leaves such a bridge as it is, and its VLANs then do nothing.
#[test]
fn an_existing_bridge_learns_to_separate_vlans() {
    let (node, bin) = node();
    node.exec(&["ip", "link", "add", BRIDGE, "type", "bridge"]);
    let pod = node.pod("p1");
    add(&bin, &pod, &with(layer2("1.1.0"), &json!({ "vlan": 100 })));
    let bridge = node.exec(&["ip", "-d", "link", "show", "dev", BRIDGE]).stdout;
    assert!(bridge.contains("vlan_filtering 1"), "{bridge}");
}

#[test]
fn check_finds_a_vlan_that_is_gone() {
    let (node, bin) = node();
    let pod = node.pod("p1");
    let conf = with(layer2("1.1.0"), &json!({ "vlan": 100 }));
    let result = add(&bin, &pod, &conf);
    node.exec(&["bridge", "vlan", "del", "dev", host_end(&result), "vid", "100"]);
    let later = with(conf, &json!({ "prevResult": result }));
    let error = call(&bin, &pod, &later).command("CHECK").run().error();
    assert!(error["msg"].as_str().is_some_and(|msg| msg.contains("VLAN 100 missing")), "{error}");
}
