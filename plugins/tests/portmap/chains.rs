//! The iptables backend.

use sandbox::Place;
use serde_json::json;

use crate::stage::{Attached, BRIDGE, NODE, Stage, at, ip, port, portmap};

fn iptables() -> serde_json::Value {
    json!({ "backend": "iptables" })
}

#[test]
fn chains_of_iptables_lead_into_the_container_and_go_with_it() {
    let stage = Stage::new();
    let range = (9000..9040).map(|number| port(number, number, "tcp"));
    let moved = (7000..7020).map(|number| port(number, number + 1000, "udp"));
    let ports = std::iter::once(port(8080, 80, "tcp")).chain(range).chain(moved).collect();
    let one = stage.mapped_with("one", &ports, &iptables());
    for family in 0..2 {
        let node = NODE[family];
        assert!(one.serves(80, &stage.router, at(node, 8080)).is_ok(), "{node}");
        assert!(one.serves(80, &stage.node, at(node, 8080)).is_ok(), "{node}");
        assert!(one.serves(9039, &stage.router, at(node, 9039)).is_ok(), "{node}");
        assert_eq!(one.serves(80, &one.pod, at(node, 8080)).expect("hairpin"), ip(BRIDGE[family]));
    }
    assert!(one.serves(80, &stage.node, at("127.0.0.1", 8080)).is_ok());
    stage.verb("CHECK", &one).succeeded();
    stage.verb("ADD", &one).succeeded();
    let rules = stage.node.exec(&["iptables-nft-save", "-t", "nat"]).stdout;
    assert_eq!(rules.matches("-A PREROUTING ").count(), 1, "{rules}");
    stage.node.exec(&["iptables-nft", "-t", "nat", "-D", "PREROUTING", "1"]);
    let error = stage.verb("CHECK", &one).error();
    assert!(error["msg"].as_str().unwrap().contains("jumps of IPv4"), "{error}");
    // The network's owner changed the backend meanwhile.
    let changed = portmap(&one.result, &json!([]), &json!({}));
    stage.call("portmap", &one.pod, &changed).command("DEL").run().succeeded();
    assert_eq!(stage.left_of("one"), "");
    assert!(!stage.node.exec(&["iptables-nft-save", "-t", "nat"]).stdout.contains("CNI-DN-"));
}

#[test]
fn conditions_of_iptables_and_somebodys_chain_that_marks() {
    let stage = Stage::new();
    stage.node.sh("for iptables in iptables-nft ip6tables-nft; do
        $iptables -t nat -N KUBE-MARK-MASQ; $iptables -t nat -A KUBE-MARK-MASQ -j MARK --or-mark 0x4000
        $iptables -t nat -A POSTROUTING -m mark --mark 0x4000/0x4000 -j MASQUERADE
        done");
    let keys = json!({ "externalSetMarkChain": "KUBE-MARK-MASQ", "conditionsV4": ["!", "-s", "192.0.2.1"] });
    let one = stage.mapped_with("one", &json!([port(8080, 80, "tcp")]), &keys);
    assert!(one.is_shut(80, &stage.router, at(NODE[0], 8080)));
    assert!(one.serves(80, &stage.router, at(NODE[1], 8080)).is_ok());
    assert_eq!(one.serves(80, &one.pod, at(BRIDGE[0], 8080)).expect("hairpin"), ip(BRIDGE[0]));
    stage.verb("CHECK", &one).succeeded();
    stage.verb("DEL", &one).succeeded();
    assert_eq!(stage.left_of("one"), "");
}

#[test]
fn a_port_that_iptables_leads_elsewhere_is_taken() {
    let stage = Stage::new();
    let one = stage.mapped_with("one", &json!([port(8080, 80, "tcp")]), &iptables());
    let two = stage.pod("two");
    let two = Attached { conf: portmap(&two.result, &json!([port(8080, 81, "tcp")]), &iptables()), ..two };
    let error = stage.verb("ADD", &two).error();
    assert_eq!(error["msg"], "port 0.0.0.0:8080/tcp is taken by net/one/eth0");
    assert_eq!(stage.left_of("two"), "");
    stage.verb("DEL", &one).succeeded();
    stage.verb("ADD", &two).succeeded();
    stage.verb("DEL", &one).succeeded();
    stage.verb("CHECK", &two).succeeded();
}
