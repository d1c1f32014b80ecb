//! `tuning` on real kernels: every key, and what DEL brings back.

use serde_json::{Value, json};

use crate::stage::{Stage, link, plugin, setting};

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
