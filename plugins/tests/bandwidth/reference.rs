//! In place of the reference: what its plugin made for containers that live through the change.

use std::path::PathBuf;

use sandbox::{Call, Place};
use serde_json::{Value, json};

use crate::garbage::{alive, gc};
use crate::network::{bandwidth, both, with};
use crate::stage::{Attached, Stage};

/// What `make deps` builds.
fn reference() -> PathBuf {
    std::env::var_os("TRESTLE_REFERENCE").map_or_else(|| sandbox::cached("plugins-1.9.1"), PathBuf::from)
}

/// The reference's call, with what `bridge` printed.
fn theirs(attached: &Attached, conf: &Value) -> Call {
    let conf = with(conf, &json!({ "prevResult": attached.result }));
    let call = Call::new(reference().join("bandwidth")).container(attached.pod.name()).netns(&attached.pod);
    call.ifname("eth0").conf(&conf)
}

#[test]
fn what_the_reference_limited_passes_check_and_can_be_deleted() {
    let stage = Stage::new();
    let p1 = stage.attached("p1");
    // Bursts as small and as large as ours never are.
    for (rate, burst) in
        [(8_000_000_u64, 16_000_u64), (1_000_000_000, 4_294_967_295), (40_000_000_000, 4_000_000)]
    {
        let limits =
            json!({ "ingressRate": rate, "ingressBurst": burst, "egressRate": rate, "egressBurst": burst });
        let conf = bandwidth(&limits);
        let result = theirs(&p1, &conf).command("ADD").run().result();
        assert_eq!(stage.devices().len(), 1);
        stage.check(&p1, &conf, &result).succeeded();
        let other = with(&conf, &json!({ "ingressRate": 9_000_000 }));
        stage.finds(&p1, (&other, &result), "ingress rate 9000000bit");
        stage.del("p1", &conf);
        assert_eq!(stage.devices(), [""; 0]);
        stage.node.sh(&format!("tc qdisc del dev {0} root; tc qdisc del dev {0} ingress", p1.host_end()));
    }
}

// B-24: of the reference's, too, a limit that is gone is found.
#[test]
fn check_finds_what_the_reference_made_and_somebody_took() {
    let stage = Stage::new();
    let p1 = stage.attached("p1");
    let result = theirs(&p1, &both()).command("ADD").run().result();
    stage.node.sh(&format!("tc qdisc replace dev {} root bfifo", p1.host_end()));
    stage.finds(&p1, (&both(), &result), "no limit");
    stage.node.sh(&format!("tc qdisc del dev {} ingress", p1.host_end()));
    stage.finds(&p1, (&both(), &result), "no redirection");
}

// B-07: nothing names the container, but a device with a limit to which nothing leads serves nobody.
#[test]
fn gc_removes_the_references_devices_whose_containers_are_gone() {
    let stage = Stage::new();
    let [p1, p2] = ["p1", "p2"].map(|name| stage.attached(name));
    for one in [&p1, &p2] {
        theirs(one, &both()).command("ADD").run().succeeded();
    }
    gc(&stage, &both(), &json!([]));
    assert_eq!(stage.devices().len(), 2);
    stage.node.exec(&["ip", "link", "del", p1.host_end()]);
    gc(&stage, &both(), &alive("p2"));
    assert_eq!(stage.devices().len(), 1);
    // It is the living one's: what it sends still passes.
    p2.pod.ping("10.1.2.1");
}

#[test]
fn an_add_after_the_reference_takes_its_place() {
    let stage = Stage::new();
    let p1 = stage.attached("p1");
    theirs(&p1, &both()).command("ADD").run().succeeded();
    let result = stage.add(&p1, &both());
    stage.check(&p1, &both(), &result).succeeded();
}

// What ours made, the reference's DEL may be asked to take: it finds no device of its own, and says nothing.
#[test]
fn the_result_is_the_references_but_for_name_and_mac_of_the_device() {
    let stage = Stage::new();
    let [p1, p2] = ["p1", "p2"].map(|name| stage.attached(name));
    let mut theirs = theirs(&p1, &both()).command("ADD").run().result();
    let mut ours = stage.add(&p2, &both());
    for result in [&mut theirs, &mut ours] {
        let device = result["interfaces"][3].take();
        let keys: Vec<String> =
            device.as_object().into_iter().flatten().map(|(key, _)| key.clone()).collect();
        assert_eq!(keys, ["mac", "name"]);
        assert!(device["name"].as_str().is_some_and(|name| name.starts_with("bwp") && name.len() == 15));
    }
    let interfaces = |result: &Value| result["interfaces"].as_array().map(Vec::len);
    assert_eq!(interfaces(&ours), interfaces(&theirs));
}
