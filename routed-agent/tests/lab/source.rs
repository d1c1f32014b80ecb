//! Nodes come, change and go; and nothing is removed before a complete list.

use sandbox::{PATIENCE, Place, eventually};
use serde_json::json;

use crate::cluster::{Cluster, Shape};

fn has(routes: &str, subnet: &str) -> bool {
    routes.lines().any(|line| line.starts_with(subnet))
}

#[test]
fn a_node_that_vanishes_takes_its_routes_with_it() {
    let mut cluster = Cluster::new(Shape::VXLAN, 3);
    cluster.start();
    let entries = cluster.entries();
    cluster.tell(&entries[..2]);
    cluster.members[0]
        .wait_routes(|routes| !has(routes, "10.244.3.0/24") && !has(routes, "fd00:10:244:3::/64"));
    let left =
        cluster.members[0].machine.sh("bridge fdb show dev flannel.1; ip neigh show dev flannel.1").stdout;
    assert!(!left.contains("192.0.2.3") && !left.contains("10.244.3.0"), "{left}");
    assert!(has(&cluster.members[0].routes(), "10.244.2.0/24"));
}

#[test]
fn a_node_that_vanished_while_no_agent_ran_is_forgotten_by_the_next() {
    let mut cluster = Cluster::new(Shape::HOST_GW, 3);
    cluster.start();
    cluster.members[0].kill();
    let entries = cluster.entries();
    cluster.tell(&entries[..2]);
    assert!(has(&cluster.members[0].routes(), "10.244.3.0/24"), "routes stay without an agent");
    cluster.members[0].start();
    cluster.members[0].wait_routes(|routes| !has(routes, "10.244.3.0/24"));
}

#[test]
fn without_a_list_the_last_state_stays_and_the_reason_is_told() {
    let mut cluster = Cluster::new(Shape::VXLAN, 2);
    cluster.start();
    let before = cluster.members[0].routes();
    for spoilt in ["", "nodes: [", r#"{"nodes": []}"#, r#"{"kind": "List", "items": [{"metadata":"#] {
        for restart in [false, true] {
            cluster.members[0].write("/run/nodes.json", spoilt);
            if restart {
                cluster.members[0].kill();
                cluster.members[0].start();
            }
            let told = eventually(PATIENCE, || {
                let (ready, why) = cluster.members[0].ready();
                !ready && why.contains("nodes.json")
            });
            assert!(told, "{spoilt:?}: {:?}\n{}", cluster.members[0].ready(), cluster.members[0].log());
            assert_eq!(cluster.members[0].routes(), before, "{spoilt:?}");
        }
        cluster.tell_all();
        cluster.members[0].wait_ready();
    }
    cluster.members[0].machine.sh("rm /run/nodes.json");
    assert!(eventually(PATIENCE, || !cluster.members[0].ready().0));
    assert_eq!(cluster.members[0].routes(), before);
    cluster.tell_all();
    cluster.members[0].wait_ready();
}

#[test]
fn a_bad_node_is_named_and_costs_nobody_else() {
    let mut cluster = Cluster::new(Shape::VXLAN, 2);
    let mut entries = cluster.entries();
    entries.push(json!({ "name": "zz", "podCIDRs": ["10.244.2.0/25"], "addresses": ["192.0.2.66"] }));
    cluster.tell(&entries);
    cluster.start();
    let status = cluster.members[0].agent(&["status"]).stdout;
    assert!(status.contains("Node zz, IPv6: it has no podCIDR"), "{status}");
    assert!(status.contains("overlaps"), "{status}");
}

#[test]
fn a_peers_address_and_subnet_may_change_each_family_alone() {
    let mut cluster = Cluster::new(Shape::VXLAN, 2);
    cluster.start();
    let mut entries = cluster.entries();
    entries[1]["addresses"] = json!(["192.0.2.22", "2001:db8::2"]);
    cluster.tell(&entries);
    let machine = &cluster.members[0].machine;
    let moved = || machine.exec(&["bridge", "fdb", "show", "dev", "flannel.1"]).stdout;
    assert!(
        eventually(PATIENCE, || moved().contains("dst 192.0.2.22") && !moved().contains("dst 192.0.2.2 ")),
        "{}",
        moved()
    );
    entries[1]["podCIDRs"] = json!(["10.244.2.0/24", "fd00:10:244:22::/64"]);
    cluster.tell(&entries);
    cluster.members[0].wait_routes(|routes| {
        has(routes, "fd00:10:244:22::/64")
            && !has(routes, "fd00:10:244:2::/64")
            && has(routes, "10.244.2.0/24")
    });
}

#[test]
fn a_foreign_route_to_a_peers_pods_is_a_conflict_and_stays() {
    let mut cluster = Cluster::new(Shape::VXLAN, 3);
    let machine = &cluster.members[0].machine;
    machine.sh("ip route add 10.244.3.128/25 via 192.0.2.99 proto static");
    cluster.start();
    let member = &cluster.members[0];
    let status = member.agent(&["status"]).stdout;
    assert!(
        status.contains("Node node3, IPv4: podCIDR 10.244.3.0/24: there is a foreign route to"),
        "{status}"
    );
    assert!(!has(&member.routes(), "10.244.3.0/24"), "{}", member.routes());
    assert!(has(&member.routes(), "10.244.2.0/24"), "{}", member.routes());
    assert!(member.machine.sh("ip route show 10.244.3.128/25").stdout.contains("192.0.2.99"));
}

#[test]
fn a_foreign_route_that_comes_later_is_told_and_its_end_too() {
    let mut cluster = Cluster::new(Shape::VXLAN, 2);
    cluster.start();
    let member = &cluster.members[0];
    member.machine.sh("ip route add 10.244.2.128/25 via 192.0.2.99 proto static");
    let told = || {
        let status = member.agent(&["status"]).stdout;
        status.contains("route 10.244.2.128/25 via 192.0.2.99 dev eth0 proto static: it takes packets to pods of 10.244.2.0/24")
    };
    assert!(eventually(PATIENCE, told), "{}\n{}", member.agent(&["status"]).stdout, member.log());
    assert!(has(&member.routes(), "10.244.2.0/24"), "{}", member.routes());
    member.machine.sh("ip route del 10.244.2.128/25");
    assert!(eventually(PATIENCE, || !told()), "{}", member.log());
}

#[test]
fn the_own_subnet_may_come_late_and_change() {
    let mut cluster = Cluster::new(Shape::VXLAN, 2);
    let whole = cluster.entries();
    let mut entries = whole.clone();
    entries[0]["podCIDRs"] = json!([]);
    cluster.tell(&entries);
    cluster.members[0].start();
    let told = || cluster.members[0].ready().1.contains("it has no podCIDR");
    assert!(eventually(PATIENCE, told), "{:?}", cluster.members[0].ready());
    assert!(
        cluster.members[0].read("/etc/cni/net.d/10-trestle.conflist").is_none(),
        "no network, no conflist"
    );
    cluster.tell(&whole);
    cluster.members[0].wait_ready();
    let _pod = cluster.pod(1, "old");
    entries = whole;
    entries[0]["podCIDRs"] = json!(["10.244.11.0/24", "fd00:10:244:11::/64"]);
    cluster.tell(&entries);
    let member = &cluster.members[0];
    let followed = || {
        member.read("/etc/cni/net.d/10-trestle.conflist").unwrap_or_default().contains("10.244.11.0/24")
            && member.read("/run/flannel/subnet.env").unwrap_or_default().contains("10.244.11.1/24")
            && member.machine.sh("ip addr show cni0").stdout.contains("10.244.11.1/24")
    };
    assert!(eventually(PATIENCE, followed), "{}\n{}", member.log(), member.machine.sh("ip addr").stdout);
    let status = member.agent(&["status"]).stdout;
    assert!(
        status.contains("old") && status.contains("10.244.1."),
        "pods with old addresses are named\n{status}"
    );
}

#[test]
fn an_own_node_that_vanished_costs_nobody_a_path() {
    let mut cluster = Cluster::new(Shape::VXLAN, 2);
    cluster.start();
    let before = cluster.members[0].routes();
    cluster.tell(&cluster.entries()[1..]);
    let member = &mut cluster.members[0];
    let told = |member: &crate::cluster::Member| {
        eventually(PATIENCE, || member.agent(&["status"]).stdout.contains("it is not among the Nodes"))
    };
    assert!(told(member), "{}", member.log());
    assert_eq!(member.routes(), before);
    member.kill();
    member.start();
    assert!(told(member), "{}", member.log());
    assert_eq!(member.routes(), before, "after a restart");
}

#[test]
fn a_family_without_an_address_keeps_its_paths_and_is_told() {
    let mut cluster = Cluster::new(Shape::VXLAN, 2);
    cluster.start();
    let member = &cluster.members[0];
    let before = member.routes();
    member.machine.sh("ip -6 addr flush dev eth0 scope global");
    let told = eventually(PATIENCE, || member.ready().1.contains("eth0: it has no IPv6 address"));
    assert!(told, "{:?}\n{}", member.ready(), member.log());
    assert_eq!(member.routes(), before);
    member.machine.sh("ip addr add 2001:db8::1/64 dev eth0 nodad");
    member.wait_ready();
}
