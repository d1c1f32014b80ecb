//! `tap`.

use sandbox::Place;
use serde_json::json;

use crate::stage::{Stage, addresses, conf, link, msg, with};

// Upstream: "configures and deconfigures tap link with ADD/DEL", with every key.
#[test]
fn a_tap_link_is_as_it_was_asked_for() {
    let stage = Stage::new();
    let keys = json!({ "multiQueue": true, "mtu": 1400, "mac": "02:00:00:00:00:07", "owner": 0, "group": 0 });
    stage.life(&conf("tap", &keys), |pod, result| {
        let inside = link(pod, "eth0");
        let data = &inside["linkinfo"]["info_data"];
        assert_eq!(
            [&data["type"], &data["multi_queue"], &data["vnet_hdr"], &data["persist"]],
            [&json!("tap"), &json!(true), &json!(true), &json!(true)],
            "{inside}"
        );
        assert_eq!([&data["user"], &data["group"]], [&json!("root"), &json!("root")], "{inside}");
        // B-35: the reference loses the MAC here.
        assert_eq!([&inside["mtu"], &inside["address"]], [&json!(1400), &json!("02:00:00:00:00:07")]);
        assert_eq!(result["interfaces"][0]["mac"], "02:00:00:00:00:07");
        assert_eq!(addresses(pod, "eth0"), ["10.1.2.2/24", "fd01:2::2/64"]);
    });
}

#[test]
fn without_any_key_it_is_a_tap_of_one_queue() {
    let stage = Stage::new();
    stage.life(&conf("tap", &json!({ "ipam": null })), |pod, _| {
        let data = link(pod, "eth0")["linkinfo"]["info_data"].clone();
        assert_eq!([&data["type"], &data["multi_queue"]], [&json!("tap"), &json!(false)]);
    });
}

// Upstream: "add, check and remove a tap device as a bridge port".
#[test]
fn it_may_be_a_port_of_a_bridge_in_the_container() {
    let stage = Stage::new();
    let pod = stage.node.pod("p1");
    pod.exec(&["ip", "link", "add", "br0", "type", "bridge"]);
    let conf = conf("tap", &json!({ "bridge": "br0" }));
    let result = stage.add(&pod, &conf);
    assert_eq!(link(&pod, "eth0")["master"], "br0");
    assert_eq!(addresses(&pod, "eth0"), ["10.1.2.2/24", "fd01:2::2/64"]);
    stage.check(&pod, &conf, &result).succeeded();
    pod.exec(&["ip", "link", "set", "eth0", "nomaster"]);
    let error = stage.check(&pod, &conf, &result).error();
    assert!(msg(&error).contains("br0"), "{error}");
    stage.del(&pod, &conf, &result);
    assert_eq!(pod.links(), ["br0", "lo"]);
}

// B-35: the reference starts `ip`.
#[test]
fn the_mac_comes_from_three_places_the_nearest_first_and_no_program_is_needed() {
    let stage = Stage::new();
    let [written, arguments, runtime] = ["02:00:00:00:00:01", "02:00:00:00:00:02", "02:00:00:00:00:03"];
    let args = format!("IgnoreUnknown=1;MAC={arguments}");
    let conf = conf("tap", &json!({ "mac": written, "ipam": null }));
    for (name, args, keys, wanted) in [
        ("p1", "", json!({}), written),
        ("p2", &args, json!({}), arguments),
        ("p3", &args, json!({ "runtimeConfig": { "mac": runtime } }), runtime),
    ] {
        let pod = stage.node.pod(name);
        let call = stage.call(&pod, &with(&conf, &keys)).args(args).env("PATH", "");
        let result = call.command("ADD").run().result();
        assert_eq!([&result["interfaces"][0]["mac"], &link(&pod, "eth0")["address"]], [wanted; 2]);
    }
}

#[test]
fn what_can_not_be_made_leaves_nothing() {
    let stage = Stage::new();
    let pod = stage.node.pod("p1");
    let before = stage.before();
    for (keys, said) in [
        (json!({ "bridge": "none0" }), "none0"),
        (json!({ "selinuxContext": "system_u:object_r:nobody_t:s0" }), "nobody_t"),
        (json!({ "owner": "root" }), "owner"),
        (json!({ "mtu": -1 }), "mtu: invalid value -1"),
    ] {
        let error = stage.refused(&pod, &conf("tap", &keys));
        assert!(msg(&error).contains(said), "{error}");
        assert_eq!(pod.links(), ["lo"]);
    }
    before.assert_same(&sandbox::Snapshot::take(&stage.node));
}
