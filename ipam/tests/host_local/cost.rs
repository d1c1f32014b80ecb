//! What an operation costs, in system calls: the same however many addresses are in use.

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
    for used in [3, 200] {
        for n in 0..used {
            network.add(&format!("c{used}-{n}"));
        }
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
