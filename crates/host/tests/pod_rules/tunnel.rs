//! Who may send tunnel packets.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr, UdpSocket};

use netstate::{PodRules, TunnelFilter};
use sandbox::{PATIENCE, Place as _, eventually};

use crate::network::{ADDRESSES, Addresses, Network, families, ip, socket};
use crate::wanted::{PORT, filtered, host, tunnel};

fn neighbours() -> [&'static str; 2] {
    ADDRESSES.each_ref().map(|addresses| addresses.neighbour)
}

/// Sends a packet from one of the neighbour's addresses to the node.
fn send(network: &Network, from: IpAddr, to: SocketAddr) {
    socket(&network.neighbour, SocketAddr::new(from, 0)).send_to(b"vxlan", to).expect("sent");
}

/// Sends from the address until something comes, and says whom it came from.
fn comes(network: &Network, from: IpAddr, receiver: &UdpSocket) -> IpAddr {
    let to = receiver.local_addr().expect("its address");
    let mut source = None;
    let came = eventually(PATIENCE, || {
        send(network, from, to);
        source = receiver.recv_from(&mut [0; 16]).ok().map(|(_, source)| source.ip());
        source.is_some()
    });
    assert!(came, "nothing came from {from} to {to}");
    source.expect("it came")
}

fn dropped() -> BTreeMap<IpAddr, u64> {
    let dropped = host().dropped_tunnel_packets().expect("a look");
    dropped.into_iter().map(|dropped| (dropped.source, dropped.packets)).collect()
}

#[test]
fn packets_of_strangers_are_dropped_and_counted_by_source() {
    let network = Network::new();
    host().reconcile_pod_rules(&filtered(&neighbours())).unwrap();
    assert_eq!(dropped(), BTreeMap::new());
    for (family, Addresses { node, neighbour, stranger, .. }) in families() {
        let receiver = socket(&network.node, SocketAddr::new(ip(node), PORT));
        assert_eq!(comes(&network, ip(neighbour), &receiver), ip(neighbour), "{family}");
        for _ in 0..5 {
            send(&network, ip(stranger), receiver.local_addr().unwrap());
        }
        assert!(eventually(PATIENCE, || dropped().get(&ip(stranger)) == Some(&5)), "{:?}", dropped());
        // They were dropped for good: what comes next is the neighbour's.
        assert_eq!(comes(&network, ip(neighbour), &receiver), ip(neighbour), "{family}");
    }
    let expected: BTreeMap<IpAddr, u64> =
        ADDRESSES.iter().map(|addresses| (ip(addresses.stranger), 5)).collect();
    assert_eq!(dropped(), expected);
}

#[test]
fn other_ports_are_nobodys_business() {
    let network = Network::new();
    host().reconcile_pod_rules(&filtered(&[])).unwrap();
    for (_, Addresses { node, stranger, .. }) in families() {
        let receiver = socket(&network.node, SocketAddr::new(ip(node), 4789));
        assert_eq!(comes(&network, ip(stranger), &receiver), ip(stranger));
    }
    assert_eq!(dropped(), BTreeMap::new());
}

#[test]
fn a_node_that_joins_is_heard_and_one_that_leaves_is_not() {
    let network = Network::new();
    let mut host = host();
    host.reconcile_pod_rules(&filtered(&neighbours())).unwrap();
    let joined = PodRules {
        tunnel: Some(TunnelFilter {
            endpoints: ADDRESSES.iter().map(|addresses| ip(addresses.stranger)).collect(),
            ..tunnel(&[])
        }),
        ..PodRules::default()
    };
    host.reconcile_pod_rules(&joined).unwrap();
    for (_, Addresses { node, neighbour, stranger, .. }) in families() {
        let receiver = socket(&network.node, SocketAddr::new(ip(node), PORT));
        assert_eq!(comes(&network, ip(stranger), &receiver), ip(stranger));
        send(&network, ip(neighbour), receiver.local_addr().unwrap());
        assert!(eventually(PATIENCE, || dropped().contains_key(&ip(neighbour))), "{:?}", dropped());
    }
}

#[test]
fn more_strangers_than_can_be_counted_are_dropped_all_the_same() {
    let network = Network::new();
    // All of it is the neighbour's own, so that it may send as anybody in it.
    network.neighbour.exec(&["ip", "route", "add", "local", "198.18.0.0/15", "dev", "lo"]);
    host().reconcile_pod_rules(&filtered(&neighbours())).unwrap();
    let receiver = socket(&network.node, SocketAddr::new(ip(ADDRESSES[0].node), PORT));
    assert_eq!(comes(&network, ip(ADDRESSES[0].neighbour), &receiver), ip(ADDRESSES[0].neighbour));
    while receiver.recv_from(&mut [0; 16]).is_ok() {}
    for number in 0..1200_u32 {
        let source = IpAddr::from((0xc612_0000 + number).to_be_bytes());
        send(&network, source, receiver.local_addr().unwrap());
    }
    assert!(eventually(PATIENCE, || dropped().len() == 1024), "{}", dropped().len());
    assert_eq!(comes(&network, ip(ADDRESSES[0].neighbour), &receiver), ip(ADDRESSES[0].neighbour));
}
