//! Saved configurations: of several attachments of a container, of flannel's own plugin, and lost ones.

use std::fs;

use sandbox::Place;
use serde_json::{Value, json};

use crate::network::{DUAL, V4, kube_flannel, with};
use crate::stage::{SAVED, SUBNET_ENV, Stage, all_saved, calls, saved, seen};

/// A second network of the same container.
fn second() -> Value {
    with(&kube_flannel("1.0.0"), "name", json!("net2"))
}

#[test]
fn two_attachments_of_a_container_are_deleted_each_by_its_own() {
    for first_goes in ["eth0", "net1"] {
        let stage = Stage::spied_on(DUAL);
        let pod = stage.node.pod("p1");
        let one = stage.call(&pod, &kube_flannel("1.0.0"));
        let two = stage.call(&pod, &second()).ifname("net1");
        one.clone().command("ADD").run().succeeded();
        let given = [seen("ADD"), {
            two.clone().command("ADD").run().succeeded();
            seen("ADD")
        }];
        assert_ne!(given[0], given[1]);
        assert_eq!(all_saved(&stage.node), "./.trestle/p1:eth0\n./.trestle/p1:net1\n./p1\n");
        assert_eq!(saved("p1"), Some(given[0].clone()));
        let [first, last] = if first_goes == "eth0" { [0, 1] } else { [1, 0] };
        let both = [&one, &two];
        both[first].clone().command("DEL").run().succeeded();
        assert_eq!(seen("DEL"), given[first]);
        // Flannel's own plugin would find the one that is left.
        assert_eq!(saved("p1"), Some(given[last].clone()));
        // Again, as runtimes do: it is the other's no more than before.
        both[first].clone().command("DEL").run().succeeded();
        assert_eq!(saved("p1"), Some(given[last].clone()));
        both[last].clone().command("DEL").run().succeeded();
        assert_eq!(seen("DEL"), given[last]);
        assert_eq!(all_saved(&stage.node), "");
    }
}

#[test]
fn two_attachments_to_one_network_do_not_take_each_others_file() {
    let stage = Stage::spied_on(DUAL);
    let pod = stage.node.pod("p1");
    let call = |ifname| stage.call(&pod, &kube_flannel("1.0.0")).ifname(ifname);
    call("eth0").command("ADD").run().succeeded();
    call("net1").command("ADD").run().succeeded();
    call("eth0").command("DEL").run().succeeded();
    assert_eq!(all_saved(&stage.node), "./.trestle/p1:net1\n./p1\n");
    call("net1").command("DEL").run().succeeded();
    assert_eq!(all_saved(&stage.node), "");
}

#[test]
fn a_repeated_add_saves_what_it_gave_last() {
    let stage = Stage::spied_on(DUAL);
    let pod = stage.node.pod("p1");
    stage.add(&pod, &kube_flannel("1.0.0"));
    stage.node.write(SUBNET_ENV, V4);
    stage.add(&pod, &kube_flannel("1.0.0"));
    assert_eq!(saved("p1"), Some(seen("ADD")));
    stage.del(&pod, &kube_flannel("1.0.0"));
    assert_eq!(seen("DEL"), seen("ADD"));
    assert_eq!(all_saved(&stage.node), "");
}

// Flannel's own plugin saves by container alone; its text is found whatever has become of network and node.
#[test]
fn an_attachment_of_flannels_own_plugin_is_deleted_by_what_that_saved() {
    let stage = Stage::spied_on(DUAL);
    let pod = stage.node.pod("p1");
    let theirs = r#"{"cniVersion":"0.3.1","name":"cbr0","type":"spy", "mtu":1}"#;
    stage.node.write(format!("{SAVED}/p1"), theirs);
    fs::remove_file(SUBNET_ENV).expect("it was there");
    let conf = with(&kube_flannel("0.3.1"), "delegate", json!({ "name": "wrong since" }));
    stage.del(&pod, &conf);
    assert_eq!((seen("DEL").as_str(), calls().as_str()), (theirs, "DEL p1 eth0\n"));
    assert_eq!(all_saved(&stage.node), "");
}

#[test]
fn a_file_of_flannels_plugin_for_another_interface_is_not_overwritten() {
    let stage = Stage::spied_on(DUAL);
    let pod = stage.node.pod("p1");
    let theirs = r#"{"cniVersion":"0.3.1","name":"cbr0","type":"spy"}"#;
    stage.node.write(format!("{SAVED}/p1"), theirs);
    let two = stage.call(&pod, &second()).ifname("net1");
    two.clone().command("ADD").run().succeeded();
    two.command("DEL").run().succeeded();
    assert_eq!(saved("p1").as_deref(), Some(theirs));
    stage.del(&pod, &kube_flannel("1.0.0"));
    assert_eq!(seen("DEL"), theirs);
    assert_eq!(all_saved(&stage.node), "");
}

// Of a renamed network, or of another interface, which flannel's plugin saved over this one's: both are tried.
#[test]
fn a_file_of_flannels_plugin_for_another_network_does_not_hide_this_one() {
    let stage = Stage::spied_on(DUAL);
    let pod = stage.node.pod("p1");
    stage.node.write(format!("{SAVED}/p1"), r#"{"cniVersion":"0.3.1","name":"old","type":"spy"}"#);
    stage.del(&pod, &kube_flannel("1.0.0"));
    assert_eq!(calls(), "DEL p1 eth0\nDEL p1 eth0\n");
    assert!(seen("DEL").contains(r#""name":"cbr0""#));
    assert_eq!(all_saved(&stage.node), "");
}

#[test]
fn del_does_without_the_file_and_without_flanneld() {
    for lost in ["", "{\"name\":"] {
        let stage = Stage::spied_on(DUAL);
        let pod = stage.node.pod("p1");
        let conf = kube_flannel("1.0.0");
        stage.add(&pod, &conf);
        stage.node.sh(&format!("rm -r {SAVED}/.trestle {SAVED}/p1"));
        if !lost.is_empty() {
            // Flannel's plugin writes in place: a crash may leave half.
            stage.node.write(format!("{SAVED}/p1"), lost);
        }
        stage.del(&pod, &conf);
        assert_eq!(seen("DEL"), seen("ADD"));
        assert_eq!(all_saved(&stage.node), "");
        fs::remove_file(SUBNET_ENV).expect("it was there");
        stage.del(&pod, &conf);
        assert_eq!(calls(), "ADD p1 eth0\nDEL p1 eth0\n");
    }
}

#[test]
fn check_and_del_are_given_the_saved_configuration_with_the_result_of_add() {
    let stage = Stage::spied_on(DUAL);
    let pod = stage.node.pod("p1");
    let result = stage.add(&pod, &kube_flannel("0.4.0"));
    let mut wanted: Value = serde_json::from_str(&seen("ADD")).expect("a configuration");
    // Meanwhile the node's subnet and the network's version are others.
    stage.node.write(SUBNET_ENV, V4);
    let later = with(&kube_flannel("1.0.0"), "prevResult", result.clone());
    wanted["cniVersion"] = json!("1.0.0");
    wanted["prevResult"] = result;
    for operation in ["CHECK", "DEL"] {
        stage.call(&pod, &later).command(operation).run().succeeded();
        assert_eq!(serde_json::from_str::<Value>(&seen(operation)).expect("a configuration"), wanted);
    }
}
