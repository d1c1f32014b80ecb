//! What happens to rules later: flushes, successors, garbage collection.

use std::thread;

use sandbox::Call;
use serde_json::{Value, json};

use crate::stage::{Stage, conf};

/// Containers with every kind of rule: our own table, iptables, both policies.
fn everything() -> [(u8, Value); 4] {
    [
        (1, json!({ "backend": "nftables", "ingressPolicy": "same-bridge" })),
        (2, json!({ "backend": "nftables", "ingressPolicy": "isolated" })),
        (3, json!({ "backend": "iptables", "ingressPolicy": "isolated" })),
        (4, json!({})),
    ]
}

/// Rules and elements, less those of the dead, in an order of their own.
fn sorted(text: &str) -> Vec<String> {
    let parts = text.split(['\n', ',', '{', '}']).map(|part| part.trim().to_owned());
    let mut parts: Vec<String> = parts.filter(|part| !part.is_empty() && !part.contains("/dead/")).collect();
    parts.sort_unstable();
    parts
}

/// Rules after a flush, healed by `heal`.
fn flushed(heal: impl FnOnce(&Stage)) {
    let stage = Stage::new();
    let all: Vec<_> = everything()
        .into_iter()
        .map(|(network, keys)| (stage.protected(&format!("c{network}"), network, &keys), keys))
        .collect();
    let dead = stage.protected("dead", 1, &json!({ "backend": "nftables" }));
    let before = (sorted(&stage.tables()), sorted(&stage.filters()));
    dead.pod.remove();
    stage.exec("ip link del dev br1");
    stage.exec("nft flush ruleset");
    for (container, keys) in &all {
        assert!(stage.amiss(container, keys).contains("missing"), "{keys}");
    }
    heal(&stage);
    for (container, keys) in &all {
        assert_eq!(stage.amiss(container, keys), "", "{keys}");
    }
    assert_eq!((sorted(&stage.tables()), sorted(&stage.filters())), before);
}

#[test]
fn restore_brings_back_every_living_containers_rules() {
    flushed(|stage| drop(stage.exec("/opt/cni/bin/cni restore")));
}

#[test]
fn the_next_add_brings_back_every_living_containers_rules() {
    flushed(|stage| {
        let keys = json!({ "backend": "nftables" });
        let next = stage.protected("next", 5, &keys);
        stage.del(&next, &keys);
    });
}

#[test]
fn a_late_del_takes_nothing_of_the_addresss_next_owner() {
    for backend in ["nftables", "iptables"] {
        let stage = Stage::new();
        let keys = json!({ "backend": backend });
        let old = stage.protected("old", 1, &keys);
        // The runtime forgot it; its address is another's now.
        let mut new = stage.attached("new", 1);
        new.result["ips"] = old.result["ips"].clone();
        stage.add(&new, &keys);
        assert_eq!(stage.amiss(&new, &keys), "", "{backend}");
        stage.del(&old, &keys);
        assert_eq!(stage.amiss(&new, &keys), "", "{backend}");
        stage.del(&new, &keys);
        assert!(!stage.tables().contains("net1/") && !stage.filters().contains("net1/"), "{backend}");
    }
}

#[test]
fn gc_removes_what_is_nobodys_and_nothing_else() {
    let stage = Stage::new();
    let mut kept = Vec::new();
    for (network, keys) in everything() {
        let lost = stage.protected(&format!("lost{network}"), network, &keys);
        kept.push((stage.protected(&format!("kept{network}"), network, &keys), keys));
        // With a record or without one.
        if network % 2 == 0 {
            stage.exec("rm -r /var/lib/cni/trestle/firewall");
            let (container, keys) = kept.last().expect("one was pushed");
            stage.add(container, keys);
        }
        let mut collect = conf(network, &json!({}));
        collect["cni.dev/valid-attachments"] =
            json!([{ "containerID": format!("kept{network}"), "ifname": "eth0" }]);
        Call::new(stage.bin.join("firewall")).conf(&collect).command("GC").run().succeeded();
        let rules = stage.tables() + &stage.filters();
        assert!(!rules.contains(&format!("net{network}/{}/", lost.pod.name())), "{network}\n{rules}");
        let (container, keys) = kept.last().expect("one was pushed");
        assert_eq!(stage.amiss(container, keys), "", "{network}");
    }
}

#[test]
fn callers_at_the_same_time_get_a_rule_each() {
    for keys in
        [json!({ "backend": "nftables", "ingressPolicy": "same-bridge" }), json!({ "backend": "iptables" })]
    {
        let stage = Stage::new();
        let containers = ["a", "b", "c", "d"].map(|name| stage.attached(name, 1));
        thread::scope(|scope| {
            let calls = containers.each_ref().map(|container| stage.call(container, &keys).command("ADD"));
            for call in calls {
                scope.spawn(move || call.run().result());
            }
        });
        for container in &containers {
            assert_eq!(stage.amiss(container, &keys), "", "{keys}");
        }
        thread::scope(|scope| {
            let calls = containers.each_ref().map(|container| stage.call(container, &keys).command("DEL"));
            for call in calls {
                scope.spawn(move || call.run().succeeded());
            }
        });
        assert!(!stage.tables().contains("net1/") && !stage.filters().contains("net1/"), "{keys}");
    }
}

#[test]
fn uninstall_leaves_nothing_but_the_administrators_rules() {
    let stage = Stage::new();
    for (network, keys) in everything() {
        stage.protected(&format!("c{network}"), network, &keys);
    }
    stage.exec("iptables-nft -A CNI-ADMIN -i lo -j ACCEPT");
    stage.exec("/opt/cni/bin/cni uninstall /opt/cni/bin");
    assert_eq!(stage.tables(), "");
    let left: Vec<String> =
        sorted(&stage.filters()).into_iter().filter(|line| line.contains("CNI-")).collect();
    assert_eq!(left, ["-A CNI-ADMIN -i lo -j ACCEPT", ":CNI-ADMIN -"]);
}
