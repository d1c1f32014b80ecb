//! `sbr` on real kernels: rules, tables, and what DEL brings back.

use std::path::Path;
use std::thread;

use sandbox::{Call, Place, Pod};
use serde_json::{Value, json};

use crate::stage::{Stage, after, bridge, plugin};

pub(crate) fn sbr(keys: &Value) -> Value {
    plugin("sbr", keys)
}

/// The rules that lead from an address to a table, in the kernel's order.
pub(crate) fn rules(pod: &Pod) -> Vec<String> {
    let shown = |family: &str| {
        let text = pod.exec(&["ip", family, "rule"]).stdout;
        let from = text.lines().filter_map(|line| line.split_once("from ").map(|(_, rest)| rest.trim()));
        from.filter(|rest| !rest.starts_with("all")).map(str::to_owned).collect::<Vec<_>>()
    };
    [shown("-4"), shown("-6")].concat()
}

/// The routes of a table, sorted; `fe80::` ones left out.
pub(crate) fn routes(pod: &Pod, family: &str, table: &str) -> Vec<String> {
    // A table without routes is no table.
    let text =
        pod.exec(&["sh", "-c", &format!("ip {family} route show table {table} 2>/dev/null || true")]).stdout;
    let mut lines: Vec<String> = text.lines().map(|line| line.trim().to_owned()).collect();
    lines.retain(|line| !line.starts_with("fe80::"));
    lines.sort();
    lines
}

fn all(pod: &Pod) -> (Vec<String>, Vec<String>, Vec<String>) {
    (rules(pod), routes(pod, "-4", "main"), routes(pod, "-6", "main"))
}

#[test]
fn each_address_is_routed_by_a_table_of_its_own_until_the_end() {
    let stage = Stage::new();
    let (pod, result) = stage.attached("c1");
    let before = all(&pod);
    let conf = sbr(&json!({}));
    assert_eq!(stage.add(&pod, &conf, &result), result);
    assert_eq!(rules(&pod), ["10.1.2.2 lookup 100", "fd01:2::2 lookup 101"]);
    assert_eq!(
        routes(&pod, "-4", "100"),
        ["10.1.2.0/24 dev eth0 proto kernel scope link src 10.1.2.2", "default via 10.1.2.1 dev eth0"]
    );
    assert_eq!(
        routes(&pod, "-6", "101"),
        [
            "default via fd01:2::1 dev eth0 metric 1024 pref medium",
            "fd01:2::/64 dev eth0 proto kernel metric 256 pref medium"
        ]
    );
    assert_eq!((routes(&pod, "-4", "main"), routes(&pod, "-6", "main")), (vec![], vec![]));
    for gateway in ["10.1.2.1", "fd01:2::1"] {
        let own = if gateway.contains(':') { "fd01:2::2" } else { "10.1.2.2" };
        pod.exec(&["ping", "-c", "1", "-W", "5", "-I", own, gateway]);
    }
    assert_eq!(stage.amiss(&pod, &conf, &result), "");
    // Routes that were moved are no difference to who made them.
    assert_eq!(stage.amiss(&pod, &bridge(), &result), "");
    stage.del(&pod, &conf, &result);
    assert_eq!(all(&pod), before);
    assert_eq!((routes(&pod, "-4", "100"), routes(&pod, "-6", "101")), (vec![], vec![]));
    stage.del(&pod, &conf, &result);
}

#[test]
fn check_names_the_rule_or_route_that_is_gone() {
    let stage = Stage::new();
    let (pod, result) = stage.attached("c1");
    let conf = sbr(&json!({}));
    stage.add(&pod, &conf, &result);
    pod.exec(&["ip", "route", "del", "default", "table", "100"]);
    let amiss = stage.amiss(&pod, &conf, &result);
    assert!(amiss.contains("route 0.0.0.0/0 via 10.1.2.1 dev eth0 table 100"), "{amiss}");
    let amiss = stage.amiss(&pod, &bridge(), &result);
    assert!(amiss.contains("route 0.0.0.0/0 via 10.1.2.1 dev eth0: missing"), "{amiss}");
    pod.exec(&["ip", "-6", "rule", "del", "from", "fd01:2::2"]);
    let amiss = stage.amiss(&pod, &conf, &result);
    assert!(amiss.contains("rule from fd01:2::2 lookup 101: missing"), "{amiss}");
    // DEL doesn't mind, nor that there is no way any more to bring a route back.
    pod.sh("ip link set eth0 down; ip addr flush dev eth0");
    stage.del(&pod, &conf, &result);
    assert_eq!(rules(&pod), [""; 0]);
}

#[test]
fn a_table_of_somebody_else_gets_rules_and_nothing_else() {
    let stage = Stage::new();
    let (pod, result) = stage.attached("c1");
    let before = all(&pod);
    let conf = sbr(&json!({ "table": 5000 }));
    stage.add(&pod, &conf, &result);
    let (_, v4, v6) = all(&pod);
    assert_eq!(
        (rules(&pod), v4, v6),
        (
            vec!["10.1.2.2 lookup 5000".into(), "fd01:2::2 lookup 5000".into()],
            before.1.clone(),
            before.2.clone()
        )
    );
    assert_eq!(stage.amiss(&pod, &conf, &result), "");
    stage.del(&pod, &conf, &result);
    assert_eq!(all(&pod), before);
}

#[test]
fn tables_that_a_rule_or_a_route_names_are_not_taken() {
    let stage = Stage::new();
    let (pod, result) = stage.attached("c1");
    pod.exec(&["ip", "rule", "add", "from", "192.0.2.1", "lookup", "100"]);
    pod.exec(&["ip", "-6", "route", "add", "2001:db8::/32", "dev", "eth0", "table", "101"]);
    stage.add(&pod, &sbr(&json!({})), &result);
    assert!(rules(&pod).contains(&"10.1.2.2 lookup 102".to_owned()), "{:?}", rules(&pod));
    assert!(rules(&pod).contains(&"fd01:2::2 lookup 103".to_owned()), "{:?}", rules(&pod));
}

#[test]
fn interfaces_of_one_container_at_once_take_different_tables() {
    let stage = Stage::new();
    let (pod, first) = stage.attached("c1");
    let second = stage.call_on(&pod, "eth1", &bridge()).command("ADD").run().result();
    let conf = sbr(&json!({}));
    thread::scope(|scope| {
        for (ifname, result) in [("eth0", &first), ("eth1", &second)] {
            let call = stage.call_on(&pod, ifname, &after(&conf, result)).command("ADD");
            scope.spawn(move || call.run().result());
        }
    });
    let rules_of_both = rules(&pod);
    let mut tables: Vec<_> = rules_of_both.iter().filter_map(|rule| rule.rsplit(' ').next()).collect();
    tables.sort_unstable();
    assert_eq!(tables, ["100", "101", "102", "103"], "{rules_of_both:?}");
    // The end of one leaves the other's.
    stage.call_on(&pod, "eth0", &after(&conf, &first)).command("DEL").run().succeeded();
    assert_eq!(rules(&pod).len(), 2);
    let check = stage.call_on(&pod, "eth1", &after(&conf, &second)).command("CHECK");
    check.run().succeeded();
}

#[test]
fn gateways_of_the_configuration_take_the_place_of_the_results() {
    let stage = Stage::new();
    let (pod, result) = stage.attached("c1");
    let conf = sbr(&json!({ "gateways": ["10.1.2.254", "fd01:2::fe"] }));
    stage.add(&pod, &conf, &result);
    let default = |family, table| {
        routes(&pod, family, table).into_iter().find(|route| route.starts_with("default")).unwrap()
    };
    assert!(default("-4", "100").starts_with("default via 10.1.2.254 dev eth0"));
    assert!(default("-6", "101").starts_with("default via fd01:2::fe dev eth0"));
    assert_eq!(stage.amiss(&pod, &conf, &result), "");
    stage.del(&pod, &conf, &result);
    for (gateways, error) in [
        (
            json!(["10.1.2.254", "10.1.2.253"]),
            "gateways: 10.1.2.253 and 10.1.2.254: one IPv4 gateway at most",
        ),
        (json!(["fd01::1", "fd01::2"]), "gateways: fd01::2 and fd01::1: one IPv6 gateway at most"),
        (json!(["x"]), r#"gateways: invalid value "x": not an IP address"#),
    ] {
        let refused = stage.refused(&pod, &sbr(&json!({ "gateways": gateways })), &result);
        assert_eq!((&refused["code"], &refused["msg"]), (&json!(7), &json!(error)));
    }
}

#[test]
fn with_source_hints_the_main_table_keeps_what_is_on_the_link() {
    let stage = Stage::new();
    let (pod, result) = stage.attached("c1");
    let before = all(&pod);
    let conf = sbr(&json!({ "addSourceHints": true }));
    stage.add(&pod, &conf, &result);
    assert_eq!(routes(&pod, "-4", "main"), ["10.1.2.0/24 dev eth0 proto kernel scope link src 10.1.2.2"]);
    assert_eq!(
        routes(&pod, "-6", "main"),
        ["fd01:2::/64 dev eth0 proto kernel src fd01:2::2 metric 256 pref medium"]
    );
    assert_eq!(stage.amiss(&pod, &conf, &result), "");
    stage.del(&pod, &conf, &result);
    assert_eq!(all(&pod), before);
}

#[test]
fn del_succeeds_when_interface_namespace_and_result_are_gone() {
    let stage = Stage::new();
    let (pod, result) = stage.attached("c1");
    let conf = sbr(&json!({}));
    stage.add(&pod, &conf, &result);
    pod.exec(&["ip", "link", "del", "eth0"]);
    stage.call(&pod, &conf).command("DEL").run().succeeded();
    assert_eq!(rules(&pod), [""; 0]);
    let call = |conf: &Value| {
        Call::new(stage.bin.join("sbr")).container("c1").ifname("eth0").conf(conf).command("DEL")
    };
    call(&conf).run().succeeded();
    call(&conf).env("CNI_NETNS", "/run/netns/none").run().succeeded();
    assert!(!Path::new("/run/netns/none").exists(), "upstream's defect B-14: DEL made a file");
}

#[test]
fn an_interface_without_addresses_and_a_broken_table_are_refused() {
    let stage = Stage::new();
    let (pod, mut result) = stage.attached("c1");
    for table in [json!(0), json!(-1), json!(4_294_967_296_u64)] {
        let refused = stage.refused(&pod, &sbr(&json!({ "table": table })), &result);
        assert_eq!(refused["code"], 7, "{refused}");
    }
    result["ips"] = json!([]);
    let refused = stage.refused(&pod, &sbr(&json!({})), &result);
    assert_eq!(
        (&refused["code"], &refused["msg"]),
        (&json!(7), &json!("prevResult: the interface eth0 has no address"))
    );
}
