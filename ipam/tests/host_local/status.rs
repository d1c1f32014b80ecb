//! STATUS: would an ADD find an address?

use std::fs;

use sandbox::Node;
use serde_json::json;

use crate::network::{Network, message};

// P-045
#[test]
fn a_network_with_addresses_left_is_ready_and_stays_as_it_is() {
    let node = Node::enter();
    let network = Network::of(&node, "10.1.0.0/29");
    network.run("STATUS", "").succeeded();
    assert!(!network.directory().exists());
    network.add("a");
    let before = (network.files(), network.records());
    network.run("STATUS", "").succeeded();
    assert_eq!((network.files(), network.records()), before);
}

// P-045, B-08
#[test]
fn an_exhausted_range_is_error_50_with_network_range_and_counts() {
    let node = Node::enter();
    let network =
        Network::new(&node, &json!({"ranges": [[{"subnet": "10.2.0.0/16"}], [{"subnet": "10.1.0.0/29"}]]}));
    for n in 0..5 {
        network.add(&format!("c{n}"));
    }
    let reply = network.run("STATUS", "");
    assert_eq!(
        message(&reply),
        (50, "network pods: no IP addresses available in range set: 10.1.0.1-10.1.0.6".to_owned())
    );
    assert_eq!(
        reply.error()["details"],
        "5 of 5 addresses are reserved, none of them by a container that is provably gone"
    );
    network.del("c3");
    network.run("STATUS", "").succeeded();
}

#[test]
fn an_exhausted_range_is_ready_where_the_key_says_so() {
    let node = Node::enter();
    let network = Network::of(&node, "10.1.0.0/30");
    network.add("a");
    assert_eq!(network.run("STATUS", "").code, 1);
    let ready = json!({"type": "host-local", "subnet": "10.1.0.0/30", "statusWhenExhausted": "ready"});
    network.with("ipam", ready).run("STATUS", "").succeeded();
}

#[test]
fn what_an_add_would_clear_away_counts_as_free() {
    let node = Node::enter();
    let network = Network::of(&node, "10.1.0.0/30");
    network.add("a");
    fs::write(network.file("10.1.0.2"), "").unwrap();
    network.run("STATUS", "").succeeded();
    assert!(network.file("10.1.0.2").exists());
}

#[test]
fn a_configuration_that_add_would_refuse_is_not_ready() {
    let node = Node::enter();
    let network = Network::of(&node, "10.1.0.1/24");
    assert_eq!(message(&network.run("STATUS", "")).0, 7);
}

#[test]
fn status_waits_for_no_lock() {
    let node = Node::enter();
    let network = Network::of(&node, "10.1.0.0/24");
    network.add("a");
    let lock = fs::File::open(network.file("lock")).unwrap();
    lock.lock().unwrap();
    network.run("STATUS", "").succeeded();
}
