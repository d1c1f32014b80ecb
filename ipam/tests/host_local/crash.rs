//! SIGKILL after every system call: whatever is left, DEL or GC takes away.

use std::collections::BTreeMap;
use std::fs;

use sandbox::{Node, stride};
use serde_json::json;

use crate::network::Network;
use crate::trace::{SystemCall, own_calls};

fn network(node: &Node) -> Network {
    Network::new(node, &json!({"ranges": [[{"subnet": "10.1.0.0/24"}], [{"subnet": "2001:db8::/64"}]]}))
}

/// Kills the command right after each of its system calls in turn, and looks each time at what is left. What `then`
/// leaves is where the next one starts, as the first one did.
fn at_every_call(network: &Network, command: &str, mut then: impl FnMut(&SystemCall)) {
    let calls = own_calls(network, command, "victim");
    then(&calls[0]);
    for call in calls.into_iter().step_by(stride()) {
        let SystemCall { name, occurrence } = &call;
        let inject = format!("inject={name}:signal=KILL:when={occurrence}");
        let words = ["strace", "-qq", "-o", "/dev/null", "-e", &inject];
        let reply = network.call(command, "victim").through(&words).run();
        assert!(reply.code != 0 && reply.stdout.is_empty(), "{call:?} was not reached: {reply:?}");
        then(&call);
    }
}

fn nothing_left(network: &Network, killed: &SystemCall) {
    let none = BTreeMap::new();
    let held = if network.directory().exists() { network.held() } else { none };
    assert!(held.is_empty(), "killed after {killed:?}: {held:?}");
    if network.directory().exists() {
        let unexpected: Vec<_> = network
            .files()
            .into_keys()
            .filter(|name| name != "lock" && !name.starts_with("last_reserved_ip."))
            .collect();
        assert!(unexpected.is_empty(), "killed after {killed:?}: {unexpected:?}");
        assert!(network.records().is_empty(), "killed after {killed:?}: {:?}", network.records());
    }
}

/// As on a node that never saw the network.
fn forget() {
    for directory in ["/var/lib/cni/networks", "/var/lib/cni/trestle"] {
        fs::remove_dir_all(directory).expect("a directory that an ADD made");
    }
}

#[test]
fn after_a_killed_add_del_leaves_nothing_and_the_next_add_succeeds() {
    let node = Node::enter();
    let network = network(&node);
    network.add("first");
    network.del("first");
    at_every_call(&network, "ADD", |killed| {
        network.del("victim");
        nothing_left(&network, killed);
        network.add("victim");
        network.del("victim");
        nothing_left(&network, killed);
    });
}

#[test]
fn after_the_very_first_add_was_killed_del_leaves_nothing_and_the_next_add_succeeds() {
    let node = Node::enter();
    let network = network(&node);
    at_every_call(&network, "ADD", |killed| {
        network.del("victim");
        nothing_left(&network, killed);
        network.add("victim");
        forget();
    });
}

#[test]
fn after_a_killed_add_gc_leaves_nothing() {
    let node = Node::enter();
    let network = network(&node);
    network.add("first");
    network.del("first");
    at_every_call(&network, "ADD", |killed| {
        network.gc(&json!([])).succeeded();
        nothing_left(&network, killed);
    });
}

#[test]
fn after_a_killed_del_another_leaves_nothing() {
    let node = Node::enter();
    let network = network(&node);
    network.add("victim");
    at_every_call(&network, "DEL", |killed| {
        network.del("victim");
        nothing_left(&network, killed);
        network.add("victim");
    });
}

#[test]
fn a_killed_neighbour_costs_a_living_attachment_nothing() {
    let node = Node::enter();
    let network = network(&node);
    let pod = node.pod("living");
    network.call("ADD", "living").netns(&pod).run().succeeded();
    let (held, (_, record)) = (network.held(), network.record());
    at_every_call(&network, "ADD", |killed| {
        network.run("CHECK", "living").succeeded();
        network.del("victim");
        assert_eq!(network.held(), held, "killed after {killed:?}");
        assert_eq!(network.record().1, record, "killed after {killed:?}");
    });
}
