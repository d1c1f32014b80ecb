//! DEL: complete whatever is missing, and nothing of anybody else.

use sandbox::Place;
use serde_json::json;

use crate::network::{bandwidth, both, bridge, with};
use crate::stage::Stage;

// [%s] works with a Veth pair using 0.3.0 config. The link itself may live on: then nothing of it is limited any more.
#[test]
fn del_takes_away_all_that_add_made() {
    let stage = Stage::new();
    let p1 = stage.attached("p1");
    let before = stage.holdings();
    for (keys, version) in [
        (json!({}), "1.1.0"),
        (json!({ "shapedSubnets": ["10.0.0.0/8"] }), "1.1.0"),
        (json!({ "unshapedSubnets": ["fd00::/8"] }), "1.1.0"),
        (json!({}), "0.3.0"),
    ] {
        let conf = with(&both(), &keys);
        let result = stage.add(&p1, &conf);
        let mut conf = with(&conf, &json!({ "prevResult": result, "cniVersion": version }));
        if version == "0.3.0" {
            // As runtimes of its time call DEL.
            conf.as_object_mut().expect("an object").remove("prevResult");
        }
        let del = stage.call_of("bandwidth", &p1.pod, &conf).command("DEL");
        del.run().succeeded();
        assert_eq!(stage.holdings(), before, "{keys}");
        p1.pod.ping("10.1.2.1");
        del.run().succeeded();
    }
}

// P-042: neither the namespace, nor prevResult, nor a configuration that can be read.
#[test]
fn del_needs_nothing_but_the_names() {
    let stage = Stage::new();
    let p1 = stage.attached("p1");
    let before = stage.holdings();
    stage.add(&p1, &both());
    stage.del("p1", &bandwidth(&json!({ "ingressRate": 1, "shapedSubnets": ["nonsense"] })));
    assert_eq!(stage.holdings(), before);
}

#[test]
fn del_succeeds_when_the_container_and_its_link_are_gone() {
    let stage = Stage::new();
    let before = stage.holdings();
    let p1 = stage.attached("p1");
    stage.add(&p1, &both());
    stage.node.exec(&["ip", "link", "del", p1.host_end()]);
    p1.pod.remove();
    stage.del("p1", &both());
    assert_eq!(stage.devices(), [""; 0]);
    assert_eq!(stage.holdings().replace("qdisc noqueue 0: dev cni0 root refcnt 2 \n", ""), before);
}

#[test]
fn del_finds_the_device_when_the_record_is_lost() {
    let stage = Stage::new();
    let [p1, p2] = ["p1", "p2"].map(|name| stage.attached(name));
    let before = stage.holdings();
    stage.add(&p1, &both());
    stage.node.exec(&["rm", "-r", "/var/lib/cni/trestle/bandwidth"]);
    let result = stage.add(&p2, &both());
    stage.del("p1", &both());
    assert_eq!(stage.devices().len(), 1);
    stage.check(&p2, &both(), &result).succeeded();
    stage.del("p2", &both());
    assert_eq!(stage.holdings(), before);
}

// P-043: the container's interface is on another network by now.
#[test]
fn a_late_del_of_another_network_takes_nothing() {
    let stage = Stage::new();
    let p1 = stage.attached("p1");
    let result = stage.add(&p1, &both());
    stage.del("p1", &with(&both(), &json!({ "name": "net0" })));
    stage.check(&p1, &both(), &result).succeeded();
    stage.node.exec(&["rm", "-r", "/var/lib/cni/trestle/bandwidth"]);
    stage.del("p1", &with(&both(), &json!({ "name": "net0" })));
    assert_eq!(stage.devices().len(), 1);
}

// The whole list, backwards, as libcni does it.
#[test]
fn a_list_of_bridge_and_bandwidth_leaves_nothing() {
    let stage = Stage::new();
    let before = sandbox::Snapshot::take(&stage.node);
    let p1 = stage.attached("p1");
    stage.add(&p1, &both());
    stage.del("p1", &both());
    let conf = bridge("net1");
    stage.call_of("bridge", &p1.pod, &conf).command("DEL").run().succeeded();
    drop(p1);
    let allowed =
        [&sandbox::Allowed::after_del("cni0")[..], &[sandbox::Allowed::RulesOf("trestle")]].concat();
    before.forgiving(&allowed).assert_same(&sandbox::Snapshot::take(&stage.node));
}

// An ADD that fails takes back what it made: here a link of another kind has the device's name.
#[test]
fn an_add_that_fails_leaves_nothing() {
    let stage = Stage::new();
    let p1 = stage.attached("p1");
    stage.add(&p1, &both());
    let device = stage.devices()[0].clone();
    stage.del("p1", &both());
    // A long enough name in its place: an address filter that the kernel has no room for can't be had, a device can.
    stage.node.exec(&["ip", "link", "add", &device, "type", "bridge"]);
    let before = stage.holdings();
    let error = stage.call(&p1, &both()).command("ADD").run().error();
    assert!(error["msg"].as_str().is_some_and(|msg| msg.contains(&device)), "{error}");
    assert_eq!(stage.holdings(), before);
}
