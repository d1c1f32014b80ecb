//! Some machines with an agent each, a nodes file, and pods made by our plugins.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use sandbox::{Attached, Lan, Machine, Node, PATIENCE, Place, eventually};
use serde_json::{Value, json};

/// The binary under test.
pub(crate) const AGENT: &str = env!("CARGO_BIN_EXE_routed-agent");

/// Where it writes what a runtime reads.
pub(crate) const CONFLIST: &str = "/etc/cni/net.d/10-trestle.conflist";

/// How pods' packets cross from node to node, and in which families.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shape {
    /// The `Backend` of net-conf.json.
    pub(crate) backend: &'static str,
    /// 4, 6 or both.
    pub(crate) families: &'static [u8],
}

impl Shape {
    pub(crate) const VXLAN: Self = Self { backend: r#"{"Type": "vxlan"}"#, families: &[4, 6] };
    pub(crate) const HOST_GW: Self = Self { backend: r#"{"Type": "host-gw"}"#, families: &[4, 6] };

    /// The same in other families.
    pub(crate) fn of(self, families: &'static [u8]) -> Self {
        Self { families, ..self }
    }

    pub(crate) fn has(&self, family: u8) -> bool {
        self.families.contains(&family)
    }

    fn net_conf(&self) -> String {
        let backend: Value = serde_json::from_str(self.backend).expect("the test's own JSON");
        json!({
            "EnableIPv4": self.has(4), "Network": "10.244.0.0/16",
            "EnableIPv6": self.has(6), "IPv6Network": "fd00:10:244::/48",
            "Backend": backend,
        })
        .to_string()
    }
}

/// One machine of the cluster.
pub(crate) struct Member {
    pub(crate) machine: Machine,
    pub(crate) number: u8,
    agent: Option<Child>,
}

/// The machines, numbered from 1: `192.0.2.N`, pods in `10.244.N.0/24`.
pub(crate) struct Cluster {
    pub(crate) node: Node,
    pub(crate) shape: Shape,
    pub(crate) members: Vec<Member>,
}

impl Cluster {
    /// Machines on one switch, and no agent yet.
    pub(crate) fn new(shape: Shape, count: u8) -> Self {
        let node = Node::enter();
        let lan = Lan::new(&node, "lan0");
        let members: Vec<Member> = (1..=count)
            .map(|number| {
                let machine = node.machine(&format!("node{number}"));
                let addresses = underlay(shape, number);
                lan.plug(&machine, "eth0", &addresses.iter().map(String::as_str).collect::<Vec<_>>());
                Member { machine, number, agent: None }
            })
            .collect();
        Self::with(node, shape, members)
    }

    /// Two switches, with the node as the router between them: odd numbers on one, even on the other.
    pub(crate) fn routed(shape: Shape, count: u8) -> Self {
        let node = Node::enter();
        let lans = [Lan::new(&node, "lan0"), Lan::new(&node, "lan1")];
        for (number, lan) in lans.iter().enumerate() {
            lan.route(&[&format!("192.0.{}.254/24", 2 + number), &format!("2001:db8:{number}::fe/64")]);
        }
        let members: Vec<Member> = (1..=count)
            .map(|number| {
                let lan = usize::from(number + 1) % 2;
                let machine = node.machine(&format!("node{number}"));
                let addresses =
                    [format!("192.0.{}.{number}/24", 2 + lan), format!("2001:db8:{lan}::{number}/64")];
                lans[lan].plug(&machine, "eth0", &[&addresses[0], &addresses[1]]);
                machine.exec(&["ip", "route", "add", "default", "via", &format!("192.0.{}.254", 2 + lan)]);
                machine.exec(&["ip", "route", "add", "default", "via", &format!("2001:db8:{lan}::fe")]);
                Member { machine, number, agent: None }
            })
            .collect();
        Self::with(node, shape, members)
    }

    fn with(node: Node, shape: Shape, members: Vec<Member>) -> Self {
        let bin = plugins();
        for member in &members {
            member.machine.within(|| {
                node.install(&bin, &["bridge", "host-local", "loopback"]);
                node.write("/run/net-conf.json", &shape.net_conf());
            });
        }
        let cluster = Self { node, shape, members };
        cluster.tell_all();
        cluster
    }

    /// What the nodes file says of a member.
    pub(crate) fn entry(&self, number: u8) -> Value {
        let mut subnets = Vec::new();
        subnets.extend(self.shape.has(4).then(|| format!("10.244.{number}.0/24")));
        subnets.extend(self.shape.has(6).then(|| format!("fd00:10:244:{number}::/64")));
        let machine = &self.members[usize::from(number) - 1].machine;
        json!({ "name": machine.name(), "podCIDRs": subnets, "addresses": addresses(machine) })
    }

    /// Every member, as the nodes file has them.
    pub(crate) fn entries(&self) -> Vec<Value> {
        self.members.iter().map(|member| self.entry(member.number)).collect()
    }

    /// Writes the same nodes file on every machine, by rename.
    pub(crate) fn tell(&self, nodes: &[Value]) {
        for member in &self.members {
            member.write("/run/nodes.json", &json!({ "nodes": nodes }).to_string());
        }
    }

    pub(crate) fn tell_all(&self) {
        self.tell(&self.entries());
    }

    /// Starts an agent on every machine and waits until all are ready.
    pub(crate) fn start(&mut self) {
        for member in &mut self.members {
            member.start();
        }
        for member in &self.members {
            member.wait_ready();
        }
    }

    /// A pod on a machine, attached by the first plugin of the machine's conflist.
    pub(crate) fn pod(&self, number: u8, name: &str) -> Attached {
        let member = &self.members[usize::from(number) - 1];
        assert!(eventually(PATIENCE, || member.read(CONFLIST).is_some()), "no conflist on node{number}");
        let conflist: Value =
            serde_json::from_str(&member.read(CONFLIST).unwrap_or_default()).expect("a conflist");
        Attached::new(&self.node, &member.machine, &conflist, name)
    }
}

impl Member {
    /// Starts the agent.
    pub(crate) fn start(&mut self) {
        self.start_with(&[]);
    }

    pub(crate) fn start_with(&mut self, more: &[&str]) {
        self.launch(more, Command::spawn);
    }

    /// The same, with what starts a program on this machine.
    pub(crate) fn launch(&mut self, more: &[&str], spawn: impl FnOnce(&mut Command) -> io::Result<Child>) {
        let name = self.machine.name().to_owned();
        let agent = self.machine.within(|| {
            let log = fs::File::options().create(true).append(true).open("/run/agent.log").expect("a log");
            let mut command = Command::new(AGENT);
            command
                .args(["run", "--node-name", &name, "--nodes-file", "/run/nodes.json"])
                .args(["--net-config-path", "/run/net-conf.json", "--subnet-file", "/run/flannel/subnet.env"])
                .args(["--conflist", CONFLIST, "--iface", "eth0", "--ip-masq", "--healthz-port", "8081"])
                .args(more)
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(log);
            spawn(&mut command)
        });
        self.agent = Some(agent.expect("the agent starts"));
    }

    /// The running agent's process.
    pub(crate) fn pid(&self) -> u32 {
        self.agent.as_ref().expect("it was started").id()
    }

    /// SIGKILL.
    pub(crate) fn kill(&mut self) {
        if let Some(mut agent) = self.agent.take() {
            agent.kill().expect("it is ours");
            agent.wait().expect("it is ours");
        }
    }

    /// `routed-agent COMMAND…` on this machine.
    pub(crate) fn agent(&self, command: &[&str]) -> sandbox::Output {
        self.machine.try_exec(&[&[AGENT], command].concat())
    }

    /// What `/readyz` says: the code and the text.
    pub(crate) fn ready(&self) -> (bool, String) {
        let status = self.agent(&["status"]);
        let first = status.stdout.lines().next().unwrap_or(&status.stderr).to_owned();
        (status.code == 0 && first == "ready", first)
    }

    pub(crate) fn wait_ready(&self) {
        let ready = eventually(PATIENCE, || self.ready().0);
        assert!(ready, "{}: {}\n{}", self.machine.name(), self.ready().1, self.log());
    }

    pub(crate) fn log(&self) -> String {
        self.read("/run/agent.log").unwrap_or_default()
    }

    pub(crate) fn read(&self, path: &str) -> Option<String> {
        self.machine.within(|| fs::read_to_string(path).ok())
    }

    /// Writes a file by rename.
    pub(crate) fn write(&self, path: &str, text: &str) {
        self.machine.within(|| {
            let new = format!("{path}.new");
            fs::write(&new, text).expect("the machine's own /run");
            fs::rename(&new, path).expect("the machine's own /run");
        });
    }

    /// The machine's routes to pods of others, both families.
    pub(crate) fn routes(&self) -> String {
        self.machine.sh("ip route show proto 116; ip -6 route show proto 116").stdout
    }

    /// Waits until the routes are as the predicate wants.
    pub(crate) fn wait_routes(&self, wanted: impl Fn(&str) -> bool) {
        let came = eventually(PATIENCE, || wanted(&self.routes()));
        assert!(came, "{}:\n{}\n{}", self.machine.name(), self.routes(), self.log());
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        if let Some(agent) = &mut self.agent {
            let _ = agent.kill();
            let _ = agent.wait();
        }
    }
}

fn underlay(shape: Shape, number: u8) -> Vec<String> {
    let mut addresses = Vec::new();
    addresses.extend(shape.has(4).then(|| format!("192.0.2.{number}/24")));
    addresses.extend(shape.has(6).then(|| format!("2001:db8::{number}/64")));
    addresses
}

/// The machine's addresses on its uplink.
fn addresses(machine: &Machine) -> Vec<String> {
    let text = machine.exec(&["ip", "-j", "addr", "show", "dev", "eth0", "scope", "global"]).stdout;
    let links: Value = serde_json::from_str(&text).expect("ip -j prints JSON");
    let all = links[0]["addr_info"].as_array().cloned().unwrap_or_default();
    all.iter().filter_map(|address| address["local"].as_str().map(str::to_owned)).collect()
}

/// The plugins' binary, built beside ours.
fn plugins() -> PathBuf {
    let path = Path::new(AGENT).with_file_name("cni");
    assert!(path.exists(), "{} is missing: cargo build -p plugins", path.display());
    path
}
