//! `cni plan`: what an ADD would do and print, without doing it.

use sandbox::{Call, Place, Snapshot};
use serde_json::{Value, json};

use crate::stage::{Stage, v4};

/// The lines of the plan, and the result.
fn plan(stage: &Stage, pod: &sandbox::Pod, conf: &Value) -> (Vec<String>, Value) {
    let call =
        Call::new(&stage.bin).through(&["sh", "-c", "exec \"$1\" plan", "sh", env!("CARGO_BIN_EXE_cni")]);
    let call =
        call.container(pod.name()).netns(pod).ifname("eth0").path(&stage.bin).command("ADD").conf(conf);
    let said = call.run();
    assert_eq!(said.code, 0, "{said:?}");
    let (lines, result) = said.stdout.split_once("\n\n").expect("a plan and a result");
    (lines.lines().map(str::to_owned).collect(), serde_json::from_str(result).expect("a result"))
}

#[test]
fn the_plan_of_each_plugin_is_what_its_add_then_does() {
    let (stage, _router) = Stage::with_router();
    stage.node.sh("ip link add dev0 type veth peer name far0");
    for (conf, first) in [
        (v4("ptp", &json!({})), "host      forwarding IPv4"),
        (v4("macvlan", &json!({ "master": "up0" })), "container macvlan eth0 address 0a:58:0a:01:02:"),
        (v4("tap", &json!({ "multiQueue": true })), "container tap eth0 address 0a:58:0a:01:02:"),
        (v4("host-device", &json!({ "device": "dev0" })), "container device dev0 as eth0"),
    ] {
        let pod = stage.node.pod("p1");
        let before = stage.before();
        let (lines, foreseen) = plan(&stage, &pod, &conf);
        assert!(lines[0].starts_with(first), "{lines:?}");
        before.assert_same(&Snapshot::take(&stage.node));
        let result = stage.add(&pod, &conf);
        assert_eq!(foreseen, result);
        stage.del(&pod, &conf, &result);
    }
}
