//! In place of the reference: its rules are accepted by CHECK and removed by DEL, and its results are ours.

use std::path::PathBuf;

use sandbox::Call;
use serde_json::{Value, json};

use crate::stage::{Container, Stage, conf};

/// A call of the reference's plugin.
fn reference(container: &Container, keys: &Value) -> Call {
    let directory =
        PathBuf::from(std::env::var("TRESTLE_REFERENCE").expect("TRESTLE_REFERENCE names the plugins"));
    let mut conf = conf(container.network, keys);
    conf["prevResult"] = container.result.clone();
    let call = Call::new(directory.join("firewall")).container(container.pod.name()).netns(&container.pod);
    call.ifname("eth0").conf(&conf)
}

#[test]
fn a_container_that_the_reference_protected_passes_check_and_is_deleted() {
    for policy in ["open", "same-bridge"] {
        let stage = Stage::new();
        let keys = json!({ "ingressPolicy": policy });
        let [old, other] = [stage.attached("old", 1), stage.attached("other", 2)];
        for container in [&old, &other] {
            let result = reference(container, &keys).command("ADD").run().result();
            assert_eq!(result, container.result);
        }
        assert_eq!(stage.amiss(&old, &keys), "");
        // One of ours beside it, with the same chains.
        let new = stage.protected("new", 1, &keys);
        assert_eq!(stage.amiss(&new, &keys), "");
        stage.del(&old, &keys);
        let left = stage.filters();
        assert!(!left.contains(&format!("{}/32 ", old.addresses()[0])), "{left}");
        assert!(left.contains(&format!("{}/32 ", other.addresses()[0])), "{left}");
        assert_eq!([&other, &new].map(|one| stage.amiss(one, &keys)), ["", ""]);
        stage.del(&other, &keys);
        assert!(!stage.filters().contains("ingressPolicy: same-bridge) "), "{}", stage.filters());
        stage.del(&new, &keys);
        assert!(!stage.filters().contains("10.1."), "{}", stage.filters());
    }
}

#[test]
fn a_container_of_ours_is_one_that_the_reference_can_check_and_delete() {
    let stage = Stage::new();
    stage.exec("iptables-nft -P FORWARD DROP");
    stage.exec("ip6tables-nft -P FORWARD DROP");
    let one = stage.protected("one", 1, &json!({}));
    // It looks for rules without comments, so it does not find ours, but it must not stumble over them.
    reference(&one, &json!({})).command("DEL").run().succeeded();
    assert_eq!(stage.amiss(&one, &json!({})), "");
}

#[test]
fn a_late_del_of_the_references_takes_nothing_of_ours() {
    let stage = Stage::new();
    let keys = json!({ "backend": "iptables" });
    let old = stage.attached("old", 1);
    assert_eq!(reference(&old, &keys).command("ADD").run().result(), old.result);
    let mut new = stage.attached("new", 1);
    new.result["ips"] = old.result["ips"].clone();
    stage.add(&new, &keys);
    stage.del(&old, &keys);
    assert_eq!(stage.amiss(&new, &keys), "");
}
