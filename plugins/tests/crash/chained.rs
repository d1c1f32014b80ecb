//! Chained plugins killed on their way: what the plugin before them made stands throughout.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;

use sandbox::{Allowed, Call, End, Node, PATIENCE, Place, Pod, Snapshot, Victims, eventually, kill_after};
use serde_json::{Value, json};

use crate::programs::binary;
use crate::trials::{Trials, said};

/// What is killed.
struct Chained {
    /// The plugin, and its keys.
    plugin: &'static str,
    keys: Value,
    command: &'static str,
    victims: Victims,
    /// Every so many changes: programs of others that a plugin starts make hundreds.
    every: usize,
}

impl Chained {
    fn run(&self) {
        Trials::run(|trials| {
            let node = Node::enter();
            let bin = node.install(&binary(), &["bridge", "host-local", self.plugin, "cni"]);
            let (neighbour, pod) = (node.pod("neighbour"), node.pod("c1"));
            let mut stage = Stage { chained: self, bin, node: &node, before: Snapshot::take(&node) };
            let beside = stage.attach(&neighbour);
            stage.call(self.plugin, &neighbour, &beside).command("ADD").run().succeeded();
            // Chains that stay once they are made.
            let first = stage.attach(&pod);
            stage.call(self.plugin, &pod, &first).command("ADD").run().succeeded();
            stage.detach(&pod, &first);
            stage.settle(&beside);
            drop(pod);
            while trials.one(|calls| stage.trial(1 + (calls - 1) * self.every)) {}
            stage.call(self.plugin, &neighbour, &beside).command("CHECK").run().succeeded();
        });
    }
}

/// A node on which a chained plugin is killed.
struct Stage<'a> {
    chained: &'a Chained,
    bin: PathBuf,
    node: &'a Node,
    before: Snapshot,
}

impl Stage<'_> {
    /// A call with the keys of the plugin and a result before it.
    fn call(&self, plugin: &str, pod: &Pod, result: &Value) -> Call {
        let mut conf = self.conf(plugin);
        if !result.is_null() {
            conf["prevResult"] = result.clone();
        }
        Call::new(self.bin.join(plugin)).container(pod.name()).netns(pod).ifname("eth0").conf(conf)
    }

    fn conf(&self, plugin: &str) -> Value {
        if plugin == "bridge" {
            return json!({
                "cniVersion": "1.1.0", "name": "net", "type": "bridge", "bridge": "cni0", "isGateway": true,
                "ipam": { "type": "host-local", "ranges": [[{ "subnet": "10.88.0.0/24" }], [{ "subnet": "fd88::/64" }]] },
            });
        }
        let mut conf = json!({ "cniVersion": "1.1.0", "name": "net", "type": plugin });
        let keys = self.chained.keys.as_object().expect("an object");
        conf.as_object_mut().expect("an object").extend(keys.clone());
        conf
    }

    fn attach(&self, pod: &Pod) -> Value {
        self.call("bridge", pod, &Value::Null).command("ADD").run().result()
    }

    fn detach(&self, pod: &Pod, result: &Value) {
        self.call(self.chained.plugin, pod, result).command("DEL").run().succeeded();
        self.call("bridge", pod, result).command("DEL").run().succeeded();
    }

    /// The node with the neighbour on it, whose links settle meanwhile.
    fn settle(&mut self, neighbour: &Value) {
        let mut allowed = Allowed::after_del("cni0").to_vec();
        allowed.push(Allowed::Containing("File /run/netns/c1 "));
        for interface in neighbour["interfaces"].as_array().into_iter().flatten().skip(1) {
            let own = if interface["sandbox"].is_null() { &interface["name"] } else { &interface["mac"] };
            let own = own.as_str().expect("name and MAC are text").to_owned();
            allowed.push(Allowed::Containing(own.leak()));
        }
        self.before = Snapshot::take(self.node).forgiving(&allowed);
    }

    fn left(&self) -> String {
        self.before.diff(&Snapshot::take(self.node))
    }

    /// Kills the call, takes the pieces away and goes on. True where the call came to its end by itself.
    fn trial(&self, calls: usize) -> Result<bool, String> {
        let pod = self.node.pod("c1");
        let result = self.attach(&pod);
        if self.chained.command == "DEL" {
            self.call(self.chained.plugin, &pod, &result).command("ADD").run().succeeded();
        }
        let call = self.call(self.chained.plugin, &pod, &result).command(self.chained.command);
        match kill_after(&call, calls, self.chained.victims) {
            End::Itself(reply) => {
                reply.succeeded();
                Ok(true)
            }
            End::Killed(after) => {
                let way = WAYS[(calls / self.chained.every) % WAYS.len()];
                let aftermath = catch_unwind(AssertUnwindSafe(|| {
                    let pod = way(self, pod, &result);
                    assert_eq!(self.left(), "", "something stays");
                    let result = self.attach(&pod);
                    for command in ["ADD", "CHECK"] {
                        self.call(self.chained.plugin, &pod, &result).command(command).run().succeeded();
                    }
                    self.detach(&pod, &result);
                }));
                aftermath.map(|()| false).map_err(|panic| format!("after {after}: {}", said(&*panic)))
            }
        }
    }
}

/// What takes the pieces away. Hands back the container, or the next one of its name.
type Way = fn(&Stage<'_>, Pod, &Value) -> Pod;

const WAYS: [Way; 4] = [
    |stage, pod, result| {
        stage.detach(&pod, result);
        pod
    },
    |stage, pod, result| {
        let plugin = stage.chained.plugin;
        let bare = Call::new(stage.bin.join(plugin)).container("c1").ifname("eth0").conf(stage.conf(plugin));
        bare.command("DEL").run().succeeded();
        stage.call("bridge", &pod, result).command("DEL").run().succeeded();
        pod
    },
    |stage, pod, result| {
        for plugin in [stage.chained.plugin, "bridge"] {
            let mut conf = stage.conf(plugin);
            conf["cni.dev/valid-attachments"] = json!([{ "containerID": "neighbour", "ifname": "eth0" }]);
            Call::new(stage.bin.join(plugin)).conf(conf).command("GC").run().succeeded();
        }
        stage.call("bridge", &pod, result).command("DEL").run().succeeded();
        pod
    },
    |stage, pod, _| {
        pod.remove();
        let gc = stage.bin.join("cni");
        // The kernel buries a namespace when it has time.
        let gone = eventually(PATIENCE, || {
            stage.node.exec(&[&gc.to_string_lossy(), "gc"]);
            stage.left().is_empty()
        });
        assert!(gone, "`cni gc` leaves something of a container that is gone:\n{}", stage.left());
        stage.node.pod("c1")
    },
];

/// Chains of iptables, and our own table for the ports of an isolated bridge.
fn by_iptables() -> Value {
    json!({ "backend": "iptables", "ingressPolicy": "isolated" })
}

// P-041, P-042, P-046
#[test]
fn firewall_by_nftables_may_be_killed_after_every_change() {
    for command in ["ADD", "DEL"] {
        let keys = json!({ "backend": "nftables", "ingressPolicy": "isolated" });
        Chained { plugin: "firewall", keys, command, victims: Victims::All, every: 1 }.run();
    }
}

// P-041, P-042, P-046
#[test]
fn firewall_by_iptables_may_be_killed_together_with_the_programs_that_it_runs() {
    for command in ["ADD", "DEL"] {
        Chained { plugin: "firewall", keys: by_iptables(), command, victims: Victims::All, every: 5 }.run();
    }
}

// P-041, P-042, P-046
#[test]
fn firewall_by_iptables_may_be_killed_while_the_programs_that_it_runs_live_on() {
    for command in ["ADD", "DEL"] {
        Chained { plugin: "firewall", keys: by_iptables(), command, victims: Victims::Plugin, every: 3 }
            .run();
    }
}
