//! A flow notices a packet that is lost, and nothing else.

use sandbox::{Flow, Node, PATIENCE, Place, Pod, eventually};

/// A pod at the end of a cable, `10.9.0.2`.
fn pod(node: &Node) -> Pod {
    let pod = node.pod("p");
    node.exec(&["ip", "link", "add", "v0", "type", "veth", "peer", "name", "eth0", "netns", "p"]);
    node.sh("ip addr add 10.9.0.1/24 dev v0; ip link set v0 up");
    pod.sh("ip addr add 10.9.0.2/24 dev eth0; ip link set eth0 up");
    node.ping("10.9.0.2");
    pod
}

#[test]
fn a_flow_that_loses_nothing_ends_with_a_whole_number_of_thousands() {
    let node = Node::enter();
    let _pod = pod(&node);
    let sent = Flow::start(&node, "10.9.0.2".parse().unwrap()).end();
    assert_eq!(sent % 1000, 0);
}

#[test]
#[should_panic(expected = "to 10.9.0.2: ")]
fn a_flow_that_loses_a_packet_fails() {
    let node = Node::enter();
    let pod = pod(&node);
    let flow = Flow::start(&node, "10.9.0.2".parse().unwrap());
    let received = || {
        let counters = pod.exec(&["cat", "/proc/net/snmp"]).stdout;
        let icmp = counters.lines().rfind(|line| line.starts_with("Icmp:"))?;
        icmp.split_whitespace().nth(1)?.parse::<u64>().ok()
    };
    assert!(eventually(PATIENCE, || received() > Some(100)), "nothing flows");
    pod.sh("echo 1 >/proc/sys/net/ipv4/icmp_echo_ignore_all");
    let known = received();
    assert!(eventually(PATIENCE, || received() > known), "nothing flows");
    pod.sh("echo 0 >/proc/sys/net/ipv4/icmp_echo_ignore_all");
    flow.end();
}
