//! Whose packets are let through, and who is told.

use sandbox::Place;
use serde_json::json;

use crate::stage::{IPTABLES, Stage};

/// A node whose `FORWARD` drops, in these iptables.
fn dropping(programs: &[&str]) -> Stage {
    let stage = Stage::new();
    for program in programs {
        stage.exec(&format!("{program} -P FORWARD DROP"));
    }
    stage
}

#[test]
fn where_forward_drops_a_container_is_heard_in_every_iptables_that_does() {
    for programs in
        [&IPTABLES[..], &["iptables-nft", "ip6tables-legacy"], &["iptables-legacy", "ip6tables-nft"]]
    {
        let stage = dropping(programs);
        let [one, two] = [stage.attached("one", 1), stage.attached("two", 2)];
        assert_eq!(one.reaches_all(&two), [false, false], "{programs:?}");
        stage.add(&one, &json!({}));
        // The answers come back, but nobody may begin from outside.
        assert!(one.comes_to_reach(&two), "{programs:?}\n{}", stage.filters());
        assert_eq!(two.reaches_all(&one), [false, false], "{programs:?}");
        assert_eq!(stage.amiss(&one, &json!({})), "", "{programs:?}");
        stage.del(&one, &json!({}));
        assert_eq!(one.reaches_all(&two), [false, false], "{programs:?}");
        assert!(!stage.filters().contains("ACCEPT\n-"), "{}", stage.filters());
        assert_eq!(stage.tables(), "", "{programs:?}");
    }
}

#[test]
fn rules_are_the_references_with_the_owner_in_the_comment() {
    let stage = dropping(&["iptables-nft"]);
    let one = stage.protected("one", 1, &json!({ "iptablesAdminChainName": "MINE" }));
    let filter = stage.exec("iptables-nft-save -t filter").stdout;
    let address = &one.addresses()[0];
    for wanted in [
        "-A FORWARD -m comment --comment \"CNI firewall plugin rules\" -j CNI-FORWARD".to_owned(),
        "-A CNI-FORWARD -m comment --comment \"CNI firewall plugin admin overrides\" -j MINE".to_owned(),
        format!(
            "-A CNI-FORWARD -d {address}/32 -m conntrack --ctstate RELATED,ESTABLISHED -m comment --comment"
        ),
        format!("-A CNI-FORWARD -s {address}/32 -m comment --comment"),
    ] {
        assert!(filter.contains(&wanted), "{wanted}\n{filter}");
    }
    assert!(filter.contains(" net1/one/eth0\" -j ACCEPT"), "{filter}");
}

#[test]
fn the_administrators_chain_comes_first() {
    let stage = dropping(&["iptables-nft", "ip6tables-nft"]);
    let [one, two] = [stage.protected("one", 1, &json!({})), stage.attached("two", 2)];
    assert!(one.comes_to_reach(&two));
    stage.exec("iptables-nft -A CNI-ADMIN -p icmp -j DROP");
    assert_eq!(one.reaches_all(&two), [false, true]);
    // Others come and go, and it stays.
    let three = stage.protected("three", 1, &json!({}));
    stage.del(&three, &json!({}));
    stage.del(&one, &json!({}));
    assert!(stage.filters().contains("-A CNI-ADMIN -p icmp -j DROP"), "{}", stage.filters());
}

#[test]
fn without_anybody_who_drops_the_rules_are_in_a_table_of_our_own() {
    let stage = Stage::new();
    let one = stage.protected("one", 1, &json!({}));
    let tables = stage.tables();
    for address in one.addresses() {
        assert!(tables.contains(&format!("{address} comment")), "{tables}");
    }
    assert_eq!(stage.exec("nft list tables").stdout.matches("filter").count(), 0);
    assert_eq!(stage.amiss(&one, &json!({})), "");
    stage.del(&one, &json!({}));
    assert!(!stage.tables().contains("comment \"net1"), "{}", stage.tables());
    assert!(stage.amiss(&one, &json!({})).contains("missing"));
}

#[test]
fn the_administrators_chain_alone_asks_for_iptables() {
    let stage = Stage::new();
    stage.exec("iptables-nft -N CNI-ADMIN");
    let one = stage.protected("one", 1, &json!({}));
    let address = &one.addresses()[0];
    assert!(stage.filters().contains(&format!("-A CNI-FORWARD -s {address}/32")), "{}", stage.filters());
    // IPv6 has no such chain.
    assert!(stage.tables().contains(&format!("{} comment", one.addresses()[1])), "{}", stage.tables());
    let two = stage.protected("two", 2, &json!({ "iptablesAdminChainName": "MINE" }));
    assert!(stage.filters().contains(&format!("-A CNI-FORWARD -s {}/128", two.addresses()[1])));
    assert!(stage.filters().contains(":MINE -"), "{}", stage.filters());
}

#[test]
fn each_backend_may_be_asked_for() {
    let stage = Stage::new();
    let keys = json!({ "backend": "iptables" });
    let one = stage.protected("one", 1, &keys);
    assert_eq!(stage.tables(), "");
    assert_eq!(stage.amiss(&one, &keys), "");
    // B-23: once more makes nothing twice.
    let made = stage.filters();
    stage.add(&one, &keys);
    assert_eq!(stage.filters(), made);
    stage.exec("iptables-nft -P FORWARD DROP");
    let keys = json!({ "backend": "nftables" });
    let two = stage.protected("two", 2, &keys);
    assert!(!stage.filters().contains(&two.addresses()[0]), "{}", stage.filters());
    assert_eq!(stage.amiss(&two, &keys), "");
}

#[test]
fn check_tells_of_a_forward_that_drops_since() {
    let stage = Stage::new();
    let [one, two] = [stage.protected("one", 1, &json!({})), stage.attached("two", 2)];
    assert_eq!(stage.amiss(&one, &json!({})), "");
    stage.exec("iptables-nft -P FORWARD DROP");
    // B-23: who looks changes nothing.
    let rules = || (stage.exec("nft list ruleset").stdout, stage.filters());
    let before = rules();
    let amiss = stage.amiss(&one, &json!({}));
    assert_eq!(rules(), before);
    assert!(
        amiss.contains(&format!("accept {} iptables-nft CNI-ADMIN: missing", one.addresses()[0])),
        "{amiss}"
    );
    // What was made by another backend is taken away all the same.
    stage.exec("iptables-nft -P FORWARD ACCEPT");
    assert!(one.comes_to_reach(&two));
    stage.del(&one, &json!({}));
    assert!(!stage.tables().contains("net1/one"), "{}", stage.tables());
}

#[test]
fn rules_of_others_that_accept_need_no_more() {
    let stage = dropping(&["iptables-nft"]);
    stage.exec("iptables-nft -A FORWARD -s 10.1.0.0/16 -j ACCEPT");
    stage.exec("iptables-nft -A FORWARD -d 10.1.0.0/16 -j ACCEPT");
    let [one, two] = [stage.protected("one", 1, &json!({})), stage.attached("two", 2)];
    assert!(!stage.filters().contains("CNI-FORWARD"), "{}", stage.filters());
    assert!(one.comes_to_reach(&two));
}

#[test]
fn a_container_is_well_that_came_before_the_first_one_by_iptables() {
    let stage = Stage::new();
    let one = stage.protected("one", 1, &json!({}));
    // It brings the administrator's chain.
    let two = stage.protected("two", 2, &json!({ "backend": "iptables" }));
    assert!(stage.filters().contains("CNI-ADMIN"), "{}", stage.filters());
    assert_eq!(stage.amiss(&one, &json!({})), "");
    stage.del(&two, &json!({}));
    assert_eq!(stage.amiss(&one, &json!({})), "");
}

#[test]
fn iptables_that_is_not_installed_is_named() {
    let stage = Stage::new();
    let one = stage.attached("one", 1);
    let keys = json!({ "backend": "iptables" });
    let error = stage.call(&one, &keys).env("PATH", "/nowhere").command("ADD").run().error();
    assert!(error["msg"].as_str().is_some_and(|text| text.contains("is not installed")), "{error}");
    stage.call(&one, &keys).env("PATH", "/nowhere").command("DEL").run().succeeded();
    let error = stage.call(&one, &keys).env("PATH", "/nowhere").command("STATUS").run().error();
    assert_eq!(error["code"], 50, "{error}");
    // B-22: who has no IPv6 address needs no ip6tables.
    let mut four = stage.attached("four", 1);
    four.result["ips"].as_array_mut().expect("ips").truncate(1);
    stage.node.sh("mkdir /run/only4
        for variant in nft legacy; do for tool in '' -save -restore; do
        ln -s $(command -v iptables-$variant$tool) /run/only4/; done; done");
    for (backend, left_out) in [("iptables", "nothing"), ("", "nothing"), ("iptables", "prevResult")] {
        let keys = json!({ "backend": backend });
        stage.exec("iptables-nft -P FORWARD DROP");
        let call = |command| stage.call(&four, &keys).env("PATH", "/run/only4").command(command);
        call("ADD").run().succeeded();
        call("CHECK").run().succeeded();
        assert!(stage.filters().contains("net1/four"), "{}", stage.filters());
        if left_out == "prevResult" {
            stage.exec("rm -r /var/lib/cni/trestle/firewall");
        }
        call("DEL").run().succeeded();
        assert!(!stage.filters().contains("net1/four"), "{}", stage.filters());
    }
}
