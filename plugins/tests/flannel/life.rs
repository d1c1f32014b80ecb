//! Pods on flannel's network, by the real delegates, from ADD to nothing left.

use std::path::{Path, PathBuf};

use sandbox::{Call, Place, Snapshot, cached};
use serde_json::{Value, json};

use crate::network::{DUAL, V4, V6, k3s, kube_flannel, with};
use crate::stage::{SAVED, Stage, all_saved, saved};

/// An address of a result, without the length of its prefix.
fn addresses(result: &Value) -> Vec<String> {
    let ips = result["ips"].as_array().cloned().unwrap_or_default();
    ips.iter().filter_map(|ip| Some(ip["address"].as_str()?.split('/').next()?.to_owned())).collect()
}

#[test]
fn pods_of_every_family_live_and_leave_nothing() {
    for (environment, first) in
        [(V4, &["10.244.1.2"][..]), (V6, &["fd00:10:244:1::2"]), (DUAL, &["10.244.1.2", "fd00:10:244:1::2"])]
    {
        let stage = Stage::new(environment);
        let conf = k3s("1.1.0");
        let [a, b] = ["a", "b"].map(|name| stage.node.pod(name));
        let before = Snapshot::take(&stage.node);
        let results = [&a, &b].map(|pod| stage.add(pod, &conf));
        assert_eq!(addresses(&results[0]), first);
        for address in addresses(&results[1]) {
            a.ping(&address);
            stage.node.ping(&address);
        }
        stage.about(&conf).command("STATUS").run().succeeded();
        for (pod, result) in [&a, &b].into_iter().zip(&results) {
            stage.call(pod, &with(&conf, "prevResult", result.clone())).command("CHECK").run().succeeded();
        }
        // An empty list is sent as null, and so is one of a network that the runtime forgot: who lives stays.
        stage.about(&with(&conf, "cni.dev/valid-attachments", Value::Null)).command("GC").run().succeeded();
        assert_eq!((a.links().len(), b.links().len()), (2, 2));
        assert_eq!(all_saved(&stage.node), "./.trestle/a:eth0\n./.trestle/b:eth0\n./a\n./b\n");
        let valid = json!([{ "containerID": "a", "ifname": "eth0" }]);
        stage.about(&with(&conf, "cni.dev/valid-attachments", valid)).command("GC").run().succeeded();
        assert_eq!((a.links().len(), b.links().len()), (2, 1));
        assert_eq!(all_saved(&stage.node), "./.trestle/a:eth0\n./a\n");
        // The delegate is really asked: what GC took away is no attachment any more.
        let gone = with(&conf, "prevResult", results[1].clone());
        let _ = stage.call(&b, &gone).command("CHECK").run().error();
        stage.del(&a, &with(&conf, "prevResult", results[0].clone()));
        stage.del(&b, &conf);
        stage.nothing_left_since(&before);
    }
}

#[test]
fn every_version_of_the_specification_is_spoken() {
    for version in ["0.1.0", "0.2.0", "0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0"] {
        let stage = Stage::new(V4);
        let pod = stage.node.pod("p1");
        let before = Snapshot::take(&stage.node);
        let conf = kube_flannel(version);
        assert_eq!(stage.add(&pod, &conf)["cniVersion"], version);
        pod.ping("10.244.1.1");
        stage.del(&pod, &conf);
        stage.nothing_left_since(&before);
    }
}

/// The reference plugins, which `make deps` builds.
fn reference() -> PathBuf {
    std::env::var_os("TRESTLE_REFERENCE").map_or_else(|| cached("plugins-1.9.1"), PathBuf::from)
}

// What flannel's own plugin leaves on a node: its file, and the reference's pod. A runtime deletes by the network's
// configuration as it is by then, and our agent's begins with a bridge.
#[test]
fn a_pod_of_flannels_own_plugin_and_the_reference_bridge_is_deleted_after_the_change() {
    let stage = Stage::new(DUAL);
    let pod = stage.node.pod("p1");
    // Renders and saves.
    stage.add(&pod, &kube_flannel("1.0.0"));
    let text = saved("p1").expect("what was rendered");
    stage.del(&pod, &kube_flannel("1.0.0"));
    let before = Snapshot::take(&stage.node);
    let rendered: Value = serde_json::from_str(&text).expect("a configuration");
    for (plugin, conf) in [("flannel", kube_flannel("1.0.0")), ("bridge", rendered.clone())] {
        stage.node.install_from(&reference(), &["bridge", "host-local"]);
        let delegate = Call::new(stage.bin.join("bridge"));
        let add = delegate.container("p1").ifname("eth0").netns(&pod).conf(&text);
        let result = add.command("ADD").run().result();
        stage.node.write(format!("{SAVED}/p1"), &text);
        stage.node.install(Path::new(env!("CARGO_BIN_EXE_cni")), &["bridge", "host-local"]);
        let of = |conf: &Value| {
            let call = Call::new(stage.bin.join(plugin)).container("p1").ifname("eth0").netns(&pod);
            call.conf(with(conf, "prevResult", result.clone())).command("DEL")
        };
        if plugin == "bridge" {
            of(&with(&rendered, "name", json!("another"))).run().succeeded();
            assert_eq!(saved("p1").as_ref(), Some(&text), "of another network");
        }
        of(&conf).run().succeeded();
        assert_eq!(pod.links(), ["lo"], "{plugin}");
        stage.nothing_left_since(&before);
    }
}

// And back: what it does on DEL is to read its file, call the delegate with that, and remove it where it is there still.
#[test]
fn a_pod_of_ours_is_deleted_by_what_flannels_own_plugin_finds() {
    let stage = Stage::new(DUAL);
    let pod = stage.node.pod("p1");
    let before = Snapshot::take(&stage.node);
    stage.add(&pod, &kube_flannel("1.0.0"));
    let text = saved("p1").expect("under flannel's name");
    let delegate = Call::new(stage.bin.join("bridge"));
    delegate.container("p1").ifname("eth0").netns(&pod).conf(text).command("DEL").run().succeeded();
    stage.nothing_left_since(&before);
}

#[test]
fn kube_flannels_conflist_lives_under_a_real_client_with_portmap_behind_it() {
    let stage = Stage::new(DUAL);
    stage.node.install_from(Path::new("/usr/lib/cni"), &["portmap"]);
    let list = json!({
        "cniVersion": "1.0.0", "name": "cbr0",
        "plugins": [
            { "type": "flannel", "delegate": { "hairpinMode": true, "isDefaultGateway": true } },
            { "type": "portmap", "capabilities": { "portMappings": true } },
        ],
    });
    stage.node.write("/etc/cni/net.d/10-flannel.conflist", &list.to_string());
    let pod = stage.node.pod("p1");
    let before = Snapshot::take(&stage.node);
    let program = cached("cnitool-1.3.0/cnitool");
    for verb in ["add", "check", "del", "del"] {
        let program = program.to_string_lossy();
        stage.node.exec(&["env", "CNI_PATH=/opt/cni/bin", &program, verb, "cbr0", pod.path()]);
        let links = if verb == "del" { 1 } else { 2 };
        assert_eq!(pod.links().len(), links, "after {verb}");
    }
    stage.nothing_left_since(&before);
}
