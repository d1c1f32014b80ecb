//! SIGKILL after every change of ADD and of DEL: whatever is half made, DEL takes away, GC forgets, and the next
//! ADD of the same container succeeds.

use std::fs;

use sandbox::{PATIENCE, Place, Pod, Victims, eventually, kill_after, kill_ever_later};
use serde_json::{Value, json};

use crate::stage::{Stage, after, link, plugin, setting};

/// All that the plugins here change in a container.
fn state(pod: &Pod) -> (Value, String, [String; 4]) {
    let shown = |command: &[&str]| pod.exec(command).stdout;
    let routed = [
        shown(&["ip", "-4", "rule"]),
        shown(&["ip", "-6", "rule"]),
        shown(&["ip", "-4", "route", "show", "table", "all"]),
        shown(&[
            "sh",
            "-c",
            "ip -6 route show table all | grep -v 'multicast\\|fe80' | sed 's/ expires.*//' | sort",
        ]),
    ];
    (link(pod, "eth0"), setting(pod, "net/core/somaxconn"), routed)
}

fn records(kind: &str) -> usize {
    let boots = fs::read_dir(format!("/var/lib/cni/trestle/{kind}")).into_iter().flatten().flatten();
    boots.flat_map(|boot| fs::read_dir(boot.path()).into_iter().flatten()).count()
}

/// After an even number of changes DEL clears up; after an odd one the runtime calls ADD once more before it.
fn kill_everywhere(command: &str, conf: &Value) {
    let stage = Stage::new();
    let (pod, result) = stage.attached("c1");
    let kind = conf["type"].as_str().expect("type is text");
    // The kernel makes an IPv6 address's own route some time after the address.
    assert!(eventually(PATIENCE, || pod.sh("ip -6 route show table local").stdout.contains("local fd01:")));
    let before = state(&pod);
    let call = stage.call(&pod, &after(conf, &result));
    let gc = stage.call(&pod, &plugin(kind, &json!({ "cni.dev/valid-attachments": [] })));
    kill_ever_later(|calls| {
        if command == "DEL" {
            stage.add(&pod, conf, &result);
        }
        let end = kill_after(&call.clone().command(command), calls, Victims::Plugin);
        if calls % 2 == 1 {
            stage.add(&pod, conf, &result);
            assert_eq!(stage.amiss(&pod, conf, &result), "", "call {calls}: {end:?}");
        }
        stage.del(&pod, conf, &result);
        assert_eq!(state(&pod), before, "call {calls}: {end:?}");
        // What a killed writer left has no name yet, and is GC's.
        if records(kind) > 0 {
            gc.clone().without("CNI_CONTAINERID").without("CNI_IFNAME").command("GC").run().succeeded();
        }
        assert_eq!(records(kind), 0, "call {calls}: {end:?}");
        end
    });
}

fn tuning() -> Value {
    plugin(
        "tuning",
        &json!({ "mtu": 1400, "promisc": true, "txQLen": 77, "sysctl": { "net.core.somaxconn": "500" } }),
    )
}

#[test]
fn an_add_of_tuning_may_be_killed_after_every_change() {
    kill_everywhere("ADD", &tuning());
}

#[test]
fn a_del_of_tuning_may_be_killed_after_every_change() {
    kill_everywhere("DEL", &tuning());
}

#[test]
fn an_add_of_sbr_may_be_killed_after_every_change() {
    kill_everywhere("ADD", &plugin("sbr", &json!({})));
}

#[test]
fn a_del_of_sbr_may_be_killed_after_every_change() {
    kill_everywhere("DEL", &plugin("sbr", &json!({})));
}
