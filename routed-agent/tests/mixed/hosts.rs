//! Three hosts with podman and no cluster: `docs/three-hosts.md`, whose commands are run as they stand there.

use std::path::Path;

use sandbox::{Daemon, Lan, Machine, Node, PATIENCE, Place, Runtime, cached, configure_podman, eventually};

const PAGE: &str = include_str!("../../../docs/three-hosts.md");
const UNIT: &str = include_str!("../../../deploy/systemd/routed-agent.service");
const AGENT: &str = env!("CARGO_BIN_EXE_routed-agent");

/// `/etc` and `/usr/local/bin` of the host's own, as its administrator finds them.
const OWN: &str = "mkdir -p /run/etc/upper /run/etc/work
    mount -t overlay overlay -o lowerdir=/etc,upperdir=/run/etc/upper,workdir=/run/etc/work /etc
    mkdir -p /etc/cni /etc/containers; mount -t tmpfs tmpfs /etc/cni; mkdir /etc/cni/net.d
    mount -t tmpfs tmpfs /usr/local/bin";

struct Host {
    runtime: Runtime,
    machine: Machine,
    agent: Option<Daemon>,
}

impl Host {
    fn new(node: &Node, lan: &Lan, (name, number): (&str, u8)) -> Self {
        let machine = node.machine(name);
        lan.plug(&machine, "eth0", &[&format!("192.0.2.{number}/24"), &format!("2001:db8::{number}/64")]);
        machine.sh(OWN);
        let plugins = Path::new(AGENT).with_file_name("cni");
        assert!(plugins.exists(), "{} is missing: cargo build -p plugins", plugins.display());
        machine.exec(&["cp", AGENT, &plugins.display().to_string(), "/usr/local/bin"]);
        let runtime = Runtime::new(node, &machine);
        let group = runtime.cgroup().to_owned();
        runtime.within(|| {
            configure_podman(node, &runtime, Path::new("/etc/containers"));
            // The tree of control groups is the whole machine's, so everything below has one of the test's.
            node.write("/usr/local/bin/podman", &format!(
                "#!/bin/sh\n[ \"$1\" = run ] || exec /usr/bin/podman \"$@\"\nshift\nexec /usr/bin/podman run --cgroup-parent /{group} \"$@\"\n"
            ));
        });
        runtime.sh("chmod 755 /usr/local/bin/podman");
        runtime.exec(&[
            "podman",
            "import",
            "-q",
            &cached("images/rootfs.tar").display().to_string(),
            "localhost/busybox:latest",
        ]);
        Self { runtime, machine, agent: None }
    }

    /// What systemd would start.
    fn start(&mut self) {
        let line = UNIT.replace("\\\n", " ");
        let command =
            line.lines().find_map(|line| line.strip_prefix("ExecStart=")).expect("the unit starts something");
        let script = format!("set -a; . /etc/trestle/routed-agent.env; exec {command}");
        self.agent = Some(self.runtime.start("agent", &["sh", "-ec", &script]));
        let runtime = &self.runtime;
        let ready = eventually(PATIENCE, || runtime.try_exec(&["routed-agent", "status"]).code == 0);
        assert!(
            ready,
            "{}: {}",
            self.machine.name(),
            self.agent.as_ref().map(Daemon::said).unwrap_or_default()
        );
    }

    /// What systemd would end: of the processes here, which are the host's own.
    fn stop(&mut self) {
        self.runtime.sh("kill $(busybox pidof routed-agent)");
        let runtime = &self.runtime;
        assert!(eventually(PATIENCE, || runtime.try_exec(&["routed-agent", "status"]).code == 2), "it stays");
        self.agent = None;
    }
}

/// The page's commands in their order, each with the hosts where they are run: all where none is named.
fn blocks() -> Vec<(Vec<&'static str>, &'static str)> {
    let fenced = PAGE.split("```sh").skip(1).filter_map(|part| part.split("\n```").next());
    let blocks = fenced.filter_map(|part| part.split_once('\n'));
    blocks
        .map(|(hosts, commands)| {
            let named: Vec<_> = hosts.split_whitespace().collect();
            (if named.is_empty() { vec!["a", "b", "c"] } else { named }, commands)
        })
        .collect()
}

#[test]
fn three_hosts_with_a_nodes_file_and_podman_as_the_page_has_it() {
    let node = Node::enter();
    let lan = Lan::new(&node, "lan0");
    let mut hosts = ["a", "b", "c"]
        .map(|name| (name, name.as_bytes()[0] - b'a' + 1))
        .map(|host| Host::new(&node, &lan, host));
    for (names, commands) in blocks() {
        // Where the page has the agents started, and stopped.
        if commands.starts_with("routed-agent status") {
            hosts.iter_mut().for_each(Host::start);
        }
        for host in hosts.iter_mut().filter(|host| names.contains(&host.machine.name())) {
            if commands.starts_with("routed-agent cleanup") {
                host.stop();
            }
            host.runtime.sh(commands);
        }
    }
    let [a, _, c] = &hosts;
    let left = "ip -o link show type vxlan; ip route show proto 116; nft list tables
        ls -A /opt/cni/bin; ls /etc/cni/net.d | grep conf || true";
    assert_eq!(c.runtime.sh(left).stdout, "");
    let gone =
        eventually(PATIENCE, || a.runtime.exec(&["routed-agent", "status"]).stdout.contains("(2 known)"));
    assert!(gone, "{}", a.runtime.exec(&["routed-agent", "status"]).stdout);
    a.runtime.exec(&["podman", "rm", "-f", "-t", "0", "web"]);
}
