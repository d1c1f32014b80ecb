//! STATUS: P-045.

use std::fs::File;

use sandbox::{Node, Place, Snapshot};
use serde_json::{Value, json};

use crate::network::{Network, cni, holdings, kept};

#[test]
fn a_fresh_node_is_ready_and_stays_as_it_is() {
    let node = Node::enter();
    let network = Network::new(&node, "net1");
    let before = Snapshot::take(&node);
    assert_eq!(network.status().result(), Value::Null);
    before.assert_same(&Snapshot::take(&node));
}

#[test]
fn a_node_with_pods_is_ready_and_stays_as_it_is() {
    let node = Node::enter();
    let network = Network::new(&node, "net1");
    let pod = node.pod("a");
    network.add(&pod);
    let before = holdings(&node);
    assert_eq!(network.status().result(), Value::Null);
    assert_eq!(holdings(&node), before);
}

// B-08
#[test]
fn exhaustion_is_50_unless_the_network_says_otherwise_or_a_holder_is_dead() {
    let node = Node::enter();
    let network = Network::new(&node, "net1").with_addresses_to(3);
    let (a, b) = (node.pod("a"), node.pod("b"));
    network.add(&a);
    network.status().succeeded();
    network.add(&b);
    let before = holdings(&node);
    let error = network.status().error();
    assert_eq!(error["code"], 50);
    let text = error.to_string();
    assert!(text.contains("10.1.2.2-10.1.2.3") && text.contains("net1"), "{text}");
    let mut ipam = network.conf(&json!({}))["ipam"].clone();
    ipam["statusWhenExhausted"] = json!("ready");
    let ready = network.plugin().command("STATUS").conf(network.conf(&json!({ "ipam": ipam })));
    ready.run().succeeded();
    assert_eq!(holdings(&node), before);
    network.kill(b);
    network.status().succeeded();
}

#[test]
fn a_bridge_that_is_down_or_missing_is_51_as_long_as_there_are_containers() {
    let node = Node::enter();
    let network = Network::new(&node, "net1");
    let pod = node.pod("a");
    network.add(&pod);
    let expect = |what: &str| {
        let error = network.status().error();
        assert_eq!(error["code"], 51);
        let text = error["msg"].to_string();
        assert!(text.contains("cni0") && text.contains(what), "{text}");
    };
    node.exec(&["ip", "link", "set", "cni0", "down"]);
    expect("down");
    node.exec(&["ip", "link", "del", "cni0"]);
    expect("gone");
    // Another network's containers have another bridge.
    Network::new(&node, "net2").elsewhere().status().succeeded();
    network.del("a");
    network.status().succeeded();
}

#[test]
fn a_table_that_is_gone_is_51_as_long_as_there_are_containers_with_rules() {
    let node = Node::enter();
    let network = Network::new(&node, "net1");
    let pod = node.pod("a");
    network.add(&pod);
    for gone in ["flush ruleset", "delete table inet trestle", "delete table bridge trestle"] {
        node.exec(&["nft", gone]);
        let error = network.status().error();
        assert_eq!(error["code"], 51, "{gone}");
        let text = error["msg"].to_string();
        assert!(text.contains("nftables") && text.contains("cni restore"), "{text}");
        assert_eq!(cni(&node, &["restore"]).code, 0);
        network.status().succeeded();
    }
    node.exec(&["nft", "flush ruleset"]);
    network.del("a");
    network.status().succeeded();
}

#[test]
fn a_network_without_rules_needs_no_table() {
    let node = Node::enter();
    let plain = Network::new(&node, "net1").with(&json!({ "ipMasq": false, "macspoofchk": false }));
    let pod = node.pod("a");
    plain.add(&pod);
    plain.status().succeeded();
    assert_eq!(node.exec(&["nft", "list", "ruleset"]).stdout, "");
    // The network got rules since: the next ADD makes the tables, and this pod lacks nothing.
    Network::new(&node, "net1").status().succeeded();
}

#[test]
fn status_waits_for_nobody() {
    let node = Node::enter();
    let network = Network::new(&node, "net1");
    let pod = node.pod("a");
    network.add(&pod);
    let files = kept("/var/lib/cni").into_iter().filter(|path| path.is_file());
    let held: Vec<_> = files
        .map(|path| {
            let file = File::open(path).expect("a file");
            file.lock().expect("nobody else has it");
            file
        })
        .collect();
    assert!(held.len() > 3, "host-local's lock, its record and the attachment's");
    network.plugin().command("STATUS").through(&["timeout", "20"]).run().succeeded();
    // A DEL does wait, so these are the locks.
    let del = network.call(&pod).command("DEL").through(&["timeout", "1"]).run();
    assert_eq!(del.code, 124, "{del:?}");
}
