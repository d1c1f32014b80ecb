//! `nft flush ruleset`, as a reload of a distribution's firewall does it.

use sandbox::Place;
use serde_json::json;

use crate::stage::{NODE, Stage, at, port};

// 4.1, 18: "nothing restores them"
#[test]
fn after_a_flush_the_next_add_brings_back_everybodys_ports() {
    let stage = Stage::new();
    let one = stage.mapped("one", &json!([port(8080, 80, "tcp")]));
    let picky = json!({ "conditionsV4": ["ip saddr 192.0.2.0/24"] });
    let two = stage.mapped_with("two", &json!([port(8081, 80, "tcp")]), &picky);
    let three =
        stage.mapped_with("three", &json!([port(8082, 80, "tcp")]), &json!({ "backend": "iptables" }));
    for (number, damage, mend) in [
        (8083, "flush ruleset", "nftables"),
        (8084, "flush ruleset", "cni restore"),
        (8085, "delete table inet trestle", "iptables"),
    ] {
        stage.node.sh(&format!("nft {damage}"));
        for attached in [&one, &two, &three] {
            let error = stage.verb("CHECK", attached).error();
            assert!(error["msg"].as_str().unwrap().contains("missing"), "{damage}: {error}");
        }
        if mend == "cni restore" {
            stage.node.exec(&[&stage.bin.join("cni").to_string_lossy(), "restore"]);
        } else {
            let (name, ports) = (format!("by-{mend}"), json!([port(number, 80, "tcp")]));
            let _ = stage.mapped_with(&name, &ports, &json!({ "backend": mend }));
        }
        for (number, attached) in (8080..).zip([&one, &two, &three]) {
            stage.verb("CHECK", attached).succeeded();
            assert!(attached.serves(80, &stage.router, at(NODE[0], number)).is_ok(), "{number} after {mend}");
        }
    }
}
