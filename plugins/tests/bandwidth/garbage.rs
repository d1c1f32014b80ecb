//! GC: what belongs to nobody goes, and nothing else.

use sandbox::Place;
use serde_json::{Value, json};

use crate::network::{both, with};
use crate::stage::Stage;

pub(crate) fn gc(stage: &Stage, conf: &Value, valid: &Value) {
    let conf = with(conf, &json!({ "cni.dev/valid-attachments": valid }));
    stage.call_of("bandwidth", &stage.node.pod("none"), &conf).command("GC").run().succeeded();
}

pub(crate) fn alive(container: &str) -> Value {
    json!([{ "containerID": container, "ifname": "eth0" }])
}

#[test]
fn gc_removes_the_limits_of_containers_that_are_not_listed() {
    let stage = Stage::new();
    let [p1, p2] = ["p1", "p2"].map(|name| stage.attached(name));
    stage.add(&p1, &both());
    let result = stage.add(&p2, &both());
    gc(&stage, &both(), &alive("p2"));
    assert_eq!((stage.devices().len(), stage.limit(p1.host_end()).0.as_str()), (1, "noqueue"));
    stage.check(&p2, &both(), &result).succeeded();
}

// The device bears its owner's name.
#[test]
fn gc_finds_devices_whose_records_are_lost() {
    let stage = Stage::new();
    let [p1, p2, p3] = ["p1", "p2", "p3"].map(|name| stage.attached(name));
    stage.add(&p1, &both());
    let result = stage.add(&p2, &both());
    stage.add(&p3, &with(&both(), &json!({ "name": "net2" })));
    stage.node.exec(&["rm", "-r", "/var/lib/cni/trestle/bandwidth"]);
    stage.node.exec(&["ip", "link", "add", "bwp0123456789ab", "type", "ifb"]);
    gc(&stage, &both(), &alive("p2"));
    assert_eq!(stage.devices().len(), 3, "p2's, another network's, a stranger's: {:?}", stage.devices());
    // Without a record it is the rates that count.
    stage.check(&p2, &both(), &result).succeeded();
}

#[test]
fn gc_without_a_list_removes_nothing() {
    let stage = Stage::new();
    let p1 = stage.attached("p1");
    let result = stage.add(&p1, &both());
    stage.call_of("bandwidth", &p1.pod, &both()).command("GC").run().succeeded();
    gc(&stage, &both(), &Value::Null);
    stage.check(&p1, &both(), &result).succeeded();
}

#[test]
fn the_administrators_gc_removes_the_devices_of_the_dead() {
    let stage = Stage::new();
    let [p1, p2] = ["p1", "p2"].map(|name| stage.attached(name));
    let result = stage.add(&p1, &both());
    stage.add(&p2, &both());
    let end = p2.host_end().to_owned();
    p2.pod.remove();
    let gone = sandbox::eventually(sandbox::PATIENCE, || {
        stage.node.try_exec(&["ip", "link", "show", &end]).code != 0
    });
    assert!(gone, "{end} outlives its container");
    stage.node.exec(&["/opt/cni/bin/cni", "gc"]);
    assert_eq!(stage.devices().len(), 1);
    stage.check(&p1, &both(), &result).succeeded();
}

#[test]
fn two_at_once_do_not_meet() {
    let stage = Stage::new();
    let pods: Vec<_> = (0..6).map(|number| stage.attached(&format!("p{number}"))).collect();
    let before = stage.holdings();
    let adds: Vec<_> = pods.iter().map(|pod| stage.call(pod, &both()).command("ADD").spawn()).collect();
    let results: Vec<Value> = adds.into_iter().map(|add| add.wait().result()).collect();
    assert_eq!(stage.devices().len(), pods.len());
    for (pod, result) in pods.iter().zip(&results) {
        stage.check(pod, &both(), result).succeeded();
    }
    let dels: Vec<_> = pods.iter().map(|pod| stage.call(pod, &both()).command("DEL").spawn()).collect();
    for del in dels {
        del.wait().succeeded();
    }
    assert_eq!(stage.holdings(), before);
}
