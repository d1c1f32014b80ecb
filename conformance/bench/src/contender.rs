//! Who is measured: each on a machine of its own, with a disk and pods of its own.

use std::collections::BTreeMap;
use std::fs;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};

use nix::sched::{CloneFlags, unshare};
use sandbox::{Machine, Node, Place as _, Pod};
use serde_json::Value;

use crate::call::{Counts, count, run};
use crate::floor::{self, Plugin, Reach, script};
use crate::list::{FULL, List, NETWORK, conf, name, port};

/// What is measured.
#[derive(Debug, Clone)]
pub enum Kind {
    /// A directory of plugins.
    Plugins {
        /// Where they are.
        directory: PathBuf,
        /// Which of several ways they shall go.
        backend: Option<&'static str>,
    },
    /// The floor.
    Floor {
        /// The program `floor`.
        program: PathBuf,
        /// Plugins that lay the ground on which it stands: the bridge, and rules that every pod shares.
        ground: PathBuf,
    },
}

/// One of those who take turns.
#[derive(Debug)]
pub struct Contender {
    /// As tables and plots call it.
    pub name: &'static str,
    kind: Kind,
    machine: Machine,
    /// By their numbers; 0 is the one that stays.
    pods: Vec<Pod>,
    results: BTreeMap<u16, Value>,
    proof: String,
    bridge: u32,
}

/// How a program is run: with an environment and its standard input. What it prints.
type Run<'a> = dyn FnMut(&Path, &[(&str, String)], &[u8]) -> String + 'a;

/// How an attachment is made or undone: what [`Contender::operate`] is told.
#[derive(Debug, Clone, Copy)]
pub struct Operation {
    /// ADD or DEL.
    pub command: &'static str,
    /// Of what.
    pub list: List,
}

impl Contender {
    /// A machine whose state lies in `disk`, with one pod, and a namespace for each of so many others.
    ///
    /// # Panics
    /// Where it can't be made.
    #[must_use]
    pub fn new(name: &'static str, kind: Kind, node: &Node, disk: &Path, pods: u16) -> Self {
        let machine = node.machine(name);
        let disk = disk.join(name);
        fs::create_dir_all(&disk).expect("a directory of our own");
        machine.exec(&["mount", "--bind", &disk.display().to_string(), "/var/lib/cni"]);
        let pods = (0..=pods).map(|number| machine.within(|| node.pod(&format!("pod-{number}")))).collect();
        let results = BTreeMap::new();
        let mut contender = Self { name, kind, machine, pods, results, proof: String::new(), bridge: 0 };
        contender.lay_ground();
        contender
    }

    /// What the first pod of a machine brings along, and what the floor is told of it.
    fn lay_ground(&mut self) {
        let list = List { plugins: FULL, reach: Reach::Masquerade, ports: 1 };
        let (directory, backend) = match &self.kind {
            Kind::Plugins { directory, backend } => (directory.clone(), *backend),
            Kind::Floor { ground, .. } => (ground.clone(), None),
        };
        self.machine.within(|| {
            let mut result = Value::Null;
            for plugin in FULL {
                let answer = self.plugin(
                    &directory,
                    "ADD",
                    (*plugin, 0),
                    &configured(*plugin, &list, 0, backend, &result),
                    &mut run,
                );
                result = serde_json::from_str(&answer).expect("a result");
            }
        });
        self.proof = self.machine.sh("cat /var/lib/cni/trestle/attachments/*/* 2>/dev/null || true").stdout;
        self.proof = self.proof.split_once("\n\n").map(|(_, proof)| proof.to_owned()).unwrap_or_default();
        let index = self.machine.exec(&["cat", "/sys/class/net/cni0/ifindex"]).stdout;
        self.bridge = index.trim().parse().expect("a number");
    }

    /// Makes or undoes the attachment of these pods, at once, and waits for the last.
    ///
    /// # Panics
    /// Where a call fails: what fails is not worth its time.
    pub fn operate(&mut self, operation: Operation, pods: &[u16]) {
        let one = |number: u16| {
            let work = || self.chain(operation, number, &mut run);
            (number, self.machine.within(work))
        };
        let done: Vec<(u16, Option<Value>)> = match pods {
            [alone] => vec![one(*alone)],
            several => std::thread::scope(|scope| {
                let apart = |number: u16| {
                    // Who shares a working directory with others can't enter another mount table.
                    unshare(CloneFlags::CLONE_FS).expect("a thread may have a working directory of its own");
                    one(number)
                };
                let threads: Vec<_> =
                    several.iter().map(|number| scope.spawn(move || apart(*number))).collect();
                let joined = threads.into_iter().map(std::thread::ScopedJoinHandle::join);
                joined.map(|done| done.expect("every call succeeds")).collect()
            }),
        };
        for (number, result) in done {
            self.keep(number, result);
        }
    }

    /// Makes or undoes the attachment of a pod, and counts what that takes.
    ///
    /// # Panics
    /// Where a call fails.
    pub fn count(&mut self, operation: Operation, pod: u16) -> Counts {
        let mut counts = Counts::default();
        let result = self.machine.within(|| {
            self.chain(operation, pod, &mut |program, environment, input| {
                count(program, environment, input, &mut counts)
            })
        });
        self.keep(pod, result);
        counts
    }

    /// What a pod's ADD answered, for its DEL.
    fn keep(&mut self, pod: u16, result: Option<Value>) {
        match result {
            Some(result) => self.results.insert(pod, result),
            None => self.results.remove(&pod),
        };
    }

    /// The list for one pod: what its ADD answers.
    fn chain(&self, operation: Operation, number: u16, run: &mut Run<'_>) -> Option<Value> {
        let Operation { command, list } = operation;
        let mut result = self.results.get(&number).cloned().unwrap_or_default();
        let forth = command == "ADD";
        let steps: Vec<&Plugin> =
            if forth { list.plugins.iter().collect() } else { list.plugins.iter().rev().collect() };
        for plugin in steps {
            match &self.kind {
                Kind::Plugins { directory, backend } => {
                    let conf = configured(*plugin, &list, number, *backend, &result);
                    let answer = self.plugin(directory, command, (*plugin, number), &conf, run);
                    if forth {
                        result = serde_json::from_str(&answer).expect("a result");
                    }
                }
                Kind::Floor { program, .. } => {
                    let script = script(*plugin, command, &self.told(&list, number), ANSWER);
                    run(program, &[], script.bytes());
                }
            }
        }
        forth.then_some(result)
    }

    fn plugin(
        &self,
        directory: &Path,
        command: &str,
        (plugin, number): (Plugin, u16),
        conf: &Value,
        run: &mut Run<'_>,
    ) -> String {
        let pod = &self.pods[usize::from(number)];
        let ifname = if plugin == Plugin::Loopback { "lo" } else { "eth0" };
        let environment = [
            ("CNI_COMMAND", command.to_owned()),
            ("CNI_CONTAINERID", pod.name().to_owned()),
            ("CNI_NETNS", pod.path().to_owned()),
            ("CNI_IFNAME", ifname.to_owned()),
            ("CNI_PATH", directory.display().to_string()),
        ];
        run(&directory.join(name(plugin)), &environment, conf.to_string().as_bytes())
    }

    /// STATUS of a bridge's network, by a plugin.
    pub fn status(&self, list: &List) {
        let Kind::Plugins { directory, .. } = &self.kind else { return };
        let mut conf = conf(Plugin::Bridge, list, 0, None);
        conf["cniVersion"] = Value::from("1.1.0");
        let environment =
            [("CNI_COMMAND", "STATUS".to_owned()), ("CNI_PATH", directory.display().to_string())];
        self.machine.within(|| run(&directory.join("bridge"), &environment, conf.to_string().as_bytes()));
    }

    /// Reserves so many addresses of the network for others, as the reference writes them.
    ///
    /// # Panics
    /// Where the disk is full.
    pub fn fill(&self, addresses: std::ops::Range<u16>) {
        self.machine.within(|| {
            for number in addresses {
                // From the end, where no pod's is.
                let [high, low] = (u16::MAX - 1 - number).to_be_bytes();
                let path = format!("/var/lib/cni/networks/{NETWORK}/10.88.{high}.{low}");
                fs::write(path, format!("other-{number}\r\neth0")).expect("the disk has room");
            }
        });
    }

    /// What the floor is told of a pod.
    fn told(&self, list: &List, number: u16) -> floor::Pod {
        let pod = &self.pods[usize::from(number)];
        let [high, low] = (number + 16).to_be_bytes();
        floor::Pod {
            network: NETWORK.to_owned(),
            container: pod.name().to_owned(),
            netns: pod.path().to_owned(),
            address: Ipv4Addr::new(10, 88, high, low),
            reach: list.reach,
            bridge: self.bridge,
            index: 10_000 + 2 * u32::from(number),
            ports: (0..list.ports).map(|of_pod| port(number, of_pod)).collect(),
            proof: self.proof.clone(),
            mark: (1_700_000_000, i64::from(number) + 1),
        }
    }
}

/// About as long as a result.
const ANSWER: &str = "{\"cniVersion\":\"1.0.0\",\"interfaces\":[{\"name\":\"eth0\"}],\"ips\":[]}";

/// A configuration with the result of those before.
fn configured(plugin: Plugin, list: &List, pod: u16, backend: Option<&str>, result: &Value) -> Value {
    let mut conf = conf(plugin, list, pod, backend);
    let begins = [Plugin::Loopback, Plugin::Bridge, Plugin::HostLocal].contains(&plugin);
    if !begins && result.is_object() {
        conf["prevResult"] = result.clone();
    }
    conf
}
