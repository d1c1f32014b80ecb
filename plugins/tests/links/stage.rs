//! A node with our plugins on it, and an uplink `up0` to another machine.

use std::path::{Path, PathBuf};

use sandbox::{Allowed, Call, Node, Place, Pod, Reply, Router, Snapshot, Uplink};
use serde_json::{Value, json};

/// Every name that these tests call.
const NAMES: [&str; 11] = [
    "bridge",
    "ptp",
    "macvlan",
    "ipvlan",
    "vlan",
    "dummy",
    "tap",
    "host-device",
    "host-local",
    "static",
    "dhcp",
];

/// The node and where its plugins are.
pub(crate) struct Stage {
    pub(crate) node: Node,
    pub(crate) bin: PathBuf,
}

impl Stage {
    /// Ours.
    pub(crate) fn new() -> Self {
        let node = Node::enter();
        let bin = install(&node);
        Self { node, bin }
    }

    /// Ours, next to another machine on the pods' network.
    pub(crate) fn with_router() -> (Self, Router) {
        let stage = Self::new();
        let router = stage.node.router(&Uplink::DUAL);
        router.sh("ip addr add 10.1.2.200/24 dev eth0; ip addr add fd01:2::200/64 dev eth0 nodad");
        (stage, router)
    }

    /// A call about `eth0` of the container of the pod's name.
    pub(crate) fn call(&self, pod: &Pod, conf: &Value) -> Call {
        let plugin = conf["type"].as_str().expect("a configuration has a type");
        Call::new(self.bin.join(plugin)).container(pod.name()).netns(pod).ifname("eth0").conf(conf)
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
        self.call(pod, &with(conf, &json!({ "prevResult": result }))).command("CHECK").run()
    }

    /// DEL as libcni sends it, with the namespace and ADD's result.
    pub(crate) fn del(&self, pod: &Pod, conf: &Value, result: &Value) {
        self.call(pod, &with(conf, &json!({ "prevResult": result }))).command("DEL").run().succeeded();
    }

    /// GC of the network with these containers as the valid ones.
    pub(crate) fn gc(&self, conf: &Value, valid: &[&str]) {
        let valid: Vec<_> = valid.iter().map(|id| json!({ "containerID": id, "ifname": "eth0" })).collect();
        let conf = with(conf, &json!({ "cni.dev/valid-attachments": valid }));
        let plugin = conf["type"].as_str().expect("a configuration has a type");
        Call::new(self.bin.join(plugin)).command("GC").conf(&conf).run().succeeded();
    }

    /// STATUS: 0, or the code of the error.
    pub(crate) fn status(&self, conf: &Value) -> u64 {
        let plugin = conf["type"].as_str().expect("a configuration has a type");
        let reply = Call::new(self.bin.join(plugin)).command("STATUS").conf(conf).run();
        if reply.code == 0 { 0 } else { reply.error()["code"].as_u64().expect("an error has a code") }
    }

    /// The node as it is, but for what a whole life may leave, and what the uplink learns meanwhile.
    pub(crate) fn before(&self) -> Snapshot {
        let ours = [Allowed::RulesOf("trestle"), Allowed::EmptyTables, Allowed::HostLocalMarks];
        Snapshot::take(&self.node).forgiving(&ours).forgiving(&[
            Allowed::EmptyDirectories,
            Allowed::Containing("File /run/netns/"),
            Allowed::Containing("up0"),
        ])
    }

    /// ADD, CHECK and DEL, and nothing left. `see` looks at the pod between.
    pub(crate) fn life(&self, conf: &Value, see: impl FnOnce(&Pod, &Value)) {
        let pod = self.node.pod("p1");
        let before = self.before();
        let result = self.add(&pod, conf);
        self.check(&pod, conf, &result).succeeded();
        see(&pod, &result);
        self.del(&pod, conf, &result);
        assert_eq!(pod.links(), ["lo"]);
        before.assert_same(&Snapshot::take(&self.node));
        // Once more, of nothing.
        self.del(&pod, conf, &result);
    }
}

/// Ours, in place of whatever is there.
pub(crate) fn install(node: &Node) -> PathBuf {
    node.install(Path::new(env!("CARGO_BIN_EXE_cni")), &NAMES)
}

/// A network of both families.
pub(crate) fn conf(plugin: &str, keys: &Value) -> Value {
    let ranges = json!([[{ "subnet": "10.1.2.0/24" }], [{ "subnet": "fd01:2::/64" }]]);
    network(plugin, &ranges, keys)
}

/// A network of IPv4 alone: both would cost the second or two that IPv6 asks around for.
pub(crate) fn v4(plugin: &str, keys: &Value) -> Value {
    network(plugin, &json!([[{ "subnet": "10.1.2.0/24" }]]), keys)
}

fn network(plugin: &str, ranges: &Value, keys: &Value) -> Value {
    let ipam = json!({ "type": "host-local", "ranges": ranges });
    with(&json!({ "cniVersion": "1.1.0", "name": "net1", "type": plugin, "ipam": ipam }), keys)
}

/// The configuration with these keys; `null` takes one away.
pub(crate) fn with(conf: &Value, keys: &Value) -> Value {
    let mut conf = conf.clone();
    for (key, value) in keys.as_object().into_iter().flatten() {
        conf[key] = value.clone();
    }
    if let Some(object) = conf.as_object_mut() {
        object.retain(|_, value| !value.is_null());
    }
    conf
}

/// What `ip -j -d` says of a link.
pub(crate) fn link(place: &impl Place, name: &str) -> Value {
    let text = place.exec(&["ip", "-j", "-d", "link", "show", "dev", name]).stdout;
    let shown: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    shown[0].clone()
}

/// The addresses of a link with their prefix lengths, `fe80::` ones left out, in the kernel's order.
pub(crate) fn addresses(place: &impl Place, name: &str) -> Vec<String> {
    let text = place.exec(&["ip", "-j", "addr", "show", "dev", name, "scope", "global"]).stdout;
    let shown: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    let found = shown[0]["addr_info"].as_array().cloned().unwrap_or_default();
    let found = found.iter().filter(|ip| ip["local"].is_string());
    found.map(|ip| format!("{}/{}", ip["local"].as_str().unwrap_or("?"), ip["prefixlen"])).collect()
}

/// The message of an error object.
pub(crate) fn msg(error: &Value) -> &str {
    error["msg"].as_str().unwrap_or_default()
}
