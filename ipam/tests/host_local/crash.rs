//! SIGKILL after every system call: whatever is left, DEL or GC takes away.

use std::collections::BTreeMap;

use sandbox::{Node, Reply};
use serde_json::json;

use crate::network::Network;

fn network(node: &Node) -> Network {
    Network::new(node, &json!({"ranges": [[{"subnet": "10.1.0.0/28"}], [{"subnet": "2001:db8::/64"}]]}))
}

/// Runs a call that is killed at its `n`th system call.
fn killed(network: &Network, command: &str, n: u32) -> Reply {
    let inject = format!("inject=all:signal=KILL:when={n}");
    let words = ["strace", "-qq", "-o", "/dev/null", "-e", &inject];
    network.call(command, "victim").through(&words).run()
}

/// Kills the command at each of its system calls in turn, and looks at what is left each time.
fn at_every_call(network: &Network, command: &str, mut then: impl FnMut(u32)) {
    for n in 2..1000 {
        let reply = killed(network, command, n);
        let done = reply.code == 0;
        then(n);
        if done {
            assert!(n > 40, "{command} ended after {n} system calls: it was not traced");
            return;
        }
    }
    panic!("{command} does not end");
}

fn nothing_left(network: &Network, n: u32) {
    let none = BTreeMap::new();
    let held = if network.directory().exists() { network.held() } else { none };
    assert!(held.is_empty(), "killed at call {n}: {held:?}");
    if network.directory().exists() {
        let unexpected: Vec<_> = network
            .files()
            .into_keys()
            .filter(|name| name != "lock" && !name.starts_with("last_reserved_ip."))
            .collect();
        assert!(unexpected.is_empty(), "killed at call {n}: {unexpected:?}");
        assert!(network.records().is_empty(), "killed at call {n}: {:?}", network.records());
    }
}

#[test]
fn after_a_killed_add_del_leaves_nothing_and_the_next_add_succeeds() {
    let node = Node::enter();
    let network = network(&node);
    at_every_call(&network, "ADD", |n| {
        network.del("victim");
        nothing_left(&network, n);
        network.add("victim");
        network.del("victim");
        nothing_left(&network, n);
    });
}

#[test]
fn after_a_killed_add_gc_leaves_nothing() {
    let node = Node::enter();
    let network = network(&node);
    at_every_call(&network, "ADD", |n| {
        network.gc(&json!([])).succeeded();
        nothing_left(&network, n);
    });
}

#[test]
fn after_a_killed_del_another_leaves_nothing() {
    let node = Node::enter();
    let network = network(&node);
    network.add("victim");
    at_every_call(&network, "DEL", |n| {
        network.del("victim");
        nothing_left(&network, n);
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
    at_every_call(&network, "ADD", |n| {
        network.run("CHECK", "living").succeeded();
        network.del("victim");
        assert_eq!(network.held(), held, "killed at call {n}");
        assert_eq!(network.record().1, record, "killed at call {n}");
    });
}
