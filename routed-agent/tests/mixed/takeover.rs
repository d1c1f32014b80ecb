//! A node is taken over from flanneld, and handed back to it, in place.

use sandbox::{Attached, Flow, Node};

use crate::cluster::{Cluster, Shape};

/// Pods on the first two machines, and a flow between them in each family.
fn flowing(cluster: &Cluster) -> ([Attached; 2], Vec<Flow>) {
    let [a, b] = [1, 2].map(|number| cluster.member(number).pod(&format!("pod{number}")));
    a.reaches_whole(&b);
    let flows = b.addresses.iter().map(|address| Flow::start(&a.pod, *address)).collect();
    ([a, b], flows)
}

/// Do the first machine's routes to a Node's pods bear our mark (all, none, or some of them)?
fn routes_of_ours(cluster: &Cluster, number: u8) -> Option<bool> {
    let ways =
        cluster.shape.subnets(number).iter().map(|subnet| cluster.member(1).ways(subnet)).collect::<String>();
    let routes = ways.lines().filter(|line| line.contains(" dev eth0") || line.contains(" dev flannel"));
    let ours: Vec<bool> = routes.map(|line| line.contains("proto 116") || line.contains("nhid")).collect();
    let first = *ours.first()?;
    ours.iter().all(|one| *one == first).then_some(first)
}

/// How flanneld ends.
enum End {
    Term,
    Kill,
}

fn taken_over(shape: Shape, end: &End) {
    let node = Node::enter();
    let mut cluster = Cluster::new(&node, shape);
    cluster.start_flanneld(1);
    cluster.start_agents(&[2, 3]);
    let ([a, b], flows) = flowing(&cluster);
    let (announced, tunnels) = (cluster.announced("node1"), cluster.member(1).tunnels());

    match end {
        End::Term => cluster.member_mut(1).terminate(),
        End::Kill => cluster.member_mut(1).kill(),
    }
    cluster.start_agents(&[1]);
    assert_eq!(cluster.member(1).tunnels(), tunnels, "device and MAC stay");
    assert_eq!(cluster.announced("node1"), announced);
    for number in [2, 3] {
        cluster.wait_route(1, number, Some(number));
        assert_eq!(routes_of_ours(&cluster, number), Some(true));
    }
    for flow in flows {
        flow.end();
    }
    // Pods of before and after.
    let (c, d) = (cluster.member(1).pod("new"), cluster.member(3).pod("pod3"));
    crate::reach::all_reach_all(&[&a, &b, &c, &d]);
}

#[test]
fn a_node_is_taken_over_from_flanneld_over_vxlan_without_losing_a_packet() {
    taken_over(Shape::VXLAN, &End::Term);
}

#[test]
fn a_node_is_taken_over_from_a_killed_flanneld_over_host_gw_without_losing_a_packet() {
    taken_over(Shape::HOST_GW, &End::Kill);
}

#[test]
fn a_node_is_taken_over_from_flanneld_with_direct_routing_without_losing_a_packet() {
    taken_over(Shape::DIRECT, &End::Term);
}

fn handed_back(shape: Shape) {
    let node = Node::enter();
    let mut cluster = Cluster::new(&node, shape);
    cluster.start_agents(&[1, 2, 3]);
    let ([a, b], flows) = flowing(&cluster);
    let (announced, tunnels) = (cluster.announced("node1"), cluster.member(1).tunnels());

    cluster.member_mut(1).terminate();
    cluster.member(1).hand_over();
    for number in [2, 3] {
        cluster.wait_route(1, number, Some(number));
        assert_eq!(routes_of_ours(&cluster, number), Some(false));
    }
    cluster.start_flanneld(1);
    assert_eq!(cluster.member(1).tunnels(), tunnels, "device and MAC stay");
    assert_eq!(cluster.announced("node1"), announced);
    for flow in flows {
        flow.end();
    }

    // flanneld can delete and change what was ours.
    cluster.member_mut(2).terminate();
    cluster.api.kubectl(&["delete", "node", "node2"]);
    cluster.wait_route(1, 2, None);
    cluster.member(2).move_to(22);
    cluster.join(2, "node2", 2);
    cluster.start_agents(&[2]);
    cluster.wait_route(1, 2, Some(22));
    a.reaches_whole(&b);
    b.reaches_whole(&a);
}

#[test]
fn a_node_is_handed_back_to_flanneld_over_vxlan() {
    handed_back(Shape::VXLAN);
}

#[test]
fn a_node_is_handed_back_to_flanneld_over_host_gw() {
    handed_back(Shape::HOST_GW);
}

#[test]
fn a_node_is_handed_back_to_flanneld_with_direct_routing() {
    handed_back(Shape::DIRECT);
}
