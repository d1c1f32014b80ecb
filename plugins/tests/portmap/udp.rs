//! UDP: flows that the kernel remembers.

use std::io;
use std::net::UdpSocket;

use sandbox::{PATIENCE, Place};
use serde_json::json;

use crate::stage::{Attached, NODE, ROUTER, Stage, at, port};

/// Sends a datagram and waits for the container's answer.
fn asks(client: &UdpSocket, server: &Attached, by: &str) -> io::Result<()> {
    let family = usize::from(by.contains(':'));
    let socket = server.pod.within(|| UdpSocket::bind((server.addresses()[family], 53)))?;
    for socket in [client, &socket] {
        socket.set_read_timeout(Some(PATIENCE))?;
    }
    client.send_to(b"?", at(by, 5353))?;
    let (_, peer) = socket.recv_from(&mut [0; 8])?;
    socket.send_to(b"!", peer)?;
    client.recv_from(&mut [0; 8]).map(drop)
}

// "forwards a UDP port on ipv4 and keep working after creating a second container with the same HostPort"
#[test]
fn a_client_that_keeps_its_port_reaches_whoever_has_the_hosts_port_now() {
    let stage = Stage::new();
    let ports = json!([port(5353, 53, "udp")]);
    let clients: Vec<UdpSocket> = ROUTER
        .iter()
        .map(|router| stage.router.within(|| UdpSocket::bind(at(router, 4000))).expect("a port"))
        .collect();
    // Before there is a container, the kernel remembers a flow to the node itself.
    for (client, node) in clients.iter().zip(NODE) {
        client.send_to(b"?", at(node, 5353)).expect("a datagram is sent");
    }
    for (name, backend) in [("one", "nftables"), ("two", "iptables"), ("three", "nftables")] {
        let container = stage.mapped_with(name, &ports, &json!({ "backend": backend }));
        for (client, node) in clients.iter().zip(NODE) {
            // The refusals of the time without a container may still wait in the socket.
            let _ = client.take_error();
            assert!(asks(client, &container, node).is_ok(), "{name} by {node}");
        }
        stage.verb("DEL", &container).succeeded();
        let flows = stage.node.exec(&["conntrack", "-L", "-p", "udp"]).stdout;
        assert!(!flows.contains(&container.addresses()[0].to_string()), "{flows}");
    }
}

#[test]
fn a_flow_that_only_passes_by_is_not_forgotten() {
    let stage = Stage::new();
    let other = stage.pod("other");
    let client = other.pod.within(|| UdpSocket::bind(("0.0.0.0", 4000))).expect("a port");
    let server = stage.router.within(|| UdpSocket::bind(at(ROUTER[0], 5353))).expect("a port");
    server.set_read_timeout(Some(PATIENCE)).expect("a socket");
    client.send_to(b"?", at(ROUTER[0], 5353)).expect("a datagram is sent");
    let (_, before) = server.recv_from(&mut [0; 8]).expect("it comes");
    let flow = || {
        let flows = stage.node.exec(&["conntrack", "-L", "-p", "udp", "-o", "id"]).stdout;
        flows
            .lines()
            .filter_map(|line| line.split_once(" id="))
            .map(|(_, id)| id.to_owned())
            .collect::<Vec<_>>()
    };
    let id = flow();
    let one = stage.mapped("one", &json!([port(5353, 53, "udp")]));
    assert_eq!(flow(), id);
    client.send_to(b"?", at(ROUTER[0], 5353)).expect("a datagram is sent");
    assert_eq!(server.recv_from(&mut [0; 8]).expect("it comes").1, before);
    stage.verb("DEL", &one).succeeded();
    assert_eq!(flow(), id);
}
