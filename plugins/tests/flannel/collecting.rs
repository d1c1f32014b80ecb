//! GC: the delegate's, and the saved files of attachments that are nobody's.

use std::fs;

use serde_json::{Value, json};

use crate::network::{DUAL, kube_flannel, with};
use crate::stage::{SAVED, SUBNET_ENV, Stage, all_saved, calls, seen};

/// Pods `a` and `b`, `b` with a second interface and a file of another network.
fn crowd() -> Stage {
    let stage = Stage::spied_on(DUAL);
    let conf = kube_flannel("1.1.0");
    for (name, ifname) in [("a", "eth0"), ("b", "eth0"), ("b", "net1")] {
        let call = stage.about(&conf).container(name).ifname(ifname).env("CNI_NETNS", "/run/netns/none");
        call.command("ADD").run().succeeded();
    }
    let other = r#"{"cniVersion":"1.1.0","name":"other","type":"spy"}"#;
    for (path, text) in [("c", other), (".trestle/c:eth0", other), ("d", ""), (".trestle/a:eth0:new", "{")] {
        stage.node.write(format!("{SAVED}/{path}"), text);
    }
    stage
}

fn gc(stage: &Stage, valid: &Value) {
    let conf = with(&kube_flannel("1.1.0"), "cni.dev/valid-attachments", valid.clone());
    stage.about(&conf).command("GC").run().succeeded();
}

/// What nobody may take: another network's, and what can't be read.
const FOREIGN: &str = "./.trestle/c:eth0\n./c\n./d\n";

#[test]
fn files_of_attachments_that_are_not_listed_go_and_others_stay() {
    let stage = crowd();
    let list = json!([{ "containerID": "b", "ifname": "net1" }]);
    gc(&stage, &list);
    assert_eq!(
        all_saved(&stage.node),
        "./.trestle/a:eth0:new\n./.trestle/b:net1\n./.trestle/c:eth0\n./b\n./c\n./d\n"
    );
    let asked: Value = serde_json::from_str(&seen("GC")).expect("a configuration");
    let mut wanted: Value = serde_json::from_str(&seen("ADD")).expect("a configuration");
    wanted["cni.dev/valid-attachments"] = list;
    assert_eq!(asked, wanted);
}

#[test]
fn without_a_list_nothing_goes() {
    let stage = crowd();
    let before = all_saved(&stage.node);
    stage.about(&kube_flannel("1.1.0")).command("GC").run().succeeded();
    assert_eq!(all_saved(&stage.node), before);
    assert!(calls().ends_with("GC  \n"));
}

#[test]
fn files_stay_until_the_delegate_has_cleaned_up() {
    let stage = crowd();
    let before = all_saved(&stage.node);
    stage.refuse("GC", &json!({ "cniVersion": "1.1.0", "code": 5, "msg": "not now" }));
    let conf = with(&kube_flannel("1.1.0"), "cni.dev/valid-attachments", json!([]));
    assert_eq!(stage.about(&conf).command("GC").run().error()["msg"], "not now");
    assert_eq!(all_saved(&stage.node), before);
}

#[test]
fn without_flanneld_a_saved_file_tells_the_delegate_and_without_both_nobody_does() {
    let stage = crowd();
    fs::remove_file(SUBNET_ENV).expect("it was there");
    // An empty list is sent as null, too; none of these containers was ever there.
    gc(&stage, &Value::Null);
    assert_eq!(all_saved(&stage.node), format!("./.trestle/a:eth0:new\n{FOREIGN}"));
    let conf = with(&kube_flannel("1.1.0"), "cni.dev/valid-attachments", json!([]));
    assert_eq!(stage.about(&conf).command("GC").run().error()["code"], 11);
}
