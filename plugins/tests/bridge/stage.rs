//! A node with our plugins on it.

use std::path::{Path, PathBuf};

use sandbox::{Allowed, Call, Node, Place, Pod, Reply, Snapshot};
use serde_json::{Value, json};

use crate::network::{BRIDGE, with};

/// The node and where its plugins are.
pub(crate) struct Stage {
    pub(crate) node: Node,
    pub(crate) bin: PathBuf,
}

impl Stage {
    /// Ours.
    pub(crate) fn new() -> Self {
        let node = Node::enter();
        let bin = node.install(Path::new(env!("CARGO_BIN_EXE_cni")), &["bridge", "host-local"]);
        Self { node, bin }
    }

    /// Those of another suite.
    pub(crate) fn of(directory: &Path) -> Self {
        let node = Node::enter();
        let bin = node.install_from(directory, &["bridge", "host-local"]);
        Self { node, bin }
    }

    /// Puts a shell script among the plugins. It is copied there by another process: a file that a thread of ours has
    /// just written can't be executed while a program started meanwhile holds it open.
    pub(crate) fn install_script(&self, name: &str, text: &str) {
        let source = format!("/run/{name}.sh");
        self.node.write(&source, text);
        self.node.exec(&["chmod", "755", &source]);
        self.node.install(Path::new(&source), &[name]);
    }

    /// A call about `eth0` of the container of the pod's name.
    pub(crate) fn call(&self, pod: &Pod, conf: &Value) -> Call {
        Call::new(self.bin.join("bridge")).container(pod.name()).netns(pod).ifname("eth0").conf(conf)
    }

    /// ADD, which must succeed.
    pub(crate) fn add(&self, pod: &Pod, conf: &Value) -> Value {
        self.call(pod, conf).command("ADD").run().result()
    }

    /// ADD, which must fail: the error object.
    pub(crate) fn refused(&self, pod: &Pod, conf: &Value) -> Value {
        self.call(pod, conf).command("ADD").run().error()
    }

    /// CHECK with what ADD printed.
    pub(crate) fn check(&self, pod: &Pod, conf: &Value, result: &Value) -> Reply {
        self.call(pod, &with_result(conf, result)).command("CHECK").run()
    }

    /// DEL as libcni sends it, with the namespace and ADD's result.
    pub(crate) fn del(&self, pod: &Pod, conf: &Value, result: &Value) {
        self.call(pod, &with_result(conf, result)).command("DEL").run().succeeded();
    }

    /// Nothing but the bridge and empty shells came since `before`.
    #[track_caller]
    pub(crate) fn nothing_left_since(&self, before: &Snapshot) {
        let ours = [Allowed::RulesOf("trestle")];
        let allowed = [&Allowed::after_del(BRIDGE)[..], &ours].concat();
        before.clone().forgiving(&allowed).assert_same(&Snapshot::take(&self.node));
    }

    /// What `ip -j -d` says of a link of the host.
    pub(crate) fn link(&self, name: &str) -> Value {
        shown(&self.node, &["ip", "-j", "-d", "link", "show", "dev", name])[0].clone()
    }

    /// What it says of the host end that a result names.
    pub(crate) fn host_end(&self, result: &Value) -> Value {
        self.link(host_end(result))
    }

    /// The bridge's addresses, `fe80::` ones left out.
    pub(crate) fn bridge_addresses(&self) -> Vec<String> {
        global_addresses(&self.node, BRIDGE)
    }
}

/// What a result calls the host end.
pub(crate) fn host_end(result: &Value) -> &str {
    result["interfaces"][1]["name"].as_str().expect("the second interface is the host end")
}

/// `prevResult`.
pub(crate) fn with_result(conf: &Value, result: &Value) -> Value {
    with(conf, &json!({ "prevResult": result }))
}

/// The JSON that a tool prints.
pub(crate) fn shown(place: &impl Place, command: &[&str]) -> Value {
    let text = place.exec(command).stdout;
    // Older tools print nothing for an empty list.
    let text = if text.trim().is_empty() { "[]" } else { &text };
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{command:?}: {error}\n{text}"))
}

/// The addresses of a link with their prefix lengths, `fe80::` ones left out, in the kernel's order.
pub(crate) fn global_addresses(place: &impl Place, link: &str) -> Vec<String> {
    let shown = shown(place, &["ip", "-j", "addr", "show", "dev", link]);
    let addresses = shown[0]["addr_info"].as_array().cloned().unwrap_or_default();
    let global = addresses.iter().filter(|address| address["scope"] == "global");
    global
        .map(|address| format!("{}/{}", address["local"].as_str().unwrap_or("?"), address["prefixlen"]))
        .collect()
}

/// A setting under `/proc/sys/net`.
pub(crate) fn setting(place: &impl Place, path: &str) -> String {
    place.exec(&["cat", &format!("/proc/sys/net/{path}")]).stdout.trim_end().to_owned()
}
