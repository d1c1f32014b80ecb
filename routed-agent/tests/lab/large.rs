//! What a large cluster costs a node that has nothing to do.

use std::time::Duration;

use sandbox::{PATIENCE, eventually};
use serde_json::{Value, json};

use crate::cluster::{Cluster, Member, Shape};

/// Nodes of the cluster, this one among them.
const NODES: u32 = 5000;

/// Memory of the agent's own, in KiB, as tests build it. As it is shipped it has less than half, beside 5 MiB of the program's pages:
/// together within 12 MiB.
const OWN_MEMORY: u64 = 8 * 1024;

/// Pages of the shipped program that it uses, in KiB.
const PROGRAM: u64 = 5 * 1024;

/// So long nothing may wake it; its own look comes once a minute.
const REST: Duration = Duration::from_secs(8);

/// A Node beyond the tunnel, with eight addresses for its pods.
fn node(number: u32) -> Value {
    let pods = std::net::Ipv4Addr::from(0x0af4_1000 + number * 8);
    let address = std::net::Ipv4Addr::from(0xc633_6400 + number);
    json!({ "name": format!("peer{number}"), "podCIDRs": [format!("{pods}/29")], "addresses": [address] })
}

/// A number of `/proc/PID/status`.
fn status(member: &Member, key: &str) -> u64 {
    let text = std::fs::read_to_string(format!("/proc/{}/status", member.pid())).expect("the agent lives");
    let line = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':'));
    let number = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
    number.unwrap_or_else(|| panic!("no {key}: {text}"))
}

/// What the manifest asks for the agent, in KiB.
fn requested() -> u64 {
    let manifest = include_str!("../../../deploy/trestle.yaml");
    let agent = manifest.split_once("- name: agent\n").expect("the agent's container").1;
    let requests = agent.split_once("requests:").expect("what it asks for").1;
    let memory = requests.split_once("memory: ").expect("memory, too").1;
    let (number, _) = memory.split_once("Mi\n").expect("in MiB");
    number.parse::<u64>().expect("a number") * 1024
}

#[test]
fn among_5000_nodes_a_resting_agent_is_small_and_nothing_wakes_it() {
    let mut cluster = Cluster::new(Shape::VXLAN.of(&[4]), 1);
    let mut nodes = cluster.entries();
    nodes.extend((1..NODES).map(node));
    cluster.tell(&nodes);
    let member = &mut cluster.members[0];
    member.start_with(&["--probe-port", "0"]);
    member.wait_ready();
    assert_eq!(member.routes().lines().filter(|line| line.contains("/29")).count() + 1, NODES as usize);

    let woken = || status(member, "voluntary_ctxt_switches");
    let is_calm = || {
        let before = woken();
        !eventually(Duration::from_secs(1), || woken() > before)
    };
    assert!(eventually(PATIENCE, is_calm), "it finds no rest");
    let before = woken();
    assert!(!eventually(REST, || woken() > before + 1), "woken {} times", woken() - before);
    let own = status(member, "RssAnon");
    assert!(own <= OWN_MEMORY, "{own} KiB of its own");
    let peak = status(member, "VmHWM") - status(member, "RssFile");
    assert!(peak + PROGRAM <= requested(), "{peak} KiB at its peak, {} KiB asked for", requested());
}
