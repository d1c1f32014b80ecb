//! `host-device` by the name or the MAC of a device. The device is a veth end: hardware can't be had here, and what the
//! kernel does with hardware when a namespace ends (it comes back under another name) is done by hand.

use sandbox::{Allowed, Place, Pod, Snapshot};
use serde_json::{Value, json};

use crate::stage::{Stage, addresses, conf, link, msg, with};

const MAC: &str = "02:00:00:00:00:55";

/// A node with the device `dev0`.
fn stage() -> Stage {
    let stage = Stage::new();
    stage.node.sh(&format!("ip link add dev0 address {MAC} type veth peer name far0; ip link set far0 up"));
    stage
}

/// `dev0` goes down and up and gets another index: what says so is not told apart.
fn before(stage: &Stage) -> Snapshot {
    stage.before().forgiving(&[Allowed::Containing("dev0"), Allowed::Containing("far0")])
}

/// What the kernel does with hardware when its namespace ends: it is down, and called as it was inside or, where that is
/// taken, `devN`.
fn send_back(stage: &Stage, pod: &Pod) {
    stage.node.sh(&format!("nsenter --net={} ip link set eth0 netns $$ name dev7", pod.path()));
}

fn home(stage: &Stage) -> Value {
    link(&stage.node, "dev0")
}

// Upstream: "Works with a valid config without IPAM", "Works with a valid config with IPAM".
#[test]
fn a_device_goes_in_under_the_asked_name_and_comes_back_under_its_own() {
    let stage = stage();
    for keys in
        [json!({ "device": "dev0" }), json!({ "hwaddr": MAC }), json!({ "device": "dev0", "ipam": null })]
    {
        let pod = stage.node.pod("p1");
        let before = before(&stage);
        let written = conf("host-device", &keys);
        let result = stage.add(&pod, &written);
        stage.check(&pod, &written, &result).succeeded();
        assert_eq!(pod.links(), ["eth0", "lo"]);
        let inside = link(&pod, "eth0");
        assert_eq!([&inside["ifalias"], &inside["address"]], ["dev0", MAC]);
        assert_eq!(
            result["interfaces"],
            json!([{ "name": "eth0", "mac": MAC, "mtu": 1500, "sandbox": pod.path() }])
        );
        let wanted = if keys["ipam"].is_null() && keys.get("ipam").is_some() { 0 } else { 2 };
        assert_eq!(addresses(&pod, "eth0").len(), wanted);
        stage.del(&pod, &written, &result);
        assert_eq!(pod.links(), ["lo"]);
        let back = home(&stage);
        assert_eq!([&back["address"], &back["ifalias"]], [&json!(MAC), &Value::Null], "{back}");
        before.assert_same(&Snapshot::take(&stage.node));
        stage.del(&pod, &written, &result);
    }
}

// Upstream: "Test CmdAdd/Del when additioinal interface alreay exists in container ns with same name".
#[test]
fn a_name_that_is_taken_in_the_container_is_no_obstacle() {
    let stage = stage();
    let pod = stage.node.pod("p1");
    pod.exec(&["ip", "link", "add", "dev0", "type", "veth", "peer", "name", "dev1"]);
    let written = conf("host-device", &json!({ "device": "dev0", "ipam": null }));
    let result = stage.add(&pod, &written);
    assert_eq!(link(&pod, "eth0")["address"], MAC);
    stage.del(&pod, &written, &result);
    assert_eq!(home(&stage)["address"], MAC);
    assert_eq!(pod.links(), ["dev0", "dev1", "lo"]);
}

// Upstream: "fails an invalid config".
#[test]
fn what_is_not_there_is_named() {
    let stage = stage();
    let pod = stage.node.pod("p1");
    for (keys, said) in [
        (json!({}), r#"specify either "device", "hwaddr", "kernelpath" or "pciBusID""#),
        (json!({ "device": "none0" }), "none0"),
        (json!({ "hwaddr": "02:00:00:00:00:99" }), "02:00:00:00:00:99"),
        (json!({ "hwaddr": "no" }), "hwaddr"),
        (json!({ "kernelpath": "/proc/1" }), "/sys/devices/"),
        (json!({ "kernelpath": "/sys/devices/virtual/none" }), "/sys/devices/virtual/none"),
        (json!({ "pciBusID": "0000:ff:1f.7" }), "0000:ff:1f.7"),
        (
            json!({ "device": "dev0", "runtimeConfig": { "deviceID": "mlx.9" } }),
            "runtime config DeviceID mlx.9 not found",
        ),
    ] {
        let error = stage.refused(&pod, &conf("host-device", &keys));
        assert!(error["code"] == 7 && msg(&error).contains(said), "{error}");
    }
    assert_eq!(pod.links(), ["lo"]);
}

// Upstream leaves the address and the name (B-13, cni#1167).
#[test]
fn a_device_that_its_namespace_sent_back_gets_its_name_again() {
    let stage = stage();
    let written = conf("host-device", &json!({ "device": "dev0" }));
    let before = before(&stage);
    // As it was, and with the MAC that a container gave it.
    for mac in [MAC, "02:00:00:00:00:66"] {
        let pod = stage.node.pod("p1");
        stage.add(&pod, &written);
        pod.exec(&["ip", "link", "set", "eth0", "address", mac]);
        send_back(&stage, &pod);
        let call = stage.call(&pod, &written);
        pod.remove();
        call.without("CNI_NETNS").command("DEL").run().succeeded();
        assert_eq!(home(&stage)["address"], mac);
        stage.node.exec(&["ip", "link", "set", "dev0", "address", MAC]);
    }
    before.assert_same(&Snapshot::take(&stage.node));
}

#[test]
fn an_add_finds_a_device_under_the_name_that_it_was_sent_back_by() {
    let stage = stage();
    let written = conf("host-device", &json!({ "device": "dev0" }));
    let (first, second) = (stage.node.pod("p1"), stage.node.pod("p2"));
    stage.add(&first, &written);
    send_back(&stage, &first);
    let result = stage.add(&second, &written);
    stage.del(&second, &written, &result);
    assert_eq!(home(&stage)["address"], MAC);
    // The late DEL of the first takes nothing.
    let call = stage.call(&first, &written);
    first.remove();
    call.without("CNI_NETNS").command("DEL").run().succeeded();
    assert_eq!(home(&stage)["address"], MAC);
}

// Upstream: "ensures CmdDel is idempotent", "Test idempotence of CmdDel".
#[test]
fn a_device_whose_name_is_taken_on_the_host_stays_until_it_is_free() {
    let stage = stage();
    let pod = stage.node.pod("p1");
    let written = conf("host-device", &json!({ "device": "dev0" }));
    let result = stage.add(&pod, &written);
    stage.node.exec(&["ip", "link", "add", "dev0", "type", "bridge"]);
    let later = with(&written, &json!({ "prevResult": result }));
    let error = stage.call(&pod, &later).command("DEL").run().error();
    assert!(msg(&error).contains("dev0"), "{error}");
    assert_eq!(pod.links(), ["eth0", "lo"]);
    stage.node.exec(&["ip", "link", "del", "dev0"]);
    stage.del(&pod, &written, &result);
    assert_eq!(home(&stage)["address"], MAC);
}

#[test]
fn status_misses_a_device_only_until_a_container_has_it() {
    let stage = stage();
    let written = conf("host-device", &json!({ "device": "dev0" }));
    assert_eq!(stage.status(&written), 0);
    let pod = stage.node.pod("p1");
    stage.add(&pod, &written);
    assert_eq!(stage.status(&written), 0);
    assert_eq!(stage.status(&with(&written, &json!({ "name": "net2" }))), 50);
}
