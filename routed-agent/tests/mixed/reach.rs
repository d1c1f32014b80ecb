//! Every pod reaches every pod, and Nodes come and go.

use std::path::Path;

use sandbox::{Attached, Node, PATIENCE, Place, eventually};

use crate::cluster::{Cluster, Shape};

/// Full-size packets and TCP from each pod to each other.
pub(crate) fn all_reach_all(pods: &[&Attached]) {
    for (i, from) in pods.iter().enumerate() {
        for (j, to) in pods.iter().enumerate() {
            if i != j {
                from.reaches_whole(to);
                from.sends(to, 1 << 20);
            }
        }
    }
}

fn nodes_come_and_go(shape: Shape) {
    let node = Node::enter();
    let mut cluster = Cluster::new(&node, shape);
    cluster.start_agents(&[1, 2, 3]);
    for name in ["node1", "node2", "node3"] {
        cluster.wait_available(name);
    }
    let [a, b, c] = [1, 2, 3].map(|number| cluster.member(number).pod(&format!("pod{number}")));
    all_reach_all(&[&a, &b, &c]);

    cluster.api.kubectl(&["delete", "node", "node3"]);
    for machine in [1, 2] {
        cluster.wait_route(machine, 3, None);
    }
    a.reaches_whole(&b);

    cluster.member_mut(3).terminate();
    cluster.join(3, "node4", 4);
    cluster.start_agent_as(3, "node4");
    cluster.member(3).wait_ready();
    for machine in [1, 2] {
        cluster.wait_route(machine, 4, Some(3));
    }
    let d = cluster.member(3).pod("pod4");
    all_reach_all(&[&a, &b, &d]);
}

#[test]
fn nodes_of_an_api_server_come_and_go_over_vxlan() {
    nodes_come_and_go(Shape::VXLAN);
}

#[test]
fn nodes_of_an_api_server_come_and_go_over_vxlan_in_ipv6() {
    nodes_come_and_go(Shape::VXLAN.only(&[6]));
}

#[test]
fn nodes_of_an_api_server_come_and_go_over_host_gw() {
    nodes_come_and_go(Shape::HOST_GW);
}

#[test]
fn a_node_that_is_created_anew_under_its_agent_is_announced_again() {
    let node = Node::enter();
    let mut cluster = Cluster::new(&node, Shape::VXLAN);
    cluster.start_agents(&[1, 2]);
    let [a, b] = [1, 2].map(|number| cluster.member(number).pod(&format!("pod{number}")));
    all_reach_all(&[&a, &b]);
    let (announced, tunnels) = (cluster.announced("node2"), cluster.member(2).tunnels());

    cluster.api.kubectl(&["delete", "node", "node2"]);
    cluster.wait_route(1, 2, None);
    // What it was given stays with its agent, which has nothing newer; but new pods wait until somebody says it anew.
    cluster.wait_route(2, 1, Some(1));
    let confirmed = |cluster: &Cluster| {
        cluster.member(2).machine.within(|| Path::new("/run/flannel/subnet.env").exists())
    };
    assert!(eventually(PATIENCE, || !confirmed(&cluster)), "{}", cluster.member(2).log());
    cluster.join(2, "node2", 2);
    cluster.wait_available("node2");
    assert!(eventually(PATIENCE, || confirmed(&cluster)), "{}", cluster.member(2).log());
    cluster.wait_route(1, 2, Some(2));
    assert_eq!(cluster.announced("node2"), announced);
    assert_eq!(cluster.member(2).tunnels(), tunnels);
    all_reach_all(&[&a, &b]);
}

#[test]
fn a_node_announces_itself_in_flannels_words() {
    let node = Node::enter();
    let mut cluster = Cluster::new(&node, Shape::VXLAN);
    cluster.start_agents(&[1]);
    cluster.wait_available("node1");
    let tunnels = cluster.member(1).tunnels();
    let mac = |name: &str| {
        let found = tunnels.iter().find(|(_, found, _)| found == name);
        found.map(|(_, _, mac)| mac.clone()).unwrap_or_default()
    };
    let expected = [
        ("backend-data", format!(r#"{{"VNI":1,"VtepMAC":"{}"}}"#, mac("flannel.1"))),
        ("backend-type", "vxlan".to_owned()),
        ("backend-v6-data", format!(r#"{{"VNI":1,"VtepMAC":"{}"}}"#, mac("flannel-v6.1"))),
        ("kube-subnet-manager", "true".to_owned()),
        ("public-ip", "192.0.2.1".to_owned()),
        ("public-ipv6", "2001:db8::1".to_owned()),
    ];
    assert_eq!(cluster.announced("node1"), expected.map(|(key, value)| (key.to_owned(), value)));
}
