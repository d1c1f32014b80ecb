//! The sandbox itself: what a node keeps to itself, and what a snapshot sees.

use std::path::Path;
use std::time::Duration;

use sandbox::{Allowed, Call, Lan, Node, PATIENCE, Place, Snapshot, Uplink, eventually, plugins_dir};

#[test]
fn a_node_has_only_a_loopback_that_is_up() {
    let node = Node::enter();
    let links = node.exec(&["ip", "-br", "link"]).stdout;
    assert_eq!(links.lines().count(), 1, "{links}");
    assert!(links.starts_with("lo "), "{links}");
    node.ping("127.0.0.1");
    node.ping("::1");
}

#[test]
fn sysfs_shows_the_nodes_own_links() {
    let node = Node::enter();
    node.exec(&["ip", "link", "add", "here0", "type", "veth", "peer", "name", "here1"]);
    assert!(Path::new("/sys/class/net/here0").exists());
}

#[test]
fn a_nodes_files_are_its_own() {
    let first = Node::enter();
    first.write("/etc/cni/net.d/10-a.conflist", "{}");
    first.write("/var/lib/cni/networks/a/10.0.0.2", "x");
    first.write("/opt/cni/bin/bridge", "x");
    let seen = std::thread::spawn(|| {
        let _second = Node::enter();
        ["/etc/cni/net.d", "/var/lib/cni", "/opt/cni/bin"]
            .map(|path| std::fs::read_dir(path).map_or(0, Iterator::count))
    });
    assert_eq!(seen.join().expect("the second node's thread ends well"), [0, 0, 0]);
}

#[test]
fn threads_and_commands_started_in_a_node_live_in_it() {
    let node = Node::enter();
    node.exec(&["ip", "link", "add", "mine", "type", "bridge"]);
    let seen = std::thread::scope(|scope| {
        scope.spawn(|| node.exec(&["ip", "link", "show", "mine"]).code).join().expect("no panic")
    });
    assert_eq!(seen, 0);
}

#[test]
fn pods_reach_each_other_over_a_veth_pair_and_vanish_when_dropped() {
    let node = Node::enter();
    let before = Snapshot::take(&node);
    let (a, b) = (node.pod("a"), node.pod("b"));
    node.exec(&[
        "ip", "link", "add", "eth0", "netns", "a", "type", "veth", "peer", "name", "eth0", "netns", "b",
    ]);
    for (pod, host) in [(&a, 1), (&b, 2)] {
        pod.sh(&format!(
            "ip addr add 10.9.0.{host}/24 dev eth0; ip addr add fd09::{host}/64 dev eth0 nodad; ip link set eth0 up"
        ));
    }
    a.ping("10.9.0.2");
    b.ping("fd09::1");
    assert_eq!(a.links(), ["eth0", "lo"]);
    assert!(Path::new(a.path()).exists());
    a.remove();
    drop(b);
    before.assert_same(&Snapshot::take(&node));
}

#[test]
fn a_snapshot_tells_what_is_left_and_what_is_gone() {
    let node = Node::enter();
    node.write("/run/old", "1");
    let before = Snapshot::take(&node);
    node.sh("ip link add cni0 type bridge; ip addr add 10.8.0.1/24 dev cni0; ip link set cni0 up
             ip rule add from 10.8.0.9 table 77; ip route add blackhole 10.7.0.0/24
             ip neigh add 10.8.0.9 lladdr 02:00:00:00:00:01 dev cni0
             bridge fdb add 02:00:00:00:00:02 dev cni0 self
             nft 'add table inet t; add chain inet t c; add set inet t s { type ipv4_addr; elements = { 10.8.0.9 } }; add rule inet t c counter accept'
             rm /run/old; mkdir /var/lib/cni/networks; touch /var/lib/cni/networks/lock /var/lib/cni/networks/10.8.0.9");
    let after = Snapshot::take(&node);
    let all = before.diff(&after);
    for wanted in [
        "left: Link",
        "left: Address",
        "left: Route",
        "left: PolicyRule",
        "left: Neighbour",
        "left: Fdb",
        "left: Table",
        "left: Chain",
        "left: Set",
        "left: Element",
        "left: Rule",
        "left: File",
        "left: Directory",
        "gone: File /run/old",
    ] {
        assert!(all.contains(wanted), "{wanted} is missing in\n{all}");
    }
    let standing =
        before.forgiving(&Allowed::after_del("cni0")).forgiving(&[Allowed::RulesOf("t")]).diff(&after);
    let kinds: Vec<_> = standing.lines().filter_map(|line| line.split(' ').nth(1)).collect();
    assert_eq!(kinds, ["File", "Route", "PolicyRule", "Neighbour", "Element", "File"], "{standing}");
}

#[test]
fn a_snapshot_does_not_see_counters_and_ages() {
    let node = Node::enter();
    let _router = node.router(&Uplink::DUAL);
    node.sh("nft 'add table inet t; add chain inet t c { type filter hook output priority 0; }; add rule inet t c counter'");
    node.ping("192.0.2.1");
    let before = Snapshot::take(&node);
    node.ping("192.0.2.1");
    let later = Snapshot::take(&node);
    let difference = before.forgiving(&[Allowed::Containing("Conntrack icmp")]).diff(&later);
    assert_eq!(difference, "");
}

#[test]
fn a_router_answers_and_its_advertisement_brings_a_default_route() {
    let node = Node::enter();
    let router = node.router(&Uplink::DUAL);
    node.ping("192.0.2.1");
    node.ping("2001:db8::1");
    let came = eventually(PATIENCE, || {
        router.advertise("2001:db8:1::".parse().expect("an address"));
        node.exec(&["ip", "-6", "route", "show", "default"]).stdout.contains("proto ra")
    });
    assert!(came, "{}", node.exec(&["ip", "-6", "route"]).stdout);
    assert!(node.exec(&["ip", "-6", "addr"]).stdout.contains("2001:db8:1:"));
}

#[test]
fn a_call_sets_what_a_runtime_sets_and_nothing_it_does_not() {
    let node = Node::enter();
    let pod = node.pod("c1");
    let script = "#!/bin/sh\necho \"{\\\"env\\\":\\\"$(env | grep ^CNI_ | sort | tr '\\n' ' ')\\\",\\\"stdin\\\":$(cat)}\"; exit 3\n";
    node.write("/run/script", script);
    node.exec(&["chmod", "755", "/run/script"]);
    let directory = plugins_dir(Path::new("/run/script"), &["spy"]);
    let call = Call::new(directory.join("spy")).command("ADD").container("c1").netns(&pod).ifname("eth0");
    let reply = call
        .path("/opt/cni/bin")
        .args("A=1")
        .env("CNI_EMPTY", "")
        .without("CNI_ARGS")
        .conf("{\"a\":1}")
        .run();
    assert_eq!(reply.code, 3);
    assert_eq!(
        reply.json()["env"],
        "CNI_COMMAND=ADD CNI_CONTAINERID=c1 CNI_EMPTY= CNI_IFNAME=eth0 CNI_NETNS=/run/netns/c1 CNI_PATH=/opt/cni/bin "
    );
    assert_eq!(reply.json()["stdin"]["a"], 1);
}

#[test]
fn a_condition_that_never_comes_is_told() {
    assert!(!eventually(Duration::ZERO, || false));
    assert!(eventually(Duration::ZERO, || true));
}

#[test]
fn machines_on_one_switch_reach_each_other_and_share_no_files() {
    let node = Node::enter();
    let lan = Lan::new(&node, "lan0");
    let machines = ["a", "b"].map(|name| node.machine(name));
    for (machine, number) in machines.iter().zip(1..) {
        lan.plug(machine, "eth0", &[&format!("192.0.2.{number}/24"), &format!("2001:db8::{number}/64")]);
        machine.within(|| node.write("/run/name", machine.name()));
    }
    let [a, b] = &machines;
    a.ping("192.0.2.2");
    b.ping("2001:db8::1");
    assert_eq!(a.exec(&["cat", "/run/name"]).stdout, "a");
    assert_eq!(b.exec(&["hostname"]).stdout, "b\n");
    assert!(!std::path::Path::new("/run/name").exists());
}
