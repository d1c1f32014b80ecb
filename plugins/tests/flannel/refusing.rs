//! Wrong values are named with key and value, and nothing is left of a refused ADD.

use std::fs;

use sandbox::Snapshot;
use serde_json::{Value, json};

use crate::network::{DUAL, V4, kube_flannel, with};
use crate::stage::{SUBNET_ENV, Stage, all_saved, calls, saved};

fn refused(stage: &Stage, conf: &Value) -> (u64, String) {
    let pod = stage.node.pod("p1");
    let error = stage.call(&pod, conf).command("ADD").run().error();
    (error["code"].as_u64().expect("a code"), error["msg"].as_str().expect("a message").to_owned())
}

#[test]
fn a_wrong_value_is_error_7_and_named_with_its_key() {
    for (key, value, message) in [
        ("delegate", json!(7), "delegate: invalid value 7: expected object"),
        ("delegate", json!({ "type": 7 }), "delegate.type: invalid value 7: expected the name of a plugin"),
        (
            "delegate",
            json!({ "type": "" }),
            "delegate.type: invalid value \"\": expected the name of a plugin",
        ),
        ("delegate", json!({ "name": "n" }), "delegate.name: invalid value \"n\": flannel sets it itself"),
        ("delegate", json!({ "ipam": {} }), "delegate.ipam: invalid value {}: flannel sets it itself"),
        (
            "delegate",
            json!({ "type": "a/b" }),
            "delegate.type: invalid value \"a/b\": expected the name of a plugin",
        ),
        ("ipam", json!({ "type": "" }), "ipam.type: invalid value \"\": expected the name of a plugin"),
        ("ipam", json!({ "routes": 1 }), "ipam.routes: invalid value 1: expected list"),
        (
            "ipam",
            json!({ "routes": [{ "dst": "x" }] }),
            "ipam.routes[0].dst: invalid value \"x\": invalid CIDR address",
        ),
        ("runtimeConfig", json!("x"), "runtimeConfig: invalid value \"x\": expected object"),
        ("subnetFile", json!(1), "subnetFile: invalid value 1: expected string"),
        ("dataDir", json!({}), "dataDir: invalid value {}: expected string"),
    ] {
        let stage = Stage::spied_on(DUAL);
        let before = Snapshot::take(&stage.node);
        let conf = with(&kube_flannel("1.0.0"), key, value);
        assert_eq!(refused(&stage, &conf), (7, message.to_owned()), "{conf}");
        before.assert_same(&Snapshot::take(&stage.node));
    }
}

/// It is read before any plugin's own keys are, by every plugin.
#[test]
fn an_ipam_of_another_shape_is_error_6() {
    let stage = Stage::spied_on(DUAL);
    for (ipam, message) in [
        (json!([]), "ipam: invalid value []: expected object"),
        (json!({ "type": true }), "ipam.type: invalid value true: expected string"),
    ] {
        let conf = with(&kube_flannel("1.0.0"), "ipam", ipam);
        assert_eq!(refused(&stage, &conf), (6, format!("error unmarshall network config: {message}")));
    }
}

#[test]
fn a_wrong_line_of_flanneld_is_named_with_its_file() {
    let stage = Stage::spied_on(&V4.replace("1450", "big"));
    let message = "failed to load flannel 'subnet.env' file: /run/flannel/subnet.env: line 3: FLANNEL_MTU: invalid \
                   value \"big\": expected a number of bytes";
    assert_eq!(refused(&stage, &kube_flannel("1.0.0")), (7, message.to_owned()));
}

#[test]
fn without_flanneld_the_runtime_is_to_try_again() {
    let stage = Stage::spied_on(DUAL);
    fs::remove_file(SUBNET_ENV).expect("it was there");
    let (code, message) = refused(&stage, &kube_flannel("1.0.0"));
    let start =
        "failed to load flannel 'subnet.env' file: open /run/flannel/subnet.env: No such file or directory";
    assert_eq!(code, 11);
    assert!(message.starts_with(start), "{message}");
}

#[test]
fn status_says_50_until_flanneld_has_come_up_and_asks_the_delegate_then() {
    let stage = Stage::spied_on(DUAL);
    let status = stage.about(&kube_flannel("1.1.0")).command("STATUS");
    status.run().succeeded();
    stage.refuse("STATUS", &json!({ "cniVersion": "1.1.0", "code": 51, "msg": "one leg" }));
    assert_eq!(status.run().error(), json!({ "cniVersion": "1.1.0", "code": 51, "msg": "one leg" }));
    for environment in [Some("FLANNEL_MTU=big\n"), Some(""), None] {
        match environment {
            Some(text) => stage.node.write(SUBNET_ENV, text),
            None => fs::remove_file(SUBNET_ENV).expect("it was there"),
        }
        let error = status.run().error();
        assert_eq!(error["code"], 50, "{error}");
        assert!(error["msg"].to_string().contains(SUBNET_ENV), "{error}");
    }
}

// P-041
#[test]
fn a_failed_delegates_error_is_ours_and_it_is_asked_to_delete() {
    let stage = Stage::spied_on(DUAL);
    let error = json!({ "cniVersion": "1.0.0", "code": 117, "msg": "no beds", "details": "tonight" });
    stage.refuse("ADD", &error);
    let pod = stage.node.pod("p1");
    let call = stage.call(&pod, &kube_flannel("1.0.0"));
    assert_eq!(call.clone().command("ADD").run().error(), error);
    assert_eq!((calls().as_str(), all_saved(&stage.node).as_str()), ("ADD p1 eth0\nDEL p1 eth0\n", ""));
    // What can't be deleted now stays for the runtime's own DEL.
    stage.refuse("DEL", &json!({ "cniVersion": "1.0.0", "code": 118, "msg": "not now" }));
    assert_eq!(call.clone().command("ADD").run().error(), error);
    assert!(saved("p1").is_some());
    assert_eq!(call.clone().command("DEL").run().error()["code"], 118);
    assert!(saved("p1").is_some());
    stage.allow("DEL");
    call.command("DEL").run().succeeded();
    assert_eq!(all_saved(&stage.node), "");
}

#[test]
fn a_delegate_that_is_not_there_leaves_nothing() {
    let stage = Stage::spied_on(DUAL);
    let conf = with(&kube_flannel("1.0.0"), "delegate", json!({ "type": "absent" }));
    assert_eq!(refused(&stage, &conf).0, 4);
    assert_eq!(all_saved(&stage.node), "");
}
