//! Keys, versions, and what is refused.

use sandbox::Call;
use serde_json::{Value, json};

use crate::stage::{Stage, conf};

#[test]
fn a_bad_value_is_refused_by_its_key() {
    let stage = Stage::new();
    let one = stage.attached("one", 1);
    for (keys, begins) in [
        (json!({ "backend": "ipchains" }), "backend: invalid value \"ipchains\""),
        (json!({ "ingressPolicy": "closed" }), "ingressPolicy: unsupported value \"closed\""),
        (json!({ "iptablesAdminChainName": "FORWARD" }), "iptablesAdminChainName: invalid value \"FORWARD\""),
        (json!({ "iptablesAdminChainName": "A B" }), "iptablesAdminChainName: invalid value \"A B\""),
        (json!({ "iptablesAdminChainName": "-F" }), "iptablesAdminChainName: invalid value \"-F\""),
        (json!({ "iptablesAdminChainName": "x".repeat(29) }), "iptablesAdminChainName: invalid value"),
        (json!({ "firewalldZone": "a b" }), "firewalldZone: invalid value \"a b\""),
        (json!({ "backend": 5 }), ""),
    ] {
        for verb in ["ADD", "CHECK", "STATUS"] {
            let error = stage.call(&one, &keys).command(verb).run().error();
            assert_eq!(error["code"], 7, "{verb} {keys}: {error}");
            assert!(error["msg"].as_str().is_some_and(|text| text.starts_with(begins)), "{keys}: {error}");
        }
        stage.del(&one, &keys);
    }
    stage.add(&one, &json!({ "noSuchKey": [1] }));
}

#[test]
fn add_and_check_need_a_previous_result_and_del_needs_none() {
    let stage = Stage::new();
    let one = stage.protected("one", 1, &json!({}));
    let call = |verb: &str| {
        let call = Call::new(stage.bin.join("firewall")).container("one").netns(&one.pod).ifname("eth0");
        call.conf(conf(1, &json!({}))).command(verb).run()
    };
    assert_eq!(call("ADD").error()["code"], 7);
    assert_eq!(call("CHECK").error()["code"], 7);
    call("DEL").succeeded();
    assert!(!stage.tables().contains("net1/one"), "{}", stage.tables());
    call("DEL").succeeded();
}

#[test]
fn versions_are_the_references() {
    let stage = Stage::new();
    let reply =
        Call::new(stage.bin.join("firewall")).command("VERSION").conf(json!({ "cniVersion": "1.1.0" })).run();
    let told: Value = reply.result();
    assert_eq!(told["supportedVersions"], json!(["0.4.0", "1.0.0", "1.1.0"]));
}

#[test]
fn status_tells_of_a_backend_that_is_not_there() {
    let stage = Stage::new();
    let status =
        |keys: &Value| Call::new(stage.bin.join("firewall")).conf(conf(1, keys)).command("STATUS").run();
    for backend in ["", "nftables", "iptables"] {
        status(&json!({ "backend": backend })).succeeded();
    }
    let error = status(&json!({ "backend": "firewalld" })).error();
    assert_eq!(error["code"], 50, "{error}");
}

#[test]
fn status_tells_of_running_containers_that_lost_their_rules() {
    let stage = Stage::new();
    let one = stage.protected("one", 1, &json!({}));
    let status = || Call::new(stage.bin.join("firewall")).conf(conf(1, &json!({}))).command("STATUS").run();
    status().succeeded();
    stage.exec("nft flush ruleset");
    assert_eq!(status().error()["code"], 51);
    stage.exec("/opt/cni/bin/cni restore");
    status().succeeded();
    // Somebody's own ruleset drops what is forwarded: what it says nothing of, and what it can't be asked about.
    stage.exec("nft add table inet mine");
    stage.exec("nft add chain inet mine forward { type filter hook forward priority 0 ; policy drop ; }");
    stage.exec("nft add rule inet mine forward ip saddr 192.0.2.0/24 accept");
    let error = status().error();
    let said = error["msg"].as_str().unwrap();
    assert_eq!(error["code"], 51, "{error}");
    assert!(said.contains(&one.addresses()[0]) && said.contains("chain inet mine forward drops"), "{error}");
    stage.exec("nft insert rule inet mine forward iifname br1 accept");
    status().succeeded();
    stage.exec("nft delete table inet mine");
    stage.exec("iptables-nft -P FORWARD DROP");
    let error = status().error();
    assert!(error["msg"].as_str().unwrap().contains("chain ip filter FORWARD drops"), "{error}");
    stage.del(&one, &json!({}));
    status().succeeded();
}
