//! ADD refused: code 7, with key and value, and nothing is made.

use sandbox::Place;
use serde_json::{Value, json};

use crate::network::{bandwidth, both, with};
use crate::stage::Stage;

// [%s] fails an invalid ingress config; Should allow only 4GB burst rate
#[test]
fn a_bad_value_is_named_with_its_key() {
    let stage = Stage::new();
    let p1 = stage.attached("p1");
    let before = stage.holdings();
    let huge = 8 * u64::from(u32::MAX);
    for (keys, words) in [
        (json!({ "ingressRate": 1000 }), "ingressBurst: missing or 0: if rate is set (ingressRate: 1000)"),
        (json!({ "egressBurst": 1000 }), "egressRate: missing or 0: if burst is set (egressBurst: 1000)"),
        (
            json!({ "egressRate": 8, "egressBurst": huge }),
            "egressBurst: invalid value 34359738360: burst cannot be more",
        ),
        (
            json!({ "shapedSubnets": ["10.0.0.0/33"] }),
            "shapedSubnets: invalid value \"10.0.0.0/33\": not a subnet",
        ),
        (json!({ "unshapedSubnets": ["fd00::"] }), "unshapedSubnets: invalid value \"fd00::\": not a subnet"),
        (
            json!({ "shapedSubnets": ["10.0.0.0/8"], "unshapedSubnets": ["fd00::/8"] }),
            "shapedSubnets and unshapedSubnets cannot be both specified",
        ),
        (json!({ "runtimeConfig": { "bandwidth": { "ingressRate": 9 } } }), "ingressBurst: missing or 0"),
        (json!({ "ingressRate": -1, "ingressBurst": 8 }), "ingressRate"),
        (json!({ "ingressRate": "1M", "ingressBurst": 8 }), "ingressRate"),
    ] {
        for command in ["ADD", "CHECK"] {
            let conf = bandwidth(&keys);
            let error = stage.call(&p1, &conf).command(command).run().error();
            assert!(
                error["msg"].as_str().is_some_and(|msg| msg.contains(words)),
                "{command} {keys}: {error}"
            );
        }
    }
    assert_eq!(stage.holdings(), before);
}

#[test]
fn a_value_that_can_not_be_is_code_7() {
    let stage = Stage::new();
    let p1 = stage.attached("p1");
    let conf = bandwidth(&json!({ "ingressRate": 1000 }));
    assert_eq!(stage.call(&p1, &conf).command("ADD").run().error()["code"], 7);
    let status = stage.call_of("bandwidth", &p1.pod, &conf).command("STATUS").run().error();
    assert_eq!(status["code"], 7);
}

/// ADD with this in place of what `bridge` printed.
#[track_caller]
fn refused(stage: &Stage, (container, prev): (&str, &Value), words: &str) {
    let pod = stage.node.pod(container);
    pod.exec(&["ip", "link", "add", "eth0", "type", "bridge"]);
    let conf = with(&both(), &json!({ "prevResult": prev }));
    let error = stage.call_of("bandwidth", &pod, &conf).command("ADD").run().error();
    assert_eq!(error["code"], 7, "{error}");
    assert!(error["msg"].as_str().is_some_and(|msg| msg.contains(words)), "no {words:?} in {error}");
}

// [%s] should fail when container interface has no veth peer, … when preResult has no interfaces, … when veth peer of
// container interface does not match any of host interfaces in preResult
#[test]
fn a_container_whose_link_has_no_end_on_the_host_is_refused() {
    let stage = Stage::new();
    let p1 = stage.attached("p1");
    refused(&stage, ("x1", &p1.result), "the container's interface eth0 has no veth peer on the host");
    refused(&stage, ("x2", &json!({ "cniVersion": "1.1.0" })), "no interfaces provided");
    let mut strange = p1.result.clone();
    strange["interfaces"][1]["name"] = json!("other0");
    let conf = with(&both(), &json!({ "prevResult": strange }));
    let error = stage.call_of("bandwidth", &p1.pod, &conf).command("ADD").run().error();
    let words = format!("no interface of the host is {}", p1.host_end());
    assert!(error["msg"].as_str().is_some_and(|msg| msg.contains(&words)), "{error}");
}

#[test]
fn without_prev_result_it_says_that_it_belongs_into_a_list() {
    let stage = Stage::new();
    let p1 = stage.attached("p1");
    let error = stage.call_of("bandwidth", &p1.pod, &both()).command("ADD").run().error();
    assert_eq!(error["code"], 7);
    assert!(
        error["msg"].as_str().is_some_and(|msg| msg.contains("must be called as a chained plugin")),
        "{error}"
    );
}

// [%s] should work with multiple host veth interfaces; limits traffic only on the restricted bandwidth veth device
#[test]
fn only_the_link_of_cni_ifname_is_limited() {
    let stage = Stage::new();
    let p1 = stage.attached("p1");
    let bridge = crate::network::bridge("net1");
    let second = stage.call_of("bridge", &p1.pod, &bridge).ifname("net1").command("ADD").run().result();
    let mut all = p1.result.clone();
    let others = second["interfaces"].as_array().cloned().unwrap_or_default();
    all["interfaces"].as_array_mut().expect("a list").splice(0..0, others);
    let conf = with(&both(), &json!({ "prevResult": all }));
    stage.call_of("bandwidth", &p1.pod, &conf).command("ADD").run().succeeded();
    let other = second["interfaces"][1]["name"].as_str().expect("a name");
    assert_eq!((stage.limit(p1.host_end()).0.as_str(), stage.limit(other).0.as_str()), ("tbf", "noqueue"));
}

// [%s] works with a Veth pair using 0.3.0 config. P-026
#[test]
fn versions_before_0_3_0_can_not_name_interfaces() {
    let stage = Stage::new();
    let version = stage.call_of("bandwidth", &stage.node.pod("x"), &both()).command("VERSION").run().result();
    let supported = json!(["0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0"]);
    assert_eq!(version["supportedVersions"], supported);
    let p1 = stage.attached("p1");
    let mut bridge = crate::network::bridge("net1");
    for version in ["0.3.0", "0.3.1", "0.4.0", "1.0.0"] {
        bridge["cniVersion"] = json!(version);
        let pod = stage.node.pod(&format!("v{version}"));
        let prev = stage.call_of("bridge", &pod, &bridge).command("ADD").run().result();
        let conf = with(&both(), &json!({ "cniVersion": version, "prevResult": prev }));
        let result = stage.call_of("bandwidth", &pod, &conf).command("ADD").run().result();
        assert_eq!(result["interfaces"].as_array().map(Vec::len), Some(4), "{version}");
    }
    let old = with(&both(), &json!({ "cniVersion": "0.2.0" }));
    assert_eq!(stage.call(&p1, &old).command("ADD").run().error()["code"], 1);
}
