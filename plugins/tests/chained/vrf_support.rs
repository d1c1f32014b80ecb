//! What `vrf` answers where the kernel has no VRF, and what no kernel is asked for. With one: `tests/vrf`.

use sandbox::Place;
use serde_json::{Value, json};

use crate::stage::{Stage, link, plugin};

#[test]
fn a_kernel_without_vrf_is_named_and_nothing_is_left() {
    let stage = Stage::new();
    let (pod, result) = stage.attached("c1");
    let made = pod.exec(&[
        "sh",
        "-c",
        "ip link add probe type vrf table 9 2>/dev/null && ip link del probe && echo yes || true",
    ]);
    let conf = plugin("vrf", &json!({ "vrfname": "blue" }));
    // B-08
    let status =
        stage.call(&pod, &conf).without("CNI_CONTAINERID").without("CNI_NETNS").without("CNI_IFNAME");
    let status = status.command("STATUS").run();
    let reply = stage.call(&pod, &crate::stage::after(&conf, &result)).command("ADD").run();
    if made.stdout.contains("yes") {
        let _ = reply.result();
        status.succeeded();
    } else {
        assert_eq!(status.error()["code"], 50);
        let error = reply.error();
        let msg = error["msg"].as_str().expect("msg is text");
        assert!(
            msg.starts_with("the kernel lacks VRF (CONFIG_NET_VRF), which link eth0 vrf blue table 1 needs"),
            "{msg}"
        );
        assert_eq!(link(&pod, "eth0")["master"], Value::Null);
    }
    stage.del(&pod, &conf, &result);
    assert_eq!(pod.links(), ["eth0", "lo"]);
}

#[test]
fn a_vrf_needs_a_name_and_a_version_with_chains() {
    let stage = Stage::new();
    let (pod, result) = stage.attached("c1");
    for (keys, error) in [
        (json!({}), r#"vrfname: invalid value "": interface name is empty"#),
        (json!({ "vrfname": "blue", "table": -1 }), "table: invalid value -1: 0 to 4294967295"),
    ] {
        let refused = stage.refused(&pod, &plugin("vrf", &keys), &result);
        assert_eq!((&refused["code"], &refused["msg"]), (&json!(7), &json!(error)));
    }
    let mut old = plugin("vrf", &json!({ "vrfname": "blue" }));
    old["cniVersion"] = json!("0.3.0");
    assert_eq!(stage.refused(&pod, &old, &result)["code"], 1);
}
