//! Beside others who translate addresses: what is theirs stays theirs.

use std::net::{TcpListener, TcpStream};

use sandbox::{PATIENCE, Place};
use serde_json::json;

use crate::stage::{NODE, ROUTER, Stage, at, ip, port};

/// What others send a port of the node to, in the shape in which each of them does.
const OTHERS: [(&str, &str); 3] = [
    // kube-proxy's nftables mode: a NodePort.
    ("nft", "table ip kube-proxy {
        map service-nodeports { type inet_proto . inet_service : verdict; elements = { tcp . 8080 : goto external }; }
        chain external { meta l4proto tcp dnat to BACKEND:81; }
        chain services { fib daddr type local ip daddr != 127.0.0.0/8 meta l4proto . th dport vmap @service-nodeports; }
        chain nat-prerouting { type nat hook prerouting priority -100; jump services; }
        chain nat-output { type nat hook output priority -100; jump services; }
    }"),
    // kube-proxy's iptables mode.
    ("iptables", "-N KUBE-SERVICES
        -N KUBE-NODEPORTS
        -A PREROUTING -m comment --comment portals -j KUBE-SERVICES
        -A OUTPUT -m comment --comment portals -j KUBE-SERVICES
        -A KUBE-SERVICES -m addrtype --dst-type LOCAL -j KUBE-NODEPORTS
        -A KUBE-NODEPORTS -p tcp -m tcp --dport 8080 -j DNAT --to-destination BACKEND:81"),
    // Docker.
    ("iptables", "-N DOCKER
        -A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
        -A OUTPUT ! -d 127.0.0.0/8 -m addrtype --dst-type LOCAL -j DOCKER
        -A DOCKER -p tcp -m tcp --dport 8080 -j DNAT --to-destination BACKEND:81"),
];

// CVE-2019-9946
#[test]
fn a_port_that_others_translate_is_theirs_whoever_came_first() {
    for (program, text) in OTHERS {
        for ours_first in [true, false] {
            let stage = Stage::new();
            let backend = stage.pod("backend");
            let text = text.replace("BACKEND", &backend.addresses()[0].to_string());
            let install = || {
                if program == "nft" {
                    stage.node.write("/run/others", &text);
                    stage.node.exec(&["nft", "-f", "/run/others"]);
                } else {
                    for line in text.lines() {
                        stage.node.sh(&format!("iptables-nft -t nat {}", line.trim()));
                    }
                }
            };
            if !ours_first {
                install();
            }
            let one = stage.mapped("one", &json!([port(8080, 80, "tcp"), port(8081, 80, "tcp")]));
            if ours_first {
                install();
            }
            let context = format!("{program}, ours first: {ours_first}\n{text}");
            let seen = backend.serves(81, &stage.router, at(NODE[0], 8080)).expect(&context);
            assert_eq!(seen, ip(ROUTER[0]), "{context}");
            assert!(one.serves(80, &stage.router, at(NODE[0], 8081)).is_ok(), "{context}");
            assert!(one.serves(80, &stage.router, at(NODE[1], 8080)).is_ok(), "{context}");
        }
    }
}

/// kube-proxy's mode `ipvs` keeps Services' addresses on a link of the node, and lets packets to them pass its chains. IPVS
/// itself is not needed to see who gets them: who listens on the address stands for it.
#[test]
fn an_address_that_ipvs_serves_is_not_the_nodes_own() {
    let stage = Stage::new();
    stage.node.sh("ip link add kube-ipvs0 type veth peer name ipvs-peer
        ip addr add 10.96.0.1/32 dev kube-ipvs0
        iptables-nft -t nat -N KUBE-SERVICES
        iptables-nft -t nat -A PREROUTING -j KUBE-SERVICES
        iptables-nft -t nat -A OUTPUT -j KUBE-SERVICES
        iptables-nft -t nat -A KUBE-SERVICES -d 10.96.0.1 -p tcp --dport 8080 -j ACCEPT");
    stage.router.exec(&["ip", "route", "add", "10.96.0.1", "via", NODE[0]]);
    let one = stage.mapped("one", &json!([port(8080, 80, "tcp")]));
    let service = TcpListener::bind(at("10.96.0.1", 8080)).expect("an address of the node");
    let client = stage.router.within(|| TcpStream::connect_timeout(&at("10.96.0.1", 8080), PATIENCE));
    assert!(client.is_ok() && service.accept().is_ok());
    assert!(one.serves(80, &stage.router, at(NODE[0], 8080)).is_ok());
    stage.verb("CHECK", &one).succeeded();
    // kube-proxy changes its mode.
    stage.node.exec(&["ip", "link", "del", "kube-ipvs0"]);
    stage.verb("CHECK", &one).succeeded();
    stage.verb("DEL", &one).succeeded();
    assert_eq!(stage.left_of("one"), "");
}
