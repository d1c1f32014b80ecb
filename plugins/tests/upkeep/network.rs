//! A network on a node, and calls about its pods.

use std::fs;
use std::path::{Path, PathBuf};

use sandbox::{Allowed, Call, Node, Output, PATIENCE, Place, Pod, Reply, eventually};
use serde_json::{Map, Value, json};

/// Where the program under test lies.
pub(crate) const BINARY: &str = env!("CARGO_BIN_EXE_cni");

/// Our state.
pub(crate) const STATE: &str = "/var/lib/cni/trestle";

/// A network configuration, and the plugins that serve it.
pub(crate) struct Network<'a> {
    pub(crate) node: &'a Node,
    bin: PathBuf,
    conf: Value,
}

impl<'a> Network<'a> {
    /// Dual stack, routed, masqueraded and guarded, on the bridge `cni0`; served by our plugins, which are installed.
    pub(crate) fn new(node: &'a Node, name: &str) -> Self {
        let bin = PathBuf::from("/opt/cni/bin");
        if !bin.join("cni").exists() {
            node.install(Path::new(BINARY), &["bridge", "host-local", "cni"]);
        }
        Self::served_by(node, &bin, name)
    }

    /// The same, served by other plugins.
    pub(crate) fn served_by(node: &'a Node, bin: &Path, name: &str) -> Self {
        let conf = json!({
            "cniVersion": "1.1.0",
            "name": name,
            "type": "bridge",
            "bridge": "cni0",
            "isDefaultGateway": true,
            "ipMasq": true,
            "macspoofchk": true,
            "ipam": {
                "type": "host-local",
                "ranges": [[{ "subnet": "10.1.2.0/24" }], [{ "subnet": "fd01:2::/64" }]],
            },
        });
        Self { node, bin: bin.to_owned(), conf }
    }

    /// Beside `cni0` and its subnets.
    pub(crate) fn elsewhere(self) -> Self {
        self.with(&json!({
            "bridge": "cni1",
            "ipam": {
                "type": "host-local",
                "ranges": [[{ "subnet": "10.3.4.0/24" }], [{ "subnet": "fd03:4::/64" }]],
            },
        }))
    }

    /// With these keys in place of those of the same names.
    pub(crate) fn with(mut self, keys: &Value) -> Self {
        let keys = keys.as_object().cloned().unwrap_or_default();
        self.conf.as_object_mut().get_or_insert(&mut Map::new()).extend(keys);
        self
    }

    /// With one range of IPv4 addresses, `10.1.2.2` to `10.1.2.<last>`.
    pub(crate) fn with_addresses_to(self, last: u8) -> Self {
        let range = json!({ "subnet": "10.1.2.0/24", "rangeStart": "10.1.2.2", "rangeEnd": format!("10.1.2.{last}") });
        self.with(&json!({ "ipam": { "type": "host-local", "ranges": [[range]] } }))
    }

    /// The configuration with these keys more.
    pub(crate) fn conf(&self, more: &Value) -> Value {
        let mut conf = self.conf.clone();
        let more = more.as_object().cloned().unwrap_or_default();
        conf.as_object_mut().get_or_insert(&mut Map::new()).extend(more);
        conf
    }

    /// A call about `eth0` of the container of the pod's name.
    pub(crate) fn call(&self, pod: &Pod) -> Call {
        self.plugin().container(pod.name()).netns(pod).ifname("eth0")
    }

    /// A call of the plugin about no container.
    pub(crate) fn plugin(&self) -> Call {
        Call::new(self.bin.join("bridge")).conf(&self.conf)
    }

    /// ADD, which must succeed.
    pub(crate) fn add(&self, pod: &Pod) -> Value {
        self.call(pod).command("ADD").run().result()
    }

    /// CHECK of what an ADD answered.
    pub(crate) fn check(&self, pod: &Pod, result: &Value) -> Reply {
        self.call(pod).command("CHECK").conf(self.conf(&json!({ "prevResult": result }))).run()
    }

    /// DEL of a container of which only the name is known, which must succeed.
    pub(crate) fn del(&self, container: &str) {
        let call = self.plugin().container(container).ifname("eth0").env("CNI_NETNS", "");
        call.command("DEL").run().succeeded();
    }

    /// GC with these keys more.
    pub(crate) fn gc(&self, more: &Value) -> Reply {
        self.plugin().command("GC").conf(self.conf(more)).run()
    }

    /// GC, which must succeed without a word, by which `eth0` of these containers is valid.
    pub(crate) fn gc_but(&self, valid: &[&str]) {
        let entry = |container: &&str| json!({ "containerID": container, "ifname": "eth0" });
        let list: Vec<_> = valid.iter().map(entry).collect();
        let reply = self.gc(&json!({ "cni.dev/valid-attachments": list, "cni.dev/attachments": list }));
        assert_eq!(reply.result(), Value::Null);
    }

    /// STATUS.
    pub(crate) fn status(&self) -> Reply {
        self.plugin().command("STATUS").run()
    }

    /// Ends a pod as a crash does, without a DEL: its namespace is gone, and its link with it.
    pub(crate) fn kill(&self, pod: Pod) -> String {
        let name = pod.name().to_owned();
        pod.remove();
        let gone =
            eventually(PATIENCE, || !self.node.exec(&["ip", "link"]).stdout.contains(&format!("/{name}/")));
        assert!(gone, "the link of {name} outlives its namespace");
        name
    }
}

/// Runs the administrator's command.
pub(crate) fn cni(node: &Node, arguments: &[&str]) -> Output {
    node.try_exec(&[&["/opt/cni/bin/cni"], arguments].concat())
}

/// Whatever still names the container: links, rules, files and what they say.
pub(crate) fn traces(node: &Node, container: &str) -> String {
    let mut all = node.sh("ip link; nft list ruleset").stdout;
    all.extend(written().iter().map(|line| format!("{line}\n")));
    naming(&all, container)
}

/// The lines that hold the name as a word.
pub(crate) fn naming(text: &str, name: &str) -> String {
    let holds = |line: &&str| line.split(|c: char| !c.is_ascii_alphanumeric()).any(|word| word == name);
    text.lines().filter(holds).map(|line| format!("{line}\n")).collect::<Vec<_>>().concat()
}

/// What is written in the files of our plugins, each line behind its file's path. Host-local's notes of what it gave last
/// are left out.
pub(crate) fn written() -> Vec<String> {
    let is_note = |path: &Path| path.to_string_lossy().contains("last_reserved_ip.");
    let mut lines = Vec::new();
    for path in kept("/var/lib/cni").iter().filter(|path| path.is_file() && !is_note(path)) {
        let text = fs::read_to_string(path).unwrap_or_default();
        lines.push(path.display().to_string());
        lines.extend(text.lines().map(|line| format!("{}: {line}", path.display())));
    }
    lines
}

/// All files and directories under one, and itself.
pub(crate) fn kept(directory: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![PathBuf::from(directory)];
    while let Some(path) = open.pop() {
        open.extend(fs::read_dir(&path).into_iter().flatten().flatten().map(|entry| entry.path()));
        found.push(path);
    }
    found.sort();
    found
}

/// The packet rules as text; the order of a set's elements is the kernel's own.
pub(crate) fn rules(node: &Node) -> Vec<String> {
    let mut lines: Vec<_> = node
        .exec(&["nft", "list", "ruleset"])
        .stdout
        .split([',', '\n'])
        .map(|line| line.trim().to_owned())
        .collect();
    lines.sort();
    lines
}

/// The names of the node's links.
pub(crate) fn links(node: &Node) -> Vec<String> {
    let links = node.exec(&["ip", "-o", "link"]).stdout;
    let mut names: Vec<_> =
        links.lines().filter_map(|line| line.split(": ").nth(1).map(str::to_owned)).collect();
    names.sort();
    names
}

/// All that our plugins keep on the node: for tests in which pods live on, whose links settle by and by.
pub(crate) fn holdings(node: &Node) -> Vec<String> {
    let mut all: Vec<_> = written().into_iter().chain(links(node)).chain(rules(node)).collect();
    all.sort();
    all
}

/// What may stay after pods: a bridge, and what every node keeps.
pub(crate) fn standing() -> Vec<Allowed> {
    let mut allowed = Allowed::after_del("cni0").to_vec();
    allowed.push(Allowed::RulesOf("trestle"));
    // A pod's file goes with the pod.
    allowed.push(Allowed::Containing("/run/netns/"));
    allowed
}

/// The directory of records of this boot.
pub(crate) fn records() -> PathBuf {
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").expect("the kernel tells its boot");
    Path::new(STATE).join("attachments").join(boot.trim())
}
