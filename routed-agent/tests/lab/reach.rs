//! Every pod reaches every pod.

use sandbox::{Attached, Place};

use crate::cluster::{Cluster, Shape};

/// Pods on every machine, each of which reaches all others with packets as large as its link takes.
fn all_reach_all(cluster: &Cluster) {
    let pods: Vec<Attached> = cluster
        .members
        .iter()
        .map(|member| cluster.pod(member.number, &format!("p{}", member.number)))
        .collect();
    for (i, from) in pods.iter().enumerate() {
        for (j, to) in pods.iter().enumerate() {
            if i != j {
                from.reaches_whole(to);
            }
        }
    }
}

fn on_one_switch(shape: Shape) -> Cluster {
    let mut cluster = Cluster::new(shape, 3);
    cluster.start();
    all_reach_all(&cluster);
    cluster
}

#[test]
fn by_host_gw_in_both_families() {
    let cluster = on_one_switch(Shape::HOST_GW);
    assert!(cluster.members[0].routes().contains("10.244.2.0/24"), "{}", cluster.members[0].routes());
}

#[test]
fn by_host_gw_in_ipv4() {
    on_one_switch(Shape::HOST_GW.of(&[4]));
}

#[test]
fn by_host_gw_in_ipv6() {
    on_one_switch(Shape::HOST_GW.of(&[6]));
}

#[test]
fn by_vxlan_in_both_families() {
    let cluster = on_one_switch(Shape::VXLAN);
    let entries = cluster.members[0].machine.exec(&["bridge", "fdb", "show", "dev", "flannel.1"]).stdout;
    assert!(entries.contains("dst 192.0.2.2"), "{entries}");
}

#[test]
fn by_vxlan_in_ipv4() {
    on_one_switch(Shape::VXLAN.of(&[4]));
}

#[test]
fn by_vxlan_in_ipv6() {
    on_one_switch(Shape::VXLAN.of(&[6]));
}

#[test]
fn by_vxlan_between_two_subnets_and_directly_within_one() {
    let shape = Shape { backend: r#"{"Type": "vxlan", "DirectRouting": true}"#, ..Shape::VXLAN };
    let mut cluster = Cluster::routed(shape, 3);
    cluster.start();
    all_reach_all(&cluster);
    let routes = cluster.members[0].machine.sh("ip route show; ip -6 route show").stdout;
    for (subnet, link) in [
        ("10.244.2.0/24", "flannel.1"),
        ("10.244.3.0/24", "eth0"),
        ("fd00:10:244:2::/64", "flannel-v6.1"),
        ("fd00:10:244:3::/64", "eth0"),
    ] {
        let line = routes.lines().find(|line| line.starts_with(subnet)).unwrap_or_default();
        assert!(line.contains(&format!("dev {link} ")), "{subnet} not by {link}:\n{routes}");
    }
}

#[test]
fn a_far_node_has_no_route_by_host_gw_and_is_named() {
    let mut cluster = Cluster::routed(Shape::HOST_GW, 3);
    cluster.start();
    let member = &cluster.members[0];
    let status = member.agent(&["status"]).stdout;
    assert!(status.contains("Node node2, IPv4: 192.0.3.2 is not on a network of eth0"), "{status}");
    assert!(!member.routes().contains("10.244.2.0/24"), "{}", member.routes());
    assert!(member.routes().contains("10.244.3.0/24"), "{}", member.routes());
}

#[test]
fn pods_leave_the_cluster_with_their_nodes_address() {
    let cluster = on_one_switch(Shape::VXLAN);
    let pod = cluster.pod(1, "outward");
    // The switch itself stands for the world: it knows no pod.
    cluster.node.sh("ip addr add 192.0.2.254/24 dev lan0; ip addr add 2001:db8::fe/64 dev lan0 nodad");
    pod.pod.ping("192.0.2.254");
    pod.pod.ping("2001:db8::fe");
}
