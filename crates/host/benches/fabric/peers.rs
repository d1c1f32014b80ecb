//! Peers, and the node that has a way to them.

use ipnetwork::IpNetwork;
use netstate::{Checksums, Fabric, LinkName, Mac, Path, Via, Vxlan};
use sandbox::{Node, Place};

/// How peers are reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    Direct,
    Tunnel,
}

/// A peer, in the kernel's bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer {
    pub(crate) subnet: [u8; 4],
    pub(crate) address: [u8; 4],
    pub(crate) mac: [u8; 6],
}

/// The node's own tunnel.
const TUNNEL: Mac = Mac([0x0e, 0, 0, 0, 0, 1]);

/// So many peers, from the second node on: the first is this one.
pub(crate) fn peers(count: u16) -> Vec<Peer> {
    (2..count + 2)
        .map(|number| {
            let [high, low] = number.to_be_bytes();
            Peer {
                subnet: [10, high, low, 0],
                address: [192, 168, high, low],
                mac: [0x0e, 0, 0, 0, high, low],
            }
        })
        .collect()
}

/// Enters a node with a link to all of them.
pub(crate) fn enter() -> Node {
    let node = Node::enter();
    node.sh("ip link add eth0 type veth peer name eth1
        ip address add 192.168.0.1/16 dev eth0
        ip link set eth0 up; ip link set eth1 up");
    node
}

/// What the agent wants of the kernel.
pub(crate) fn fabric(peers: &[Peer], way: Way) -> Fabric {
    let underlay: LinkName = "eth0".parse().expect("a name");
    let tunnel = Vxlan {
        name: "flannel.1".parse().expect("a name"),
        vni: 1,
        port: None,
        underlay: underlay.clone(),
        local: [192, 168, 0, 1].into(),
        mac: TUNNEL,
        mtu: 1450,
        learning: false,
        group_policy: false,
        checksums: Checksums::Offloaded,
        address: "10.0.1.0/32".parse().expect("an address"),
    };
    let path = |peer: &Peer| Path {
        subnet: IpNetwork::new(peer.subnet.into(), 24).expect("a subnet"),
        via: match way {
            Way::Direct => Via::Direct { gateway: peer.address.into() },
            Way::Tunnel => Via::Tunnel { mac: Mac(peer.mac), endpoint: peer.address.into() },
        },
    };
    Fabric {
        tunnels: if way == Way::Tunnel { vec![tunnel] } else { Vec::new() },
        underlay: Some(underlay),
        networks: vec!["10.0.0.0/8".parse().expect("a network")],
        paths: peers.iter().map(path).collect(),
    }
}
