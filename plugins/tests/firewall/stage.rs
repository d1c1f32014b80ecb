//! A node with two networks, each with a bridge of its own, and containers on them.

use std::path::{Path, PathBuf};

use sandbox::{Call, Node, Output, PATIENCE, Place, Pod, eventually};
use serde_json::{Value, json};

/// The four iptables.
pub(crate) const IPTABLES: [&str; 4] =
    ["iptables-nft", "iptables-legacy", "ip6tables-nft", "ip6tables-legacy"];

/// A node, and our plugins on it.
pub(crate) struct Stage {
    pub(crate) node: Node,
    pub(crate) bin: PathBuf,
}

/// A container that `bridge` attached, and perhaps `firewall` after it.
pub(crate) struct Container {
    pub(crate) pod: Pod,
    /// Which network it is on: 1, 2, …
    pub(crate) network: u8,
    /// What the last ADD printed.
    pub(crate) result: Value,
}

impl Container {
    /// Its addresses, IPv4 first.
    pub(crate) fn addresses(&self) -> Vec<String> {
        let ips = self.result["ips"].as_array().expect("ips");
        let address = |ip: &Value| ip["address"].as_str()?.split('/').next().map(str::to_owned);
        ips.iter().filter_map(address).collect()
    }

    /// Does it reach an address by `ping`?
    pub(crate) fn reaches(&self, address: &str) -> bool {
        self.pod.try_exec(&["ping", "-n", "-c", "1", "-i", "0.1", "-w", "2", address]).code == 0
    }

    /// Does it reach every address of another, by its own family of addresses?
    pub(crate) fn reaches_all(&self, other: &Self) -> Vec<bool> {
        other.addresses().iter().map(|address| self.reaches(address)).collect()
    }

    /// Does it, sooner or later? A slow machine may need longer than a ping waits.
    pub(crate) fn comes_to_reach(&self, other: &Self) -> bool {
        eventually(PATIENCE, || self.reaches_all(other) == [true, true])
    }
}

impl Stage {
    pub(crate) fn new() -> Self {
        let node = Node::enter();
        let bin =
            node.install(Path::new(env!("CARGO_BIN_EXE_cni")), &["bridge", "host-local", "firewall", "cni"]);
        Self { node, bin }
    }

    /// Attaches a container to a network, without `firewall`.
    pub(crate) fn attached(&self, name: &str, network: u8) -> Container {
        let pod = self.node.pod(name);
        let call = Call::new(self.bin.join("bridge")).container(name).netns(&pod).ifname("eth0");
        let result = call.conf(bridge(network)).command("ADD").run().result();
        Container { pod, network, result }
    }

    /// A call of `firewall`.
    pub(crate) fn call(&self, container: &Container, keys: &Value) -> Call {
        let mut conf = conf(container.network, keys);
        conf["prevResult"] = container.result.clone();
        let call = Call::new(self.bin.join("firewall")).container(container.pod.name()).netns(&container.pod);
        call.ifname("eth0").conf(&conf)
    }

    /// ADD of `firewall`, which passes on what it got.
    pub(crate) fn add(&self, container: &Container, keys: &Value) {
        let result = self.call(container, keys).command("ADD").run().result();
        assert_eq!(result, container.result);
    }

    /// Attaches a container to a network, with `firewall`.
    pub(crate) fn protected(&self, name: &str, network: u8, keys: &Value) -> Container {
        let container = self.attached(name, network);
        self.add(&container, keys);
        container
    }

    pub(crate) fn del(&self, container: &Container, keys: &Value) {
        self.call(container, keys).command("DEL").run().succeeded();
    }

    /// What CHECK says is wrong; nothing where all is well.
    pub(crate) fn amiss(&self, container: &Container, keys: &Value) -> String {
        let reply = self.call(container, keys).command("CHECK").run();
        if reply.code == 0 {
            reply.succeeded();
            return String::new();
        }
        reply.error()["msg"].as_str().expect("msg is text").to_owned()
    }

    /// Runs a program on the node, which must succeed.
    pub(crate) fn exec(&self, line: &str) -> Output {
        self.node.exec(&line.split(' ').collect::<Vec<_>>())
    }

    /// The `filter` tables of every iptables, less counters; those that are not in use are not asked for.
    pub(crate) fn filters(&self) -> String {
        let mut text = String::new();
        for program in IPTABLES {
            let names = if program.starts_with("ip6") { "ip6_tables_names" } else { "ip_tables_names" };
            let used = std::fs::read_to_string(format!("/proc/thread-self/net/{names}")).unwrap_or_default();
            if program.ends_with("legacy") && !used.contains("filter") {
                continue;
            }
            let saved = self.exec(&format!("{program}-save -t filter")).stdout;
            for line in saved.lines().filter(|line| !line.starts_with('#')) {
                text += line.split(" [").next().unwrap_or(line);
                text += "\n";
            }
        }
        text
    }

    /// What our tables hold.
    pub(crate) fn tables(&self) -> String {
        let tables = ["inet", "bridge"]
            .map(|family| self.node.try_exec(&["nft", "list", "table", family, "trestle-firewall"]).stdout);
        tables.concat()
    }
}

/// The network's first plugin.
fn bridge(network: u8) -> Value {
    json!({
        "cniVersion": "1.1.0", "name": format!("net{network}"), "type": "bridge", "bridge": format!("br{network}"),
        "isDefaultGateway": true,
        "ipam": { "type": "host-local", "ranges": [
            [{ "subnet": format!("10.1.{network}.0/24") }], [{ "subnet": format!("fd01:{network}::/64") }],
        ] },
    })
}

/// The configuration of `firewall` with these keys.
pub(crate) fn conf(network: u8, keys: &Value) -> Value {
    let mut conf = json!({ "cniVersion": "1.1.0", "name": format!("net{network}"), "type": "firewall" });
    let whole = conf.as_object_mut().expect("an object");
    whole.extend(keys.as_object().expect("an object").clone());
    conf
}
