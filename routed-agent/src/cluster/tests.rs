//! What a cluster makes of its Nodes.

use netstate::Family;

use super::{Cluster, Member, Reach, Terms, Unannotated};
use crate::node::{Annotations, Node};

fn terms() -> Terms {
    Terms {
        own: "own".to_owned(),
        networks: vec!["10.244.0.0/16".parse().unwrap(), "fd00::/48".parse().unwrap()],
        vni: Some(1),
        unannotated: Unannotated::Waits,
    }
}

/// A Node as flannel announces it.
fn node(name: &str, number: u8) -> Node {
    Node {
        name: name.to_owned(),
        uid: format!("uid-{number}"),
        created: format!("2026-01-01T00:00:{number:02}Z"),
        pod_cidrs: vec![format!("10.244.{number}.0/24"), format!("fd00:0:0:{number}::/64")],
        internal_addresses: vec![format!("192.0.2.{number}"), format!("2001:db8::{number}")],
        external_addresses: Vec::new(),
        annotations: [
            ("backend-type", "vxlan".to_owned()),
            ("backend-data", format!(r#"{{"VNI":1,"VtepMAC":"02:00:00:00:04:{number:02x}"}}"#)),
            ("backend-v6-data", format!(r#"{{"VNI":1,"VtepMAC":"02:00:00:00:06:{number:02x}"}}"#)),
        ]
        .into_iter()
        .collect(),
        unavailable: None,
    }
}

fn with(mut node: Node, key: &str, value: &str) -> Node {
    node.annotations = node.annotations.with(key, value);
    node
}

fn subnets(node: Node, pod_cidrs: &[&str]) -> Node {
    Node { pod_cidrs: pod_cidrs.iter().map(|&text| text.to_owned()).collect(), ..node }
}

fn of(nodes: &[Node]) -> Cluster {
    Cluster::of(nodes.iter(), &terms())
}

/// Why Nodes are refused, in words.
fn refusals(nodes: &[Node]) -> Vec<String> {
    of(nodes).refused.iter().map(ToString::to_string).collect()
}

#[test]
fn every_other_node_is_a_member_once_a_family() {
    let cluster = of(&[node("own", 1), node("b", 2)]);
    let member = |subnet: &str, address: &str, mac: &str| Member {
        node: "b".into(),
        subnet: subnet.parse().unwrap(),
        address: address.parse().unwrap(),
        reach: Reach::Tunnel(mac.parse().unwrap()),
    };
    let expected = [
        member("10.244.2.0/24", "192.0.2.2", "02:00:00:00:04:02"),
        member("fd00:0:0:2::/64", "2001:db8::2", "02:00:00:00:06:02"),
    ];
    assert_eq!(cluster.members, expected);
    assert_eq!(cluster.own, ["10.244.1.0/24".parse().unwrap(), "fd00:0:0:1::/64".parse().unwrap()]);
    assert_eq!(cluster.refused, []);
}

#[test]
fn an_annotated_address_outweighs_the_internal_one() {
    let cluster = of(&[with(node("b", 2), "public-ip", "198.51.100.2")]);
    assert_eq!(cluster.members[0].address.to_string(), "198.51.100.2");
}

#[test]
fn tunnel_packets_may_come_from_every_address_of_another_node() {
    let mut far = with(node("b", 2), "public-ip-overwrite", "198.51.100.2");
    far.external_addresses.push("203.0.113.2".to_owned());
    let endpoints: Vec<String> =
        of(&[node("own", 1), far]).endpoints.iter().map(ToString::to_string).collect();
    assert_eq!(endpoints, ["192.0.2.2", "198.51.100.2", "203.0.113.2", "2001:db8::2"]);
}

#[test]
fn a_bad_node_costs_only_itself_and_only_in_its_family() {
    let bad = with(node("bad", 3), "backend-data", "{}");
    let cluster = of(&[bad, node("good", 2)]);
    let members: Vec<_> = cluster.members.iter().map(|m| (&*m.node, Family::of(m.address))).collect();
    assert_eq!(members, [("good", Family::V4), ("good", Family::V6), ("bad", Family::V6)]);
}

#[test]
fn each_refusal_says_why() {
    let silent = Node { annotations: Annotations::default(), ..node("silent", 2) };
    let homeless = Node { internal_addresses: Vec::new(), ..node("homeless", 2) };
    for (bad, reason) in [
        (
            subnets(node("n", 2), &["fd00:0:0:2::/64"]),
            "Node n, IPv4: it has no podCIDR; kube-controller-manager gives it one with --allocate-node-cidrs and --cluster-cidr",
        ),
        (subnets(node("n", 2), &["10.244.2.0"]), r#"Node n, IPv4: podCIDR "10.244.2.0" is no network"#),
        (subnets(node("n", 2), &["10.244.2.1/24"]), r#"Node n, IPv4: podCIDR "10.244.2.1/24" is no network"#),
        (
            subnets(node("n", 2), &["10.244.2.0/24", "10.244.3.0/24"]),
            "Node n, IPv4: it has two podCIDRs, 10.244.2.0/24 and 10.244.3.0/24",
        ),
        (
            subnets(node("n", 2), &["10.0.0.0/8"]),
            "Node n, IPv4: podCIDR 10.0.0.0/8 is not inside 10.244.0.0/16",
        ),
        (homeless, "Node homeless, IPv4: it has no address: neither annotation public-ip nor an InternalIP"),
        (
            with(node("n", 2), "public-ip", "2001:db8::1"),
            r#"Node n, IPv4: annotation public-ip: "2001:db8::1" is no address"#,
        ),
        (silent, "Node silent, IPv4: its agent has not written annotation backend-type yet"),
        (
            with(node("n", 2), "backend-data", "null"),
            r#"Node n, IPv4: annotation backend-data: "null" has no VNI and VtepMAC"#,
        ),
        (
            with(node("n", 2), "backend-data", r#"{"VNI":7,"VtepMAC":"02:00:00:00:04:02"}"#),
            "Node n, IPv4: its VNI is 7, ours is 1",
        ),
        (
            with(node("n", 2), "backend-type", "wireguard"),
            r#"Node n, IPv4: backend-type "wireguard" can't be reached from here"#,
        ),
    ] {
        assert_eq!(refusals(&[bad])[0], reason);
    }
}

#[test]
fn of_two_nodes_with_the_same_addresses_the_older_one_has_them_whichever_comes_first() {
    let (old, young) = (node("old", 2), subnets(node("young", 3), &["10.244.2.128/25", "fd00:0:0:3::/64"]));
    for nodes in [[old.clone(), young.clone()], [young, old]] {
        assert_eq!(
            refusals(&nodes),
            [
                "Node young, IPv4: podCIDR 10.244.2.128/25 overlaps 10.244.2.0/24 of Node old, which is older; \
                 delete this Node, and its kubelet registers it anew, with a podCIDR of its own"
            ]
        );
        assert_eq!(of(&nodes).members.len(), 3);
    }
}

#[test]
fn a_node_that_yields_does_not_stand_in_the_way_of_a_third() {
    let (first, second) =
        (subnets(node("first", 1), &["10.244.0.0/25"]), subnets(node("second", 2), &["10.244.0.0/24"]));
    let third = subnets(node("third", 3), &["10.244.0.128/25"]);
    let ipv4: Vec<_> = of(&[third, second, first])
        .members
        .iter()
        .filter(|member| member.subnet.is_ipv4())
        .map(|member| member.node.to_string())
        .collect();
    assert_eq!(ipv4, ["first", "third"]);
}

#[test]
fn a_node_of_another_backend_is_reached_as_it_can_be() {
    let neighbour = with(node("b", 2), "backend-type", "host-gw");
    assert_eq!(of(&[neighbour]).members[0].reach, Reach::Direct);
    let direct = Terms { vni: None, ..terms() };
    assert_eq!(Cluster::of([node("b", 2)].iter(), &direct).members[0].reach, Reach::Direct);
}

#[test]
fn without_annotations_the_mac_follows_from_the_subnet() {
    let terms = Terms { unannotated: Unannotated::Derives, ..terms() };
    let plain = Node { annotations: Annotations::default(), ..node("b", 2) };
    let macs: Vec<_> =
        Cluster::of([plain].iter(), &terms).members.iter().map(|member| member.reach).collect();
    let derived = |subnet: &str| Reach::Tunnel(netstate::Mac::of_subnet(subnet.parse().unwrap()));
    assert_eq!(macs, [derived("10.244.2.0/24"), derived("fd00:0:0:2::/64")]);
}

#[test]
fn of_two_nodes_with_one_mac_the_older_one_keeps_it() {
    let thief = with(node("thief", 3), "backend-data", r#"{"VNI":1,"VtepMAC":"02:00:00:00:04:02"}"#);
    for nodes in [[thief.clone(), node("b", 2)], [node("b", 2), thief]] {
        let expected =
            "Node thief, IPv4: its tunnel's MAC 02:00:00:00:04:02 is that of Node b, which is older";
        assert_eq!(refusals(&nodes), [expected]);
        assert_eq!(of(&nodes).members.len(), 3);
    }
}

#[test]
fn an_address_or_a_mac_that_can_not_be_one_nodes_is_refused() {
    for address in ["0.0.0.0", "255.255.255.255", "224.0.0.1", "127.0.0.1"] {
        let expected = format!("Node n, IPv4: annotation public-ip: {address:?} is no address");
        assert_eq!(refusals(&[with(node("n", 2), "public-ip", address)]), [expected]);
    }
    for mac in ["00:00:00:00:00:00", "01:00:5e:00:00:01", "ff:ff:ff:ff:ff:ff"] {
        let data = format!(r#"{{"VNI":1,"VtepMAC":"{mac}"}}"#);
        let refused = refusals(&[with(node("n", 2), "backend-data", &data)]);
        assert!(refused[0].ends_with("has no VNI and VtepMAC"), "{refused:?}");
    }
}

#[test]
fn a_silent_nodes_subnet_is_known() {
    let silent = Node { annotations: super::super::node::Annotations::default(), ..node("silent", 2) };
    assert_eq!(of(&[silent]).silent, ["10.244.2.0/24".parse().unwrap(), "fd00:0:0:2::/64".parse().unwrap()]);
}
