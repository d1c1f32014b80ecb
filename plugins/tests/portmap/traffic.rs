//! Packets to mapped ports.

use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use sandbox::{PATIENCE, Place, eventually};
use serde_json::json;

use crate::stage::{Attached, BACKENDS, BRIDGE, NODE, ROUTER, Stage, at, ip, port, port_of, portmap};

// B-18, B-19; "forwards a TCP port on ipv4"
#[test]
fn a_port_of_the_host_leads_into_the_container_from_everywhere() {
    let stage = Stage::new();
    let other = stage.pod("other");
    let one = stage.mapped("one", &json!([port(8080, 80, "tcp")]));
    for family in 0..2 {
        let [node, bridge, router] = [NODE[family], BRIDGE[family], ROUTER[family]];
        // Who comes from beyond the node is seen as it is.
        let seen = one.serves(80, &stage.router, at(node, 8080)).expect("from the router");
        assert_eq!(seen, ip(router));
        assert!(one.serves(80, &stage.node, at(node, 8080)).is_ok(), "from the node, by {node}");
        assert!(one.serves(80, &stage.node, at(bridge, 8080)).is_ok(), "from the node, by {bridge}");
        for by in [node, bridge] {
            let seen = one.serves(80, &other.pod, at(by, 8080)).expect("from another pod");
            assert_eq!(seen, ip(bridge), "answers to a neighbour must pass the node");
            let seen = one.serves(80, &one.pod, at(by, 8080)).expect("from the container itself");
            assert_eq!(seen, ip(bridge));
        }
    }
    assert_eq!(one.serves(80, &stage.node, at("127.0.0.1", 8080)).expect("by 127.0.0.1"), ip(BRIDGE[0]));
    // Nobody else's connections are touched.
    let elsewhere = TcpListener::bind(at(NODE[0], 8081)).expect("a port of the node");
    let near = elsewhere.local_addr().expect("an address");
    assert!(stage.router.within(|| TcpStream::connect_timeout(&near, PATIENCE)).is_ok());
}

#[test]
fn forwarded_packets_to_a_mapped_port_of_another_machine_pass_by() {
    // CVE-2025-67499
    let stage = Stage::new();
    let (other, one) = (stage.pod("other"), stage.mapped("one", &json!([port(8080, 80, "tcp")])));
    for router in ROUTER {
        let listener = stage.router.within(|| TcpListener::bind(at(router, 8080))).expect("a port");
        let client = other.pod.within(|| TcpStream::connect_timeout(&at(router, 8080), PATIENCE));
        assert!(client.is_ok() && listener.accept().is_ok(), "{router}");
        assert!(one.is_shut(80, &other.pod, at(router, 8081)));
    }
}

#[test]
fn a_port_of_one_address_is_open_there_alone() {
    let stage = Stage::new();
    let [mut one, mut two] = ["one", "two"].map(|name| stage.pod(name));
    for backend in BACKENDS {
        let keys = json!({ "backend": backend });
        one = stage.map(one, &json!([port_of(NODE[0], 8080, 80), port_of(NODE[1], 8080, 80)]), &keys);
        let ports = [port_of("127.0.0.1", 8080, 80), port_of("0.0.0.0", 8081, 81), port_of("::", 8082, 82)];
        two = stage.map(two, &json!(ports), &keys);
        for node in NODE {
            one.serves(80, &stage.router, at(node, 8080))
                .unwrap_or_else(|why| panic!("{backend} {node}: {why}"));
        }
        assert!(two.serves(80, &stage.node, at("127.0.0.1", 8080)).is_ok(), "{backend}");
        assert!(two.serves(81, &stage.router, at(NODE[0], 8081)).is_ok(), "{backend}");
        assert!(two.serves(82, &stage.router, at(NODE[1], 8082)).is_ok(), "{backend}");
        let by_bridge = |attached, family: usize| (attached, at(BRIDGE[family], 8080));
        for (shut, by) in [by_bridge(&one, 0), by_bridge(&one, 1), by_bridge(&two, 0)] {
            assert!(shut.is_shut(80, &stage.node, by), "{backend} {by}");
        }
        assert!(two.is_shut(81, &stage.router, at(NODE[1], 8081)), "0.0.0.0 is no IPv6 address");
        assert!(two.is_shut(82, &stage.router, at(NODE[0], 8082)), ":: is no IPv4 address");
        for attached in [&one, &two] {
            stage.verb("CHECK", attached).succeeded();
            stage.verb("DEL", attached).succeeded();
        }
    }
}

#[test]
fn every_port_of_a_range_leads_to_its_own() {
    let stage = Stage::new();
    let kept = (9000..9100).map(|number| port(number, number, "tcp"));
    let moved = (7000..7100).map(|number| port(number, number + 1000, "tcp"));
    let one = stage.mapped("one", &kept.chain(moved).collect());
    for (host, container) in [(9000, 9000), (9042, 9042), (9099, 9099), (7000, 8000), (7099, 8099)] {
        for node in NODE {
            assert!(one.serves(container, &stage.router, at(node, host)).is_ok(), "{node} {host}");
        }
    }
    assert!(one.is_shut(9100, &stage.router, at(NODE[0], 9100)));
    stage.verb("CHECK", &one).succeeded();
    stage.verb("DEL", &one).succeeded();
    assert_eq!(stage.left_of("one"), "");
}

// "checkPorts validates correct rule count with masqAll"
#[test]
fn who_may_be_seen_by_the_container_is_the_networks_to_say() {
    let stage = Stage::new();
    let mut pods = ["all", "none", "marked"].map(|name| stage.pod(name));
    for backend in BACKENDS {
        let map = |one, number, key: &str, value| {
            let mut keys = json!({ "backend": backend });
            keys[key] = value;
            stage.map(one, &json!([port(number, 80, "tcp")]), &keys)
        };
        let [all, none, marked] = pods;
        let all = map(all, 8080, "masqAll", json!(true));
        let none = map(none, 8081, "snat", json!(false));
        let marked = map(marked, 8082, "markMasqBit", json!(5));
        for family in 0..2 {
            let seen = |one: &Attached, number| {
                one.serves(80, &stage.router, at(NODE[family], number)).expect("from the router")
            };
            assert_eq!(seen(&all, 8080), ip(BRIDGE[family]), "{backend}");
            assert_eq!(seen(&none, 8081), ip(ROUTER[family]), "{backend}");
            let hairpin = marked.serves(80, &marked.pod, at(BRIDGE[family], 8082)).unwrap();
            assert_eq!(hairpin, ip(BRIDGE[family]), "{backend}");
        }
        assert!(none.is_shut(80, &stage.node, at("127.0.0.1", 8081)), "{backend}");
        assert!(marked.serves(80, &stage.node, at("127.0.0.1", 8082)).is_ok(), "{backend}");
        // What hides sources is looked for where somebody wants it, and nowhere else.
        for attached in [&all, &none, &marked] {
            stage.verb("CHECK", attached).succeeded();
        }
        stage.node.sh(if backend == "nftables" {
            "nft flush map inet trestle hairpins4; nft flush map inet trestle hairpins6"
        } else {
            "iptables-nft-save -t nat | grep -v 'CNI-DN-.*MARK' | iptables-nft-restore"
        });
        let error = stage.verb("CHECK", &all).error();
        assert!(error["msg"].as_str().is_some_and(|said| said.contains("missing")), "{backend}: {error}");
        stage.verb("CHECK", &none).succeeded();
        for attached in [&all, &none, &marked] {
            stage.verb("DEL", attached).succeeded();
        }
        pods = [all, none, marked];
    }
}

#[test]
fn the_loopback_network_is_let_through_only_where_a_port_of_it_is_asked_for() {
    let stage = Stage::new();
    let setting = || stage.node.exec(&["cat", "/proc/sys/net/ipv4/conf/cni0/route_localnet"]).stdout;
    let _one = stage.mapped("one", &json!([port_of(NODE[0], 8080, 80)]));
    assert_eq!(setting(), "0\n");
    let _two = stage.mapped("two", &json!([port_of("127.0.0.1", 8080, 80)]));
    assert_eq!(setting(), "1\n");
}

// CVE-2020-8558
#[test]
fn a_pod_reaches_nothing_that_listens_on_127_0_0_1() {
    let stage = Stage::new();
    let pod = stage.mapped("one", &json!([port(8080, 80, "tcp")])).pod;
    pod.sh("ip addr flush dev lo
        echo 1 >/proc/sys/net/ipv4/conf/all/route_localnet
        ip route add 127.0.0.1 via 10.88.0.1");
    let secret = TcpListener::bind(at("127.0.0.1", 7777)).expect("a port of the node");
    let reaches = |time| pod.within(|| TcpStream::connect_timeout(&at("127.0.0.1", 7777), time)).is_ok();
    assert!(!reaches(Duration::from_millis(500)));
    // But for the rule, it would.
    stage.node.exec(&["nft", "flush", "chain", "inet", "trestle", "loopback"]);
    assert!(eventually(PATIENCE, || reaches(PATIENCE)), "the test tests nothing");
    drop(secret);
}

// B-19: the conditions of the last network held for all of them
#[test]
fn conditions_hold_for_their_own_network_only() {
    let stage = Stage::new();
    let conditions = json!({ "backend": "nftables", "conditionsV4": ["ip", "saddr", "!=", "192.0.2.1"], "conditionsV6": ["iifname != up0"] });
    let picky = stage.mapped_with("picky", &json!([port(8080, 80, "tcp")]), &conditions);
    let open = stage.mapped("open", &json!([port(8081, 80, "tcp")]));
    for node in NODE {
        assert!(picky.is_shut(80, &stage.router, at(node, 8080)), "{node}");
        assert!(picky.serves(80, &stage.node, at(node, 8080)).is_ok(), "{node}");
        assert!(open.serves(80, &stage.router, at(node, 8081)).is_ok(), "{node}");
    }
    for one in [&picky, &open] {
        stage.verb("CHECK", one).succeeded();
        stage.verb("DEL", one).succeeded();
        assert_eq!(stage.left_of(one.pod.name()), "");
    }
}

// Upstream: "correctly parses an ADD config".
#[test]
fn an_address_of_the_hosts_end_is_no_target() {
    let stage = Stage::new();
    let Attached { pod, mut result, .. } = stage.pod("one");
    // The bridge is the first of the interfaces.
    let gateway = json!({ "address": "10.88.0.1/24", "interface": 0 });
    result["ips"].as_array_mut().unwrap().insert(0, gateway);
    let conf = portmap(&result, &json!([port(8080, 80, "tcp")]), &json!({}));
    stage.call("portmap", &pod, &conf).command("ADD").run().succeeded();
    result["ips"].as_array_mut().unwrap().remove(0);
    let one = Attached { pod, result, conf };
    assert!(one.serves(80, &stage.router, at(NODE[0], 8080)).is_ok());
}
