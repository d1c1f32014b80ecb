//! `tuning` on real kernels: every key, and what DEL brings back.

use std::fs;

use sandbox::Place;
use serde_json::{Value, json};

use crate::stage::{Stage, after, link, plugin, setting};

const ALLOWLIST: &str = "/etc/cni/tuning/allowlist.conf";

fn tuning(keys: &Value) -> Value {
    plugin("tuning", keys)
}

/// A row: the keys, and how `ip -j -d` shows what they ask for.
fn properties() -> Vec<(Value, &'static str, Value)> {
    vec![
        (json!({ "mac": "c2:11:22:33:44:55" }), "address", json!("c2:11:22:33:44:55")),
        (json!({ "mtu": 1454 }), "mtu", json!(1454)),
        (json!({ "promisc": true }), "promiscuity", json!(1)),
        (json!({ "allmulti": true }), "allmulti", json!(1)),
        (json!({ "txQLen": 20000 }), "txqlen", json!(20000)),
    ]
}

/// The same wherever it may be written.
fn places(keys: &Value) -> Vec<Value> {
    vec![keys.clone(), json!({ "args": { "cni": keys } })]
}

#[test]
fn each_property_is_set_reported_checked_and_brought_back() {
    let stage = Stage::new();
    let (pod, result) = stage.attached("c1");
    for (keys, shown, wanted) in properties() {
        for keys in places(&keys) {
            let before = link(&pod, "eth0");
            let conf = tuning(&keys);
            let tuned = stage.add(&pod, &conf, &result);
            let mut expected = result.clone();
            for key in ["mac", "mtu"] {
                if let Some(value) = keys.get(key).or(keys["args"]["cni"].get(key)) {
                    expected["interfaces"][2][key] = value.clone();
                }
            }
            assert_eq!(tuned, expected, "{keys}");
            assert_eq!(link(&pod, "eth0")[shown], wanted, "{keys}");
            assert_eq!(stage.amiss(&pod, &conf, &tuned), "", "{keys}");
            stage.del(&pod, &conf, &tuned);
            assert_eq!(link(&pod, "eth0"), before, "{keys}");
            assert_ne!(stage.amiss(&pod, &conf, &tuned), "", "{keys}");
            stage.del(&pod, &conf, &tuned);
        }
    }
}

#[test]
fn a_kernel_setting_is_written_checked_and_brought_back() {
    let stage = Stage::new();
    let (pod, result) = stage.attached("c1");
    let conf =
        tuning(&json!({ "sysctl": { "net.ipv4.conf.IFNAME.arp_filter": "1", "net/core/somaxconn": "500" } }));
    let paths = ["net/ipv4/conf/eth0/arp_filter", "net/core/somaxconn"];
    let before = paths.map(|path| setting(&pod, path));
    assert_eq!(stage.add(&pod, &conf, &result), result);
    assert_eq!(paths.map(|path| setting(&pod, path)), ["1", "500"]);
    assert_eq!(stage.amiss(&pod, &conf, &result), "");
    stage.del(&pod, &conf, &result);
    assert_eq!(paths.map(|path| setting(&pod, path)), before);
}

#[test]
fn without_a_plugin_before_it_it_is_refused() {
    let stage = Stage::new();
    let pod = stage.node.pod("c1");
    let error = stage.refused(&pod, &tuning(&json!({ "mtu": 1400 })), &Value::Null);
    assert_eq!(error["code"], 7);
    assert_eq!(error["msg"], "prevResult: required, but missing: tuning must be called as a chained plugin");
}

#[test]
fn the_mac_asked_for_last_wins() {
    let stage = Stage::new();
    let (pod, result) = stage.attached("c1");
    let mac = |digit: u8| format!("c2:11:22:33:44:0{digit}");
    let mut conf = tuning(&json!({ "mac": mac(1) }));
    let args = format!("IgnoreUnknown=1;K8S_POD_NAME=web;MAC={}", mac(2));
    let add = |conf: &Value, args: &str| {
        let before = link(&pod, "eth0")["address"].clone();
        let tuned = stage.call(&pod, &after(conf, &result)).args(args).command("ADD").run().result();
        let told = tuned["interfaces"][2]["mac"].clone();
        assert_eq!(link(&pod, "eth0")["address"], told);
        stage.del(&pod, conf, &tuned);
        assert_eq!(link(&pod, "eth0")["address"], before);
        told.as_str().expect("a MAC").to_owned()
    };
    assert_eq!(add(&conf, ""), mac(1));
    assert_eq!(add(&conf, &args), mac(2));
    conf["runtimeConfig"] = json!({ "mac": mac(3) });
    assert_eq!(add(&conf, &args), mac(3));
    conf["args"] = json!({ "cni": { "mac": mac(4) } });
    assert_eq!(add(&conf, &args), mac(4));
}

// B-17: the kernel refuses to have ports below the container's own range of ports for itself alone.
#[test]
fn del_says_what_it_can_not_bring_back_and_brings_back_the_rest() {
    let stage = Stage::new();
    let (pod, result) = stage.attached("c1");
    let conf = tuning(
        &json!({ "mtu": 1400, "sysctl": { "net.ipv4.ip_unprivileged_port_start": "0" }, "txQLen": 77 }),
    );
    let before = link(&pod, "eth0");
    let tuned = stage.add(&pod, &conf, &result);
    pod.sh("echo 100 60999 >/proc/sys/net/ipv4/ip_local_port_range");
    let call = || stage.call(&pod, &after(&conf, &tuned)).command("DEL").run();
    let error = call().error();
    let said = error["msg"].as_str().unwrap();
    assert!(said.contains("ip_unprivileged_port_start"), "{error}");
    assert_eq!(link(&pod, "eth0"), before);
    // It is said once: no container's end waits for it.
    call().succeeded();
}

// B-17
#[test]
fn settings_in_args_need_none_in_the_configuration() {
    let stage = Stage::new();
    let (pod, result) = stage.attached("c1");
    let conf = tuning(&json!({ "args": { "cni": { "sysctl": { "net.core.somaxconn": "333" } } } }));
    stage.add(&pod, &conf, &result);
    assert_eq!(setting(&pod, "net/core/somaxconn"), "333");
    stage.del(&pod, &conf, &result);
    assert_ne!(setting(&pod, "net/core/somaxconn"), "333");
}

#[test]
fn what_can_not_be_is_refused_with_its_key_and_value() {
    let stage = Stage::new();
    let (pod, result) = stage.attached("c1");
    let before = link(&pod, "eth0");
    for (keys, error) in [
        (json!({ "sysctl": { "kernel.panic": "1" } }), r#"sysctl: invalid net sysctl key: "kernel.panic""#),
        (
            // Its dots become slashes.
            json!({ "sysctl": { "net/../kernel/panic": "1" } }),
            r#"sysctl: net/kernel/panic: invalid value "1": No such file or directory (os error 2)"#,
        ),
        (json!({ "mac": "c2:11" }), "mac: address c2:11: invalid MAC address"),
        (json!({ "mtu": -1 }), "mtu: invalid value -1: 0 to 65535 bytes"),
        (json!({ "mtu": "1400" }), r#"mtu: invalid value "1400": expected integer"#),
        (json!({ "txQLen": -1 }), "txQLen: invalid value -1: 0 to 4294967295 packets"),
        (json!({ "promisc": "yes" }), r#"promisc: invalid value "yes": expected true or false"#),
    ] {
        let refused = stage.refused(&pod, &tuning(&keys), &result);
        assert_eq!((&refused["code"], &refused["msg"]), (&json!(7), &json!(error)));
    }
    assert_eq!(link(&pod, "eth0"), before);
}

#[test]
fn a_setting_given_twice_is_refused() {
    let stage = Stage::new();
    let (pod, result) = stage.attached("c1");
    let conf = after(&tuning(&json!({ "sysctl": { "net.core.somaxconn": "500" } })), &result).to_string();
    let one = r#""net.core.somaxconn":"500""#;
    let twice = conf.replace(one, &format!("{one},{one}"));
    let refused = stage.call(&pod, &tuning(&json!({}))).conf(twice).command("ADD").run().error();
    assert_eq!(refused["code"], 7);
    let error = r#"sysctl: duplicated sysctl keys are not allowed: "net.core.somaxconn""#;
    assert_eq!(refused["msg"], error);
}

#[test]
fn only_what_the_allowlist_names_may_be_set() {
    let stage = Stage::new();
    let (pod, result) = stage.attached("c1");
    let conf = tuning(&json!({ "sysctl": { "net.core.somaxconn": "500" } }));
    let add = || stage.add(&pod, &conf, &result);
    let status = || stage.call(&pod, &conf).without("CNI_CONTAINERID").command("STATUS").run();
    stage.node.write(ALLOWLIST, "^net\\.core\\.somaxconn$\n");
    add();
    status().succeeded();
    stage.node.write(ALLOWLIST, "\n net.ipv4.conf.*\n");
    // What was allowed once is checked and brought back all the same.
    assert_eq!(stage.amiss(&pod, &conf, &result), "");
    stage.del(&pod, &conf, &result);
    assert_ne!(setting(&pod, "net/core/somaxconn"), "500");
    let error = "sysctl: net.core.somaxconn is not allowed. Only the following sysctls are allowed: [net.ipv4.conf.*]";
    let refused = stage.refused(&pod, &conf, &result);
    assert_eq!((&refused["code"], &refused["msg"]), (&json!(7), &json!(error)));
    let refused = status().error();
    assert_eq!((&refused["code"], &refused["msg"]), (&json!(50), &json!(error)));
}

// B-05
#[test]
fn somebody_who_listens_is_no_difference() {
    let stage = Stage::new();
    let (pod, result) = stage.attached("c1");
    // B-05: nor where the network says that it does not.
    let conf = tuning(&json!({ "mtu": 1400, "promisc": false }));
    let tuned = stage.add(&pod, &conf, &result);
    // A bridge listens to all that its ports hear.
    pod.exec(&["ip", "link", "add", "br0", "type", "bridge"]);
    pod.exec(&["ip", "link", "set", "eth0", "master", "br0"]);
    assert_eq!(link(&pod, "eth0")["promiscuity"], 1);
    assert_eq!(stage.amiss(&pod, &conf, &tuned), "");
}

#[test]
fn check_names_what_somebody_changed() {
    let stage = Stage::new();
    let (pod, result) = stage.attached("c1");
    let conf = tuning(&json!({ "mtu": 1400, "promisc": true, "sysctl": { "net.core.somaxconn": "500" } }));
    let tuned = stage.add(&pod, &conf, &result);
    pod.exec(&["ip", "link", "set", "eth0", "mtu", "1300", "promisc", "off"]);
    let whole = "the attachment is not as ADD made it: link eth0 promisc on: has promisc off; link eth0 mtu 1400: has mtu 1300";
    assert_eq!(stage.amiss(&pod, &conf, &tuned), whole);
}

/// What the reference left: its backup's directory and text.
fn reference(stage: &Stage, directory: &str, text: &str) -> String {
    let file = format!("{directory}/c1_eth0.json");
    stage.node.write(&file, text);
    file
}

#[test]
fn what_the_reference_changed_is_brought_back_and_its_file_removed() {
    let stage = Stage::new();
    for (keys, directory) in
        [(json!({}), "/run/cni/tuning"), (json!({ "dataDir": "/run/elsewhere" }), "/run/elsewhere")]
    {
        let (pod, result) = stage.attached("c1");
        let before = link(&pod, "eth0");
        let mac = before["address"].as_str().expect("a MAC");
        let text = format!(
            "{{\n \"mac\": \"{mac}\",\n \"promisc\": false,\n \"mtu\": 1500,\n \"allmulti\": false,\n \"txQLen\": {}\n}}",
            before["txqlen"]
        );
        let file = reference(&stage, directory, &text);
        pod.exec(&[
            "ip",
            "link",
            "set",
            "eth0",
            "mtu",
            "1400",
            "address",
            "c2:11:22:33:44:55",
            "txqueuelen",
            "77",
        ]);
        pod.exec(&["ip", "link", "set", "eth0", "promisc", "on", "allmulticast", "on"]);
        let conf = tuning(&keys);
        stage.del(&pod, &conf, &result);
        assert_eq!(link(&pod, "eth0"), before);
        assert!(!fs::exists(file).expect("a look"));
        stage.del(&pod, &crate::stage::bridge(), &result);
    }
}

// B-17
#[test]
fn the_references_file_goes_also_when_the_container_is_gone_or_the_text_is_broken() {
    let stage = Stage::new();
    let file = reference(&stage, "/run/cni/tuning", "{");
    let call = stage.call(&stage.node.pod("c1"), &tuning(&json!({}))).command("DEL");
    call.run().succeeded();
    assert!(!fs::exists(&file).expect("a look"));
    reference(&stage, "/run/cni/tuning", r#"{ "mtu": 1400 }"#);
    call.without("CNI_NETNS").run().succeeded();
    assert!(!fs::exists(&file).expect("a look"));
}

#[test]
fn the_result_of_every_version_is_passed_on() {
    let stage = Stage::new();
    let (pod, result) = stage.attached("c1");
    let old = json!({ "cniVersion": "0.2.0", "ip4": { "ip": "10.1.2.2/24" }, "dns": {} });
    for version in ["0.1.0", "0.2.0", "0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0"] {
        let mut conf = tuning(&json!({ "promisc": true }));
        conf["cniVersion"] = json!(version);
        let given = if version < "0.3.0" { &old } else { &result };
        let printed = stage.add(&pod, &conf, given);
        assert_eq!(printed["cniVersion"], version);
        assert_eq!(
            (&printed["ip4"]["ip"], &printed["ips"][0]["address"]),
            (&given["ip4"]["ip"], &given["ips"][0]["address"])
        );
        stage.del(&pod, &conf, given);
    }
}
