//! A node on which a plugin follows `bridge`.

use std::path::{Path, PathBuf};

use sandbox::{Call, Node, PATIENCE, Place, Pod, eventually};
use serde_json::{Value, json};

/// The node, where its plugins are, and the network's name.
pub(crate) struct Stage {
    pub(crate) node: Node,
    pub(crate) bin: PathBuf,
}

/// Every plugin that the tests call.
const NAMES: &[&str] = &["bridge", "host-local", "tuning", "sbr", "vrf", "cni"];

/// The network.
pub(crate) const NETWORK: &str = "net";

impl Stage {
    pub(crate) fn new() -> Self {
        let node = Node::enter();
        let bin = node.install(Path::new(env!("CARGO_BIN_EXE_cni")), NAMES);
        Self { node, bin }
    }

    /// A call about an interface of the container of the pod's name.
    pub(crate) fn call_on(&self, pod: &Pod, ifname: &str, conf: &Value) -> Call {
        let kind = conf["type"].as_str().expect("type is text");
        Call::new(self.bin.join(kind)).container(pod.name()).netns(pod).ifname(ifname).conf(conf)
    }

    /// A call about `eth0`.
    pub(crate) fn call(&self, pod: &Pod, conf: &Value) -> Call {
        self.call_on(pod, "eth0", conf)
    }

    /// A pod attached by `bridge`, and what ADD printed.
    pub(crate) fn attached(&self, name: &str) -> (Pod, Value) {
        let pod = self.node.pod(name);
        let result = self.call(&pod, &bridge()).command("ADD").run().result();
        // The kernel says that a link runs some time after its carrier came.
        let runs = || link(&pod, "eth0")["operstate"] == "UP";
        assert!(eventually(PATIENCE, runs), "{}", link(&pod, "eth0"));
        (pod, result)
    }

    /// ADD of a plugin after `result`, which must succeed.
    pub(crate) fn add(&self, pod: &Pod, conf: &Value, result: &Value) -> Value {
        self.call(pod, &after(conf, result)).command("ADD").run().result()
    }

    /// ADD that must fail: the error object.
    pub(crate) fn refused(&self, pod: &Pod, conf: &Value, result: &Value) -> Value {
        self.call(pod, &after(conf, result)).command("ADD").run().error()
    }

    /// What CHECK says is wrong; nothing where all is well.
    pub(crate) fn amiss(&self, pod: &Pod, conf: &Value, result: &Value) -> String {
        let reply = self.call(pod, &after(conf, result)).command("CHECK").run();
        if reply.code == 0 {
            reply.succeeded();
            return String::new();
        }
        reply.error()["msg"].as_str().expect("msg is text").to_owned()
    }

    /// DEL as libcni sends it, with the namespace and ADD's result.
    pub(crate) fn del(&self, pod: &Pod, conf: &Value, result: &Value) {
        self.call(pod, &after(conf, result)).command("DEL").run().succeeded();
    }
}

/// The network's first plugin.
pub(crate) fn bridge() -> Value {
    json!({
        "cniVersion": "1.1.0", "name": NETWORK, "type": "bridge", "bridge": "cni0",
        "isDefaultGateway": true,
        "ipam": { "type": "host-local", "ranges": [[{ "subnet": "10.1.2.0/24" }], [{ "subnet": "fd01:2::/64" }]] },
    })
}

/// The configuration of a chained plugin with these keys.
pub(crate) fn plugin(kind: &str, keys: &Value) -> Value {
    let mut conf = json!({ "cniVersion": "1.1.0", "name": NETWORK, "type": kind });
    let (whole, keys) = (conf.as_object_mut().expect("an object"), keys.as_object().expect("an object"));
    whole.extend(keys.clone());
    conf
}

/// The configuration as libcni sends it behind another plugin.
pub(crate) fn after(conf: &Value, result: &Value) -> Value {
    let mut conf = conf.clone();
    conf["prevResult"] = result.clone();
    conf
}

/// What `ip -j -d` says of a link of a container.
pub(crate) fn link(place: &impl Place, name: &str) -> Value {
    let text = place.exec(&["ip", "-j", "-d", "link", "show", "dev", name]).stdout;
    let shown: Value = serde_json::from_str(&text).expect("ip prints JSON");
    shown[0].clone()
}

/// A setting under `/proc/sys`.
pub(crate) fn setting(place: &impl Place, path: &str) -> String {
    place.exec(&["cat", &format!("/proc/sys/{path}")]).stdout.trim_end().to_owned()
}
