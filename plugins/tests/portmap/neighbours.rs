//! Beside others who translate addresses: what is theirs stays theirs.

use sandbox::Place;
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
