//! podman 4.3 with its CNI backend: a conflist of its own making, at 0.4.0.

use std::path::Path;

use sandbox::{Allowed, Node, PATIENCE, Place, Runtime, Snapshot, cached, eventually};

use crate::network::{install, standing};

/// Plugins that podman's conflist names beside ours, for which Debian's do here.
const THEIRS: [&str; 3] = ["portmap", "firewall", "tuning"];

/// What those leave of themselves: empty shared chains, and the jumps to them.
const LEFT_BY_THEIRS: [Allowed; 4] = [
    Allowed::Containing("CNI-FORWARD"),
    Allowed::Containing("CNI-ADMIN"),
    Allowed::Containing("CNI-HOSTPORT"),
    Allowed::Containing("/run/xtables.lock"),
];

/// The bridge that podman names itself.
const BRIDGE: &str = "cni-podman1";

struct Podman {
    runtime: Runtime,
}

impl Podman {
    fn new(node: &Node) -> Self {
        install(node);
        node.install_from(Path::new("/usr/lib/cni"), &THEIRS);
        let runtime = Runtime::new(node, node);
        let scratch = runtime.scratch().display().to_string();
        node.write(format!("{scratch}/containers.conf"), CONTAINERS);
        node.write(
            format!("{scratch}/storage.conf"),
            &format!("[storage]\ndriver = \"overlay\"\ngraphroot = \"{scratch}/storage\"\nrunroot = \"{scratch}/run\"\n"),
        );
        let podman = Self { runtime };
        let rootfs = cached("images/rootfs.tar").display().to_string();
        podman.run(&["import", "-q", &rootfs, "localhost/busybox:1"]);
        podman
    }

    fn run(&self, words: &[&str]) -> String {
        let scratch = self.runtime.scratch().display();
        let containers = format!("CONTAINERS_CONF={scratch}/containers.conf");
        let storage = format!("CONTAINERS_STORAGE_CONF={scratch}/storage.conf");
        let mut command = vec!["env", &containers, &storage, "podman"];
        command.extend(words);
        self.runtime.exec(&command).stdout.trim().to_owned()
    }

    /// A container that sleeps, on the test's network.
    fn container(&self, name: &str, more: &[&str]) {
        let cgroup = format!("/{}", self.runtime.cgroup());
        let mut words = vec!["run", "-d", "--name", name, "--cgroup-parent", &cgroup, "--network", "net"];
        words.extend(more);
        words.extend(["localhost/busybox:1", "sleep", "infinity"]);
        self.run(&words);
    }

    /// The first container reaches this address.
    fn reaches(&self, container: &str, address: &str) {
        let reached = eventually(PATIENCE, || {
            let script = format!("ping -c1 -W1 {address} >/dev/null && echo yes || echo no");
            self.run(&["exec", container, "sh", "-c", &script]) == "yes"
        });
        assert!(reached, "{container} does not reach {address}");
    }
}

const CONTAINERS: &str = r#"[containers]
default_ulimits = []
default_sysctls = []
log_driver = "k8s-file"
[engine]
cgroup_manager = "cgroupfs"
events_logger = "none"
runtime = "runc"
[network]
network_backend = "cni"
cni_plugin_dirs = ["/opt/cni/bin"]
network_config_dir = "/etc/cni/net.d"
"#;

#[test]
fn containers_of_podman_reach_each_other_move_and_leave_nothing() {
    let node = Node::enter();
    let podman = Podman::new(&node);
    podman.run(&["network", "create", "--ipv6", "--subnet", "10.90.0.0/24", "--subnet", "fd90::/64", "net"]);
    let before = Snapshot::take(&node);
    podman.container("a", &["--ip", "10.90.0.50", "--mac-address", "02:00:00:00:00:50"]);
    podman.container("b", &[]);
    for address in ["10.90.0.50", "10.90.0.1", "fd90::1"] {
        podman.reaches("b", address);
    }
    let links = podman.run(&["exec", "a", "ip", "link", "show", "eth0"]);
    assert!(links.contains("02:00:00:00:00:50"), "{links}");

    // Detached and attached again with an address of choice.
    podman.run(&["network", "disconnect", "net", "b"]);
    podman.run(&["network", "connect", "net", "b", "--ip", "10.90.0.77"]);
    podman.reaches("a", "10.90.0.77");
    // The same addresses are asked for again, twice each, while they are still reserved.
    podman.run(&["network", "reload", "b"]);
    podman.reaches("b", "10.90.0.50");
    podman.run(&["restart", "-t", "0", "a"]);
    podman.reaches("a", "10.90.0.77");

    podman.run(&["rm", "-f", "-t", "0", "a", "b"]);
    let later = Snapshot::take(&node);
    before.forgiving(&standing(BRIDGE)).forgiving(&LEFT_BY_THEIRS).assert_same(&later);
}
