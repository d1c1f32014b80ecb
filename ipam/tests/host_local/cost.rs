//! What an operation costs, in system calls: the same however many addresses are in use.

use std::fs;

use sandbox::Node;

use crate::network::Network;

/// The allocator's and the exit's, and what the standard library checks in a debug build before it closes a file.
const NOT_OURS: [&str; 7] = ["brk", "mmap", "munmap", "sigaltstack", "exit_group", "+++", "fcntl"];

/// System calls between the first look at the network's directory and the end.
fn calls(network: &Network, command: &str, container: &str) -> Vec<String> {
    let traced = network.call(command, container).through(&["strace", "-f", "-qq", "-o", "/run/trace"]);
    traced.run().succeeded();
    let trace = fs::read_to_string("/run/trace").expect("strace writes what it saw");
    let own = trace
        .lines()
        .skip_while(|line| !line.contains("/proc/sys/kernel/random/boot_id") && !line.contains("/networks"));
    let calls: Vec<String> = own
        .filter_map(|line| line.split_whitespace().nth(1))
        .take_while(|call| !call.starts_with("write(1,"))
        .map(|call| call.split('(').next().unwrap_or_default().to_owned())
        .filter(|call| !NOT_OURS.contains(&call.as_str()))
        .collect();
    assert!(!calls.is_empty(), "{trace}");
    calls
}

#[test]
fn the_cost_of_an_operation_does_not_grow_with_the_addresses_in_use() {
    let node = Node::enter();
    let network = Network::of(&node, "10.1.0.0/16");
    let mut costs = Vec::new();
    for used in [3, 300] {
        for n in 0..used {
            network.add(&format!("c{used}-{n}"));
        }
        costs.push(
            ["ADD", "CHECK", "STATUS", "DEL", "DEL"].map(|command| calls(&network, command, "measured")),
        );
    }
    assert_eq!(costs[0], costs[1]);
    let most = [36, 20, 12, 25, 15];
    for (calls, most) in costs[0].iter().zip(most) {
        assert!(calls.len() <= most, "{} calls, over {most}: {calls:?}", calls.len());
    }
    for calls in &costs[0] {
        assert!(!calls.iter().any(|call| call.starts_with("getdents")), "a directory was read: {calls:?}");
    }
}
