//! One machine: its pods, and what works on it.

use std::fs;
use std::path::{Path, PathBuf};

use sandbox::{Attached, Daemon, Lan, Machine, Node, Output, PATIENCE, Place, cached, eventually};
use serde_json::Value;

use crate::cluster::Shape;

/// The binary under test.
const AGENT: &str = env!("CARGO_BIN_EXE_routed-agent");

/// Where it writes what a runtime reads.
const CONFLIST: &str = "/etc/cni/net.d/10-trestle.conflist";

/// Where runtimes look.
const CONFLISTS: &str = "/etc/cni/net.d";

/// What an init container of flannel's manifest writes.
const FLANNELS: &str = r#"{"name": "cbr0", "cniVersion": "0.3.1", "plugins": [
    {"type": "flannel", "delegate": {"hairpinMode": true, "isDefaultGateway": true}},
    {"type": "portmap", "capabilities": {"portMappings": true}}
]}"#;

/// What flanneld and our agent both say to the outside.
const LOG: &str = "/run/agent.log";

/// What both are told.
const COMMON: [&str; 6] = [
    "--kube-subnet-mgr",
    "--kubeconfig-file=/run/kubeconfig",
    "--net-config-path=/run/net-conf.json",
    "--subnet-file=/run/flannel/subnet.env",
    "--iface=eth0",
    "--ip-masq",
];

pub(crate) struct Member<'node> {
    node: &'node Node,
    pub(crate) machine: Machine,
    number: u8,
    shape: Shape,
    runs: Option<Daemon>,
}

impl<'node> Member<'node> {
    pub(crate) fn new(node: &'node Node, lan: &Lan, shape: Shape, number: u8) -> Self {
        let machine = node.machine(&format!("node{number}"));
        let addresses = shape.underlay(number);
        lan.plug(&machine, "eth0", &addresses.iter().map(String::as_str).collect::<Vec<_>>());
        let plugins = Path::new(AGENT).with_file_name("cni");
        assert!(plugins.exists(), "{} is missing: cargo build -p plugins", plugins.display());
        machine.within(|| {
            node.install(&plugins, &["bridge", "flannel", "host-local", "loopback", "portmap"]);
            node.write("/run/net-conf.json", &shape.net_conf());
            // flanneld leaves it to the administrator.
            for file in ["ipv4/ip_forward", "ipv6/conf/all/forwarding"] {
                node.write(Path::new("/proc/sys/net").join(file), "1");
            }
        });
        Self { node, machine, number, shape, runs: None }
    }

    pub(crate) fn start_agent(&mut self, name: &str) {
        let more = ["--node-name", name, "--conflist", CONFLIST, "--healthz-port=8081"];
        // Its image has no other program.
        self.start(&[&["env", "PATH=/nowhere", AGENT, "run"], &COMMON[..], &more].concat());
    }

    /// What works goes on beside what is started next.
    pub(crate) fn keep_running(&mut self) -> Daemon {
        self.runs.take().expect("something runs")
    }

    pub(crate) fn start_flanneld(&mut self) {
        let name = format!("NODE_NAME=node{}", self.number);
        let program = cached("flanneld").display().to_string();
        self.give_flannels_conflist();
        self.start(&[&["env", &name, &program], &COMMON[..]].concat());
        let mut daemon = self.runs.take().expect("it was just started");
        // The last that it says before it waits for others.
        self.machine.within(|| {
            let said = || fs::read_to_string(LOG).unwrap_or_default();
            daemon.until("flanneld works", || said().contains("Running backend"));
        });
        self.runs = Some(daemon);
    }

    /// What an init container of flannel's manifest does.
    pub(crate) fn give_flannels_conflist(&self) {
        self.machine.within(|| self.node.write(format!("{CONFLISTS}/10-flannel.conflist"), FLANNELS));
    }

    fn start(&mut self, words: &[&str]) {
        self.machine.within(|| {
            // Each begins a log of its own.
            let _ = fs::remove_file(LOG);
        });
        self.runs = Some(self.machine.within(|| Daemon::start(words, Path::new(LOG))));
    }

    /// SIGKILL.
    pub(crate) fn kill(&mut self) {
        self.runs = None;
    }

    /// SIGTERM.
    pub(crate) fn terminate(&mut self) {
        let daemon = self.runs.take().expect("something runs");
        self.machine.within(|| daemon.terminate());
    }

    /// `routed-agent cleanup --to-flannel`, with what the agent was told.
    pub(crate) fn hand_over(&self) {
        let name = format!("--node-name=node{}", self.number);
        let conflist = format!("--conflist={CONFLIST}");
        self.machine.exec(&[&[AGENT, "cleanup", "--to-flannel", &name, &conflist], &COMMON[..]].concat());
    }

    /// `routed-agent cleanup`, with what the agent was told, whatever comes of it.
    pub(crate) fn try_clean_up(&self) -> Output {
        let name = format!("--node-name=node{}", self.number);
        let conflist = format!("--conflist={CONFLIST}");
        self.machine.try_exec(&[&[AGENT, "cleanup", &name, &conflist], &COMMON[..]].concat())
    }

    pub(crate) fn status(&self) -> Output {
        self.machine.try_exec(&[AGENT, "status"])
    }

    pub(crate) fn wait_ready(&self) {
        self.wait_status("ready");
    }

    /// Waits until the first line of `routed-agent status` begins so.
    pub(crate) fn wait_status(&self, beginning: &str) {
        let says = eventually(PATIENCE * 2, || self.status().stdout.starts_with(beginning));
        assert!(says, "{}, not {beginning:?}: {:?}\n{}", self.machine.name(), self.status(), self.log());
    }

    pub(crate) fn log(&self) -> String {
        self.read(LOG).unwrap_or_default()
    }

    pub(crate) fn read(&self, path: &str) -> Option<String> {
        self.machine.within(|| fs::read_to_string(path).ok())
    }

    /// Writes a file by rename.
    pub(crate) fn write(&self, path: &str, text: &str) {
        self.machine.within(|| {
            let new = PathBuf::from(format!("{path}.new"));
            self.node.write(&new, text);
            fs::rename(&new, path).expect("the machine's own /run");
        });
    }

    /// A new pod, by the network configuration that a runtime takes.
    pub(crate) fn pod(&self, name: &str) -> Attached {
        Attached::new(self.node, &self.machine, &self.conflist(), name)
    }

    /// The network configuration that a runtime takes: the first.
    pub(crate) fn conflist(&self) -> Value {
        let names = self.conflists();
        let first = names.first().unwrap_or_else(|| panic!("no conflist\n{}", self.log()));
        let text = self.read(&format!("{CONFLISTS}/{first}")).unwrap_or_default();
        serde_json::from_str(&text).expect("JSON")
    }

    /// What a runtime finds, in its order.
    pub(crate) fn conflists(&self) -> Vec<String> {
        let names = self.machine.sh(&format!("ls {CONFLISTS} 2>/dev/null || :")).stdout;
        names.lines().map(str::to_owned).collect()
    }

    /// Its own addresses on the switch.
    pub(crate) fn addresses(&self) -> Vec<String> {
        let text = self.machine.exec(&["ip", "-j", "addr", "show", "dev", "eth0", "scope", "global"]).stdout;
        let links: Value = serde_json::from_str(&text).expect("ip -j prints JSON");
        let all = links[0]["addr_info"].as_array().into_iter().flatten();
        all.filter_map(|address| address["local"].as_str().map(str::to_owned)).collect()
    }

    /// Gives it another address in each family in place of its own. Only in this order: the kernel takes away with an
    /// address those of its network that came later.
    pub(crate) fn move_to(&self, host: u8) {
        self.machine.exec(&["ip", "addr", "flush", "dev", "eth0", "scope", "global"]);
        for address in self.shape.underlay(host) {
            self.machine.exec(&["ip", "addr", "add", &address, "dev", "eth0", "nodad"]);
        }
    }

    /// Gives it a default route by a host of the switch: without one a machine can't as much as ask for a Service.
    pub(crate) fn route_by(&self, host: u8) {
        for address in self.shape.underlay(host) {
            let address = address.split_once('/').map_or("", |(address, _)| address);
            self.machine.exec(&["ip", "route", "add", "default", "via", address]);
        }
    }

    /// The route to a subnet, and where its tunnel ends; nothing where there is no route.
    pub(crate) fn ways(&self, subnet: &str) -> String {
        let family = if subnet.contains(':') { "-6" } else { "-4" };
        let route = self.machine.exec(&["ip", family, "route", "show", subnet]).stdout;
        if route.contains(" dev flannel") {
            let ends =
                "for dev in flannel.1 flannel-v6.1; do bridge fdb show dev $dev 2>/dev/null || :; done";
            return format!("{route}{}", self.machine.sh(ends).stdout);
        }
        route
    }

    /// All that leads to pods of others: routes with their ways, tunnels' neighbours and entries.
    pub(crate) fn paths(&self) -> String {
        let script = "ip route; ip -6 route; ip nexthop; ip neigh show nud permanent; \
                      for dev in flannel.1 flannel-v6.1; do bridge fdb show dev $dev 2>/dev/null || :; done";
        self.machine.sh(script).stdout
    }

    /// Index, name and MAC of each tunnel device.
    pub(crate) fn tunnels(&self) -> Vec<(u64, String, String)> {
        let text = self.machine.exec(&["ip", "-j", "link", "show", "type", "vxlan"]).stdout;
        let links: Vec<Value> = serde_json::from_str(&text).unwrap_or_default();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        links
            .iter()
            .map(|link| {
                (link["ifindex"].as_u64().unwrap_or_default(), text(&link["ifname"]), text(&link["address"]))
            })
            .collect()
    }
}
