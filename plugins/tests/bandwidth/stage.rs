//! A node with our plugins on it, and containers that `bridge` attached.

use std::path::{Path, PathBuf};

use sandbox::{Call, Node, Place, Pod, Reply};
use serde_json::{Value, json};

use crate::network::{bridge, with};

/// A node and its plugins.
pub(crate) struct Stage {
    pub(crate) node: Node,
    pub(crate) bin: PathBuf,
}

/// A container on the network.
pub(crate) struct Attached {
    pub(crate) pod: Pod,
    /// What `bridge` printed.
    pub(crate) result: Value,
}

impl Attached {
    /// What the host end is called.
    pub(crate) fn host_end(&self) -> &str {
        let interfaces = self.result["interfaces"].as_array().into_iter().flatten();
        let names = interfaces.filter_map(|interface| interface["name"].as_str());
        names.into_iter().find(|name| name.starts_with("veth")).expect("the host end")
    }

    /// Its addresses: IPv4, IPv6.
    pub(crate) fn addresses(&self) -> [&str; 2] {
        [0, 1].map(|index| {
            let address = self.result["ips"][index]["address"].as_str().expect("two addresses");
            address.split('/').next().expect("a text has a first part")
        })
    }
}

impl Stage {
    pub(crate) fn new() -> Self {
        let node = Node::enter();
        let binary = Path::new(env!("CARGO_BIN_EXE_cni"));
        let bin = node.install(binary, &["bridge", "ptp", "host-local", "bandwidth", "cni"]);
        Self { node, bin }
    }

    /// A new container `name`, attached to `net1`.
    pub(crate) fn attached(&self, name: &str) -> Attached {
        self.attached_by(name, &bridge("net1"))
    }

    /// The same by the interface plugin of this configuration.
    pub(crate) fn attached_by(&self, name: &str, conf: &Value) -> Attached {
        let pod = self.node.pod(name);
        let plugin = conf["type"].as_str().expect("type is text");
        let result = self.call_of(plugin, &pod, conf).command("ADD").run().result();
        Attached { pod, result }
    }

    /// A call of a plugin about `eth0` of the container of the pod's name.
    pub(crate) fn call_of(&self, plugin: &str, pod: &Pod, conf: &Value) -> Call {
        Call::new(self.bin.join(plugin)).container(pod.name()).netns(pod).ifname("eth0").conf(conf)
    }

    /// A call of `bandwidth` with what the plugin before it printed.
    pub(crate) fn call(&self, attached: &Attached, conf: &Value) -> Call {
        self.call_of("bandwidth", &attached.pod, &with(conf, &json!({ "prevResult": attached.result })))
    }

    /// ADD, which must succeed.
    pub(crate) fn add(&self, attached: &Attached, conf: &Value) -> Value {
        self.call(attached, conf).command("ADD").run().result()
    }

    /// CHECK of what ADD printed.
    pub(crate) fn check(&self, attached: &Attached, conf: &Value, result: &Value) -> Reply {
        let conf = with(conf, &json!({ "prevResult": result }));
        self.call_of("bandwidth", &attached.pod, &conf).command("CHECK").run()
    }

    /// DEL with nothing but the names, which must succeed.
    pub(crate) fn del(&self, container: &str, conf: &Value) {
        let call = Call::new(self.bin.join("bandwidth")).container(container).ifname("eth0").conf(conf);
        call.env("CNI_NETNS", "").command("DEL").run().succeeded();
    }

    /// The discipline at the root of a link, as `tc` says it.
    pub(crate) fn root(&self, link: &str) -> Value {
        let all = shown(&self.node, &["tc", "-s", "-j", "qdisc", "show", "dev", link]);
        let root = all.as_array().into_iter().flatten().find(|qdisc| qdisc["root"] == true);
        root.cloned().unwrap_or_default()
    }

    /// Kind, rate in bytes a second, and burst in bytes, of the discipline at the root of a link.
    pub(crate) fn limit(&self, link: &str) -> (String, u64, u64) {
        let root = self.root(link);
        let option = |key: &str| root["options"][key].as_u64().unwrap_or_default();
        let kind = root["kind"].as_str().unwrap_or("none").to_owned();
        (kind, option("rate"), option("burst"))
    }

    /// The bytes that passed the discipline at the root of a link, headers included.
    pub(crate) fn passed(&self, link: &str) -> u64 {
        self.root(link)["bytes"].as_u64().unwrap_or_default()
    }

    /// The devices at which egress waits.
    pub(crate) fn devices(&self) -> Vec<String> {
        let links = shown(&self.node, &["ip", "-j", "link", "show", "type", "ifb"]);
        let name = |link: &Value| link["ifname"].as_str().map(str::to_owned);
        links.as_array().into_iter().flatten().filter_map(name).collect()
    }

    /// All that is limited on the node, and what we wrote down of it.
    pub(crate) fn holdings(&self) -> String {
        self.node.sh(HOLDINGS).stdout
    }

    /// CHECK fails, and says this.
    #[track_caller]
    pub(crate) fn finds(&self, attached: &Attached, (conf, result): (&Value, &Value), words: &str) {
        let error = self.check(attached, conf, result).error();
        assert!(error["msg"].as_str().is_some_and(|msg| msg.contains(words)), "no {words:?} in {error}");
    }
}

const HOLDINGS: &str = "
    tc qdisc show
    ip -o link show type ifb
    for link in $(ls /sys/class/net); do
        tc class show dev $link
        tc filter show dev $link
        tc filter show dev $link parent ffff: 2>/dev/null || :
    done
    find /var/lib/cni/trestle/bandwidth -type f 2>/dev/null || :";

/// The JSON that a tool prints.
pub(crate) fn shown(place: &impl Place, command: &[&str]) -> Value {
    let text = place.exec(command).stdout;
    // Older tools print nothing for an empty list.
    let text = if text.trim().is_empty() { "[]" } else { &text };
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{command:?}: {error}\n{text}"))
}
