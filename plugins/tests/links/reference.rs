//! Beside the reference, and in its place: the same results but for chance, and pods that its plugins made, which ours
//! check and take away.

use std::path::PathBuf;

use sandbox::{Allowed, Place, Pod, Snapshot};
use serde_json::{Value, json};

use crate::stage::{Stage, conf, install, link, v4, with};
use crate::table::beside_the_reference;

/// The newest release, which `make deps` builds.
fn release() -> PathBuf {
    std::env::var_os("TRESTLE_REFERENCE").map_or_else(|| sandbox::cached("plugins-1.9.1"), PathBuf::from)
}

/// A node with the reference's plugins, an uplink and a device.
fn stage() -> (Stage, sandbox::Router) {
    let (stage, beyond) = Stage::with_router();
    stage.node.sh("ip link add dev0 type veth peer name far0; ip link set far0 up");
    reference(&stage);
    (stage, beyond)
}

fn reference(stage: &Stage) {
    let plugins = beside_the_reference();
    let names: Vec<&str> = plugins.iter().map(|(plugin, _)| *plugin).chain(["host-local"]).collect();
    stage.node.install_from(&release(), &names);
}

/// One network of each plugin; [`conf`] or [`v4`] says of which families.
fn confs(conf: fn(&str, &Value) -> Value) -> Vec<Value> {
    beside_the_reference().into_iter().map(|(plugin, keys)| conf(plugin, &keys)).collect()
}

/// The result without MACs, MTUs and names that chance chose.
fn comparable(mut result: Value) -> Value {
    for interface in result["interfaces"].as_array_mut().into_iter().flatten() {
        interface["mac"] = json!("");
        interface["mtu"] = json!(0);
        if interface["name"].as_str().is_some_and(|name| name.starts_with("veth")) {
            interface["name"] = json!("veth");
        }
    }
    result
}

#[test]
fn results_are_the_references_in_every_version() {
    let (stage, _beyond) = stage();
    let pod = stage.node.pod("p1");
    let mut results = [Vec::new(), Vec::new()];
    for (suite, printed) in results.iter_mut().enumerate() {
        if suite == 1 {
            install(&stage.node);
        }
        for (version, confs) in
            [("0.2.0", confs(v4)), ("0.3.1", confs(v4)), ("1.0.0", confs(v4)), ("1.1.0", confs(conf))]
        {
            for conf in confs {
                let conf = with(&conf, &json!({ "cniVersion": version }));
                let result = stage.add(&pod, &conf);
                stage.del(&pod, &conf, &result);
                printed.push(comparable(without_addresses(result)));
            }
        }
        // Each suite begins anew.
        stage.node.sh("rm -rf /var/lib/cni/networks");
    }
    assert_eq!(results[0], results[1]);
}

/// host-local hands out the next address each time.
fn without_addresses(mut result: Value) -> Value {
    for ip in result["ips"].as_array_mut().into_iter().flatten() {
        ip["address"] = json!("");
    }
    if let Some(ip) = result.pointer_mut("/ip4/ip") {
        *ip = json!("");
    }
    result
}

/// In the forms in which a DEL comes.
#[derive(Clone, Copy, Debug)]
enum Form {
    Whole,
    NoPrevResult,
    Gone,
}

/// ADD by the reference; CHECK and DEL by ours.
fn life(stage: &Stage, conf: &Value, form: Form) {
    let devices = [
        Allowed::Containing("dev0"),
        Allowed::Containing("far0"),
        Allowed::Containing("cni_plugins_masquerade"),
    ];
    let before = stage.before().forgiving(&devices);
    reference(stage);
    let pod = stage.node.pod("p1");
    let result = stage.add(&pod, conf);
    install(&stage.node);
    stage.check(&pod, conf, &result).succeeded();
    let whole = with(conf, &json!({ "prevResult": result }));
    let hardware = conf["type"] == "host-device";
    match form {
        Form::Whole => del(stage, &pod, &whole),
        Form::NoPrevResult => del(stage, &pod, conf),
        // A veth end does not outlive its namespace, as hardware does.
        Form::Gone if hardware => del(stage, &pod, &whole),
        Form::Gone => {
            let call = stage.call(&pod, &whole);
            pod.remove();
            call.without("CNI_NETNS").command("DEL").run().succeeded();
        }
    }
    assert_eq!(link(&stage.node, "dev0")["ifname"], "dev0", "{form:?} of {conf}");
    let left = before.diff(&Snapshot::take(&stage.node));
    assert_eq!(left, "", "{form:?} of {conf}");
}

fn del(stage: &Stage, pod: &Pod, conf: &Value) {
    stage.call(pod, conf).command("DEL").run().succeeded();
    assert_eq!(pod.links(), ["lo"]);
}

#[test]
fn pods_of_the_reference_are_checked_and_taken_away() {
    let (stage, _beyond) = stage();
    for conf in confs(conf) {
        life(&stage, &conf, Form::Whole);
    }
    for conf in confs(v4) {
        for form in [Form::NoPrevResult, Form::Gone] {
            life(&stage, &conf, form);
        }
    }
}

// The way back: who returns to the reference finds devices by the alias that it knows.
#[test]
fn the_reference_takes_links_of_ours_away() {
    let (stage, _beyond) = stage();
    for conf in confs(v4) {
        install(&stage.node);
        let pod = stage.node.pod("p1");
        let result = stage.add(&pod, &conf);
        reference(&stage);
        stage.del(&pod, &conf, &result);
        assert_eq!(pod.links(), ["lo"], "{conf}");
        assert_eq!(link(&stage.node, "dev0")["ifname"], "dev0");
    }
}
