//! A node on which flanneld has been, with our plugins.

use std::fs;
use std::path::{Path, PathBuf};

use sandbox::{Allowed, Call, Node, Place, Pod, Snapshot};
use serde_json::Value;

/// Where saved configurations lie.
pub(crate) const SAVED: &str = "/var/lib/cni/flannel";

/// Where flanneld writes.
pub(crate) const SUBNET_ENV: &str = "/run/flannel/subnet.env";

/// Where the spy writes.
const SEEN: &str = "/run/sandbox-spy";

/// A delegate that notes who was asked for what, and keeps the configuration of each operation. It fails where
/// `/run/sandbox-spy/refuse.<operation>` says how.
const SPY: &str = r#"#!/bin/sh
cd /run/sandbox-spy
echo "$CNI_COMMAND $CNI_CONTAINERID $CNI_IFNAME" >>calls
cat >"$CNI_COMMAND.stdin"
[ -e "refuse.$CNI_COMMAND" ] && { cat "refuse.$CNI_COMMAND"; exit 1; }
[ "$CNI_COMMAND" = ADD ] || exit 0
echo '{"cniVersion":"1.0.0","ips":[{"address":"10.244.1.2/24"}]}'
"#;

/// The node and where its plugins are.
pub(crate) struct Stage {
    pub(crate) node: Node,
    pub(crate) bin: PathBuf,
}

impl Stage {
    /// flanneld has written this, and the delegates are ours.
    pub(crate) fn new(environment: &str) -> Self {
        let node = Node::enter();
        let bin = node.install(Path::new(env!("CARGO_BIN_EXE_cni")), &["flannel", "bridge", "host-local"]);
        node.write(SUBNET_ENV, environment);
        Self { node, bin }
    }

    /// The delegate `spy` and the delegate `bridge` only note what they are asked.
    pub(crate) fn spied_on(environment: &str) -> Self {
        let node = Node::enter();
        let bin = node.install(Path::new(env!("CARGO_BIN_EXE_cni")), &["flannel"]);
        node.write(SUBNET_ENV, environment);
        // Another process copies it there: a file that this one holds open can't be executed.
        node.write(format!("{SEEN}/script"), SPY);
        node.exec(&["chmod", "755", &format!("{SEEN}/script")]);
        node.install(&Path::new(SEEN).join("script"), &["spy", "bridge"]);
        Self { node, bin }
    }

    /// A call about `eth0` of the container of the pod's name.
    pub(crate) fn call(&self, pod: &Pod, conf: &Value) -> Call {
        Call::new(self.bin.join("flannel")).container(pod.name()).netns(pod).ifname("eth0").conf(conf)
    }

    /// A call about the network.
    pub(crate) fn about(&self, conf: &Value) -> Call {
        Call::new(self.bin.join("flannel")).conf(conf)
    }

    /// ADD, which must succeed.
    pub(crate) fn add(&self, pod: &Pod, conf: &Value) -> Value {
        self.call(pod, conf).command("ADD").run().result()
    }

    /// DEL, which must succeed.
    pub(crate) fn del(&self, pod: &Pod, conf: &Value) {
        self.call(pod, conf).command("DEL").run().succeeded();
    }

    /// The spy fails from now on.
    pub(crate) fn refuse(&self, operation: &str, error: &Value) {
        self.node.write(format!("{SEEN}/refuse.{operation}"), &error.to_string());
    }

    /// The spy succeeds again.
    pub(crate) fn allow(&self, operation: &str) {
        self.node.exec(&["rm", &format!("{SEEN}/refuse.{operation}")]);
    }

    /// Nothing but the bridge and empty shells came since `before`.
    #[track_caller]
    pub(crate) fn nothing_left_since(&self, before: &Snapshot) {
        let ours = [Allowed::RulesOf("trestle")];
        let allowed = [&Allowed::after_del("cni0")[..], &ours].concat();
        before.clone().forgiving(&allowed).assert_same(&Snapshot::take(&self.node));
    }
}

/// What the spy read.
pub(crate) fn seen(operation: &str) -> String {
    fs::read_to_string(format!("{SEEN}/{operation}.stdin"))
        .unwrap_or_else(|error| panic!("the spy was not asked: {operation}: {error}"))
}

/// What it was asked, a line for each call.
pub(crate) fn calls() -> String {
    fs::read_to_string(format!("{SEEN}/calls")).unwrap_or_default()
}

/// A saved configuration; none where there is no such file.
pub(crate) fn saved(name: &str) -> Option<String> {
    fs::read_to_string(format!("{SAVED}/{name}")).ok()
}

/// Every saved file, below `dataDir`.
pub(crate) fn all_saved(node: &Node) -> String {
    node.sh(&format!("cd {SAVED} 2>/dev/null && find . -type f | sort || true")).stdout
}
