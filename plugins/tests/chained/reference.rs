//! Beside the reference, and in its place.

use std::path::PathBuf;

use sandbox::{Call, Place, Pod};
use serde_json::{Value, json};

use crate::stage::{Stage, after, link, plugin, setting};

/// The newest, which `make deps` builds.
fn suite() -> PathBuf {
    std::env::var_os("TRESTLE_REFERENCE").map_or_else(|| sandbox::cached("plugins-1.9.1"), PathBuf::from)
}

/// The reference's ADD, and what it printed.
fn reference_add(pod: &Pod, conf: &Value, result: &Value) -> Value {
    let kind = conf["type"].as_str().expect("type is text");
    let call = Call::new(suite().join(kind)).container(pod.name()).netns(pod).ifname("eth0");
    call.conf(after(conf, result)).command("ADD").run().result()
}

/// All that the plugins here change in a container, each line with the container's own addresses left out.
fn state(pod: &Pod, result: &Value) -> String {
    let routed = pod.exec(&[
        "sh",
        "-c",
        "ip -4 rule; ip -6 rule; for table in main 100 101; do \
         ip -4 route show table $table; ip -6 route show table $table; done 2>/dev/null; true",
    ]);
    let link = link(pod, "eth0");
    let properties = ["address", "mtu", "promiscuity", "allmulti", "txqlen"].map(|key| link[key].to_string());
    // A MAC that nobody asked for comes from the address.
    let properties =
        properties.map(|value| if value.starts_with("\"0a:58:") { "…".to_owned() } else { value });
    let mut text = format!("{}{properties:?}{}", routed.stdout, setting(pod, "net/core/somaxconn"));
    for (number, ip) in result["ips"].as_array().into_iter().flatten().enumerate() {
        let address = ip["address"].as_str().expect("an address").split('/').next().unwrap_or_default();
        text = text.replace(&format!("{address} "), &format!("<{number}> "));
    }
    text
}

fn tuning() -> Value {
    let settings = json!({ "net.core.somaxconn": "500" });
    let keys = json!({ "sysctl": settings, "mac": "c2:11:22:33:44:55", "mtu": 1400, "promisc": true, "allmulti": true, "txQLen": 77 });
    plugin("tuning", &keys)
}

#[test]
fn the_container_is_as_the_reference_leaves_it() {
    let stage = Stage::new();
    for (conf, ours_name, theirs_name) in [
        (tuning(), "a", "b"),
        (plugin("sbr", &json!({ "table": 5000 })), "c", "d"),
        (plugin("sbr", &json!({})), "e", "f"),
    ] {
        let ((ours, first), (theirs, second)) = (stage.attached(ours_name), stage.attached(theirs_name));
        stage.add(&ours, &conf, &first);
        reference_add(&theirs, &conf, &second);
        // The reference routes each family's addresses by a table of both, and takes away the route of link-local ones.
        let sorted = |text: String| {
            let mut lines: Vec<_> = text.lines().map(str::trim).map(str::to_owned).collect();
            lines.retain(|line| !line.starts_with("fe80::"));
            lines.sort();
            lines.dedup();
            lines
        };
        assert_eq!(sorted(state(&ours, &first)), sorted(state(&theirs, &second)), "{conf}");
    }
}

#[test]
fn what_the_reference_made_passes_check_and_is_taken_away_by_del() {
    let stage = Stage::new();
    for (conf, name) in
        [(tuning(), "a"), (plugin("sbr", &json!({ "table": 5000 })), "b"), (plugin("sbr", &json!({})), "c")]
    {
        let (pod, result) = stage.attached(name);
        let before = link(&pod, "eth0");
        let made = reference_add(&pod, &conf, &result);
        assert_eq!(stage.amiss(&pod, &conf, &made), "", "{conf}");
        stage.del(&pod, &conf, &made);
        assert_eq!(link(&pod, "eth0"), before, "{conf}");
        let rules = pod.exec(&["sh", "-c", "ip -4 rule; ip -6 rule"]).stdout;
        assert!(!rules.contains("10.1.2.") && !rules.contains("fd01:2::"), "{rules}");
        assert_ne!(stage.amiss(&pod, &conf, &made), "", "{conf}");
    }
}
