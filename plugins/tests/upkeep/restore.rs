//! Rules after somebody flushed the ruleset, as a reload of a distribution's firewall service does.

use sandbox::{Node, Place, Uplink};
use serde_json::json;

use crate::network::{Network, cni, rules};

#[test]
fn check_misses_flushed_rules() {
    let node = Node::enter();
    let network = Network::new(&node, "net1");
    let pod = node.pod("a");
    let result = network.add(&pod);
    network.check(&pod, &result).succeeded();
    for gone in [
        "flush ruleset",
        "delete table inet trestle",
        "delete table bridge trestle",
        "flush table inet trestle",
    ] {
        node.exec(&["nft", gone]);
        let error = network.check(&pod, &result).error();
        assert!(error["msg"].as_str().is_some_and(|text| text.contains("missing")), "{gone}: {error}");
        assert_eq!(cni(&node, &["restore"]).stdout, "rules of 1 attachments stand\n");
        network.check(&pod, &result).succeeded();
    }
}

/// Two networks with a pod each, and one pod that died without a DEL. `heal` brings the rules back.
fn flushed(heal: impl FnOnce(&Node)) {
    let node = Node::enter();
    let network = Network::new(&node, "net1");
    let other = Network::new(&node, "net2").elsewhere();
    let plain =
        Network::new(&node, "net3").with(&json!({ "ipMasq": false, "macspoofchk": false, "ipam": {} }));
    let [a, b, c, dead] = ["a", "b", "c", "dead"].map(|name| node.pod(name));
    let results = [network.add(&a), other.add(&b), plain.add(&c)];
    let wanted = rules(&node);
    network.add(&dead);
    network.kill(dead);
    node.exec(&["nft", "flush", "ruleset"]);
    heal(&node);
    assert_eq!(rules(&node), wanted);
    network.check(&a, &results[0]).succeeded();
    other.check(&b, &results[1]).succeeded();
    plain.check(&c, &results[2]).succeeded();
}

#[test]
fn the_next_add_brings_back_the_rules_of_the_living() {
    flushed(|node| {
        let pod = node.pod("next");
        let network = Network::new(node, "net1");
        let result = network.add(&pod);
        network.check(&pod, &result).succeeded();
        network.del("next");
    });
}

#[test]
fn restore_brings_back_the_rules_of_the_living() {
    flushed(|node| {
        let said = cni(node, &["restore"]);
        assert_eq!(
            (said.code, said.stdout.as_str(), said.stderr.as_str()),
            (0, "rules of 2 attachments stand\n", "")
        );
    });
}

#[test]
fn one_table_alone_comes_back_too() {
    for table in ["inet", "bridge"] {
        let node = Node::enter();
        let network = Network::new(&node, "net1");
        let (a, next) = (node.pod("a"), node.pod("next"));
        let result = network.add(&a);
        let wanted = rules(&node);
        node.exec(&["nft", "delete", "table", table, "trestle"]);
        network.add(&next);
        network.check(&a, &result).succeeded();
        network.del("next");
        assert_eq!(rules(&node), wanted);
    }
}

#[test]
fn what_stands_is_not_made_twice() {
    let node = Node::enter();
    let network = Network::new(&node, "net1");
    let pod = node.pod("a");
    network.add(&pod);
    let wanted = rules(&node);
    for _ in 0..2 {
        assert_eq!(cni(&node, &["restore"]).code, 0);
        assert_eq!(rules(&node), wanted);
    }
}

#[test]
fn a_node_without_containers_has_nothing_to_restore() {
    let node = Node::enter();
    Network::new(&node, "net1");
    assert_eq!(cni(&node, &["restore"]).stdout, "rules of 0 attachments stand\n");
    assert_eq!(node.exec(&["nft", "list", "ruleset"]).stdout, "");
}

/// The machine beyond the uplink knows no way back to a pod's own address.
#[test]
fn packets_are_masqueraded_again_after_a_restore() {
    let node = Node::enter();
    let _router = node.router(&Uplink::DUAL);
    let network = Network::new(&node, "net1");
    let pod = node.pod("a");
    network.add(&pod);
    pod.ping("192.0.2.1");
    pod.ping("2001:db8::1");
    node.exec(&["nft", "flush", "ruleset"]);
    node.exec(&["conntrack", "-F"]);
    assert!(!pod.reaches("192.0.2.1"));
    assert_eq!(cni(&node, &["restore"]).code, 0);
    pod.ping("192.0.2.1");
    pod.ping("2001:db8::1");
}
