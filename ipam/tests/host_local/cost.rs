//! What an operation costs, in system calls: the same however many addresses are in use.

use std::fs;

use sandbox::Node;

use crate::network::Network;
use crate::trace::own_calls;

/// Each operation in the order in which they are measured, and the most system calls that it may make.
const MOST: [(&str, usize); 5] = [("ADD", 36), ("CHECK", 18), ("STATUS", 8), ("DEL", 21), ("DEL", 12)];

#[test]
fn the_cost_of_an_operation_does_not_grow_with_the_addresses_in_use() {
    let node = Node::enter();
    let network = Network::of(&node, "10.1.0.0/16");
    let mut costs = Vec::new();
    for used in [3, 4000] {
        fs::create_dir_all(network.directory()).unwrap();
        for n in 0..used {
            let address = format!("10.1.{}.{}", 100 + n / 256, n % 256);
            fs::write(network.file(&address), format!("c{n}\r\neth0")).unwrap();
        }
        // The index is made anew from them, once.
        network.add(&format!("after-{used}"));
        costs.push(MOST.map(|(command, _)| {
            own_calls(&network, command, "measured").into_iter().map(|call| call.name).collect::<Vec<_>>()
        }));
    }
    assert_eq!(costs[0], costs[1]);
    for (calls, (command, most)) in costs[0].iter().zip(MOST) {
        assert!(calls.len() <= most, "{command}: {} calls, over {most}: {calls:?}", calls.len());
        assert!(
            !calls.iter().any(|call| call.starts_with("getdents")),
            "{command} reads a directory: {calls:?}"
        );
    }
}
