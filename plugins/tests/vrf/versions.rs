//! Versions, and GC and STATUS.

use sandbox::Place;
use serde_json::json;

use crate::stage::{Stage, after, bridge, links, vrf};

// "configures and deconfigures VRF with CNI 0.4.0 ADD/DEL"; B-07, B-08
#[test]
fn every_version_has_its_life_and_gc_forgets_it() {
    let stage = Stage::new();
    for (number, version) in ["0.3.1", "0.4.0", "1.0.0", "1.1.0"].into_iter().enumerate() {
        let pod = stage.node.pod(&format!("c{number}"));
        let mut network = bridge("eth0");
        network["cniVersion"] = json!(version);
        let result = stage.call(&pod, "eth0", &network).command("ADD").run().result();
        let mut conf = after(&vrf(&json!({ "vrfname": "blue" })), &result);
        conf["cniVersion"] = json!(version);
        let call = |command| stage.call(&pod, "eth0", &conf).command(command).run();
        assert_eq!(call("ADD").result(), result, "{version}");
        if version != "0.3.1" {
            call("CHECK").succeeded();
        }
        if version != "1.1.0" {
            call("DEL").succeeded();
            assert_eq!(links(&pod), ["eth0", "lo"], "{version}");
            continue;
        }
        let records = || stage.node.exec(&["find", "/var/lib/cni/trestle/vrf", "-type", "f"]).stdout;
        assert_ne!(records(), "");
        for (command, keys) in [("STATUS", json!({})), ("GC", json!({ "cni.dev/valid-attachments": [] }))] {
            let mut keys = keys;
            keys["vrfname"] = json!("blue");
            let call = stage.call(&pod, "eth0", &vrf(&keys)).without("CNI_CONTAINERID");
            call.without("CNI_NETNS").without("CNI_IFNAME").command(command).run().succeeded();
        }
        assert_eq!(records(), "");
    }
}
