//! GC (P-046 to P-048).

use std::fs;

use sandbox::Node;
use serde_json::{Value, json};

use crate::calls::attach;
use crate::network::{Network, message};

fn attachment(container: &str) -> Value {
    json!({"containerID": container, "ifname": "eth0"})
}

fn owners(network: &Network) -> Vec<String> {
    network.held().into_values().map(|text| text.replace("\r\neth0", "")).collect()
}

// P-046
#[test]
fn everything_but_the_valid_attachments_is_given_back() {
    let node = Node::enter();
    let network = Network::of(&node, "10.1.0.0/24");
    for container in ["a", "b", "c"] {
        network.add(container);
    }
    network.call("ADD", "b").ifname("eth1").run().succeeded();
    fs::write(network.file("10.1.0.99"), "").unwrap();
    let other = network.with("name", json!("other"));
    other.add("x");
    network.gc(&json!([attachment("b"), attachment("unknown")])).succeeded();
    assert_eq!(owners(&network), ["b"]);
    assert_eq!(network.records().len(), 1);
    assert_eq!(owners(&other), ["x"]);
    network.run("CHECK", "b").succeeded();
}

// P-048
#[test]
fn an_old_file_is_valid_by_its_container_alone() {
    let node = Node::enter();
    let network = Network::of(&node, "10.1.0.0/24");
    network.add("a");
    fs::write(network.file("10.1.0.50"), "old").unwrap();
    fs::write(network.file("10.1.0.51"), "older").unwrap();
    network.gc(&json!([attachment("old")])).succeeded();
    assert_eq!(owners(&network), ["old"]);
    let files: Vec<_> = network.files().into_keys().collect();
    assert_eq!(files, ["10.1.0.50", "last_reserved_ip.0", "lock"]);
}

// P-047
#[test]
fn without_the_key_nothing_is_given_back() {
    let node = Node::enter();
    let network = Network::of(&node, "10.1.0.0/24");
    network.add("a");
    network.run("GC", "").succeeded();
    network.with("cni.dev/attachments", json!([])).run("GC", "").succeeded();
    assert_eq!(owners(&network), ["a"]);
}

// P-047
#[test]
fn an_empty_list_gives_everything_back_and_null_all_but_the_living() {
    let node = Node::enter();
    let network = Network::of(&node, "10.1.0.0/24");
    let pod = node.pod("living");
    attach(&network, &pod, "");
    network.add("unknown");
    fs::write(network.file("10.1.0.50"), "foreign\r\neth0").unwrap();
    network.gc(&Value::Null).succeeded();
    assert_eq!(owners(&network), ["living"]);
    network.gc(&json!([])).succeeded();
    assert!(owners(&network).is_empty() && network.records().is_empty());
}

#[test]
fn gc_needs_no_valid_ranges_and_no_directory() {
    let node = Node::enter();
    let network = Network::new(&node, &json!({"ranges": "none"}));
    network.gc(&json!([])).succeeded();
    assert!(!network.directory().exists());
}

#[test]
fn a_list_that_can_not_be_read_gives_nothing_back() {
    let node = Node::enter();
    let network = Network::of(&node, "10.1.0.0/24");
    network.add("a");
    assert_eq!(message(&network.gc(&json!("all"))).0, 7);
    assert_eq!(owners(&network), ["a"]);
}
