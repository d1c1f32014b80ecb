//! Real flanneld on one node of three.

use sandbox::Node;

use crate::cluster::{Cluster, Shape};
use crate::reach::all_reach_all;

fn flanneld_on_one_node(shape: Shape) {
    let node = Node::enter();
    let mut cluster = Cluster::new(&node, shape);
    // One of ours knows it before it comes, the other after.
    cluster.start_agents(&[2]);
    cluster.start_flanneld(1);
    cluster.start_agents(&[3]);
    let [a, b, c] = [1, 2, 3].map(|number| cluster.member(number).pod(&format!("pod{number}")));
    all_reach_all(&[&a, &b, &c]);
}

#[test]
fn flanneld_on_one_node_of_three_over_vxlan_in_ipv4() {
    flanneld_on_one_node(Shape::VXLAN.only(&[4]));
}

#[test]
fn flanneld_on_one_node_of_three_over_vxlan_in_ipv6() {
    flanneld_on_one_node(Shape::VXLAN.only(&[6]));
}

#[test]
fn flanneld_on_one_node_of_three_over_vxlan_in_both_families() {
    flanneld_on_one_node(Shape::VXLAN);
}

#[test]
fn flanneld_on_one_node_of_three_over_host_gw() {
    flanneld_on_one_node(Shape::HOST_GW);
}

#[test]
fn flanneld_on_one_node_of_three_over_vxlan_with_direct_routing() {
    flanneld_on_one_node(Shape::DIRECT);
}
