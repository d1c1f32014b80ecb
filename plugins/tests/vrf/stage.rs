//! A container with an interface on each of several networks.

use std::path::{Path, PathBuf};

use sandbox::{Call, Node, Place, Pod};
use serde_json::{Value, json};

/// A node, and our plugins on it.
pub(crate) struct Stage {
    pub(crate) node: Node,
    pub(crate) bin: PathBuf,
}

impl Stage {
    pub(crate) fn new() -> Self {
        let node = Node::enter();
        let bin = node.install(Path::new(env!("CARGO_BIN_EXE_cni")), &["bridge", "host-local", "vrf"]);
        Self { node, bin }
    }

    pub(crate) fn call(&self, pod: &Pod, ifname: &str, conf: &Value) -> Call {
        let kind = conf["type"].as_str().expect("type is text");
        Call::new(self.bin.join(kind)).container(pod.name()).netns(pod).ifname(ifname).conf(conf)
    }

    /// An interface by `bridge`, in a network of its own, and what ADD printed.
    pub(crate) fn attach(&self, pod: &Pod, ifname: &str) -> Value {
        self.call(pod, ifname, &bridge(ifname)).command("ADD").run().result()
    }

    pub(crate) fn add(&self, pod: &Pod, ifname: &str, conf: &Value) -> Value {
        let result = self.attach(pod, ifname);
        assert_eq!(self.call(pod, ifname, &after(conf, &result)).command("ADD").run().result(), result);
        // What moved into the VRF is no difference to who made it.
        for conf in [&bridge(ifname), conf] {
            self.call(pod, ifname, &after(conf, &result)).command("CHECK").run().succeeded();
        }
        result
    }

    pub(crate) fn del(&self, pod: &Pod, ifname: &str, conf: &Value) {
        self.call(pod, ifname, conf).command("DEL").run().succeeded();
    }
}

/// `eth0` is in 10.1.0.0/24 and `fd01::/64`, `eth1` in 10.1.1.0/24, …
pub(crate) fn bridge(ifname: &str) -> Value {
    let number = ifname.trim_start_matches("eth");
    json!({
        "cniVersion": "1.1.0", "name": format!("net{number}"), "type": "bridge", "bridge": format!("cni{number}"),
        "isGateway": true,
        "ipam": {
            "type": "host-local",
            "ranges": [[{ "subnet": format!("10.1.{number}.0/24") }], [{ "subnet": format!("fd01:{number}::/64") }]],
            "routes": [{ "dst": "192.0.2.0/24" }, { "dst": "2001:db8::/32" }],
        },
    })
}

pub(crate) fn vrf(keys: &Value) -> Value {
    let mut conf = json!({ "cniVersion": "1.1.0", "name": "net", "type": "vrf" });
    for (key, value) in keys.as_object().into_iter().flatten() {
        conf[key] = value.clone();
    }
    conf
}

pub(crate) fn after(conf: &Value, result: &Value) -> Value {
    let mut conf = conf.clone();
    conf["prevResult"] = result.clone();
    conf
}

pub(crate) fn link(pod: &Pod, name: &str) -> Value {
    let text = pod.exec(&["ip", "-j", "-d", "link", "show", "dev", name]).stdout;
    let shown: Value = serde_json::from_str(&text).expect("ip prints JSON");
    shown[0].clone()
}

pub(crate) fn links(pod: &Pod) -> Vec<String> {
    let mut links = pod.links();
    links.sort();
    links
}

/// Global addresses of both families, and the routes of a table that lead through a gateway.
pub(crate) fn net(pod: &Pod, name: &str, table: &str) -> (String, String) {
    let addresses = pod.exec(&[
        "sh",
        "-c",
        &format!("ip -o addr show dev {name} scope global | awk '{{print $4}}' | sort | xargs"),
    ]);
    let routes = pod.exec(&[
        "sh",
        "-c",
        &format!("{{ ip route show table {table}; ip -6 route show table {table}; }} 2>/dev/null | awk '/via/ {{print $1, $3, $5}}' | sort | xargs"),
    ]);
    (addresses.stdout.trim().to_owned(), routes.stdout.trim().to_owned())
}
