//! podman 4.3 with its CNI backend: a conflist of its own making, at 0.4.0.

use std::path::Path;

use sandbox::{
    Allowed, Node, PATIENCE, Place, Runtime, Snapshot, Uplink, cached, configure_podman, eventually,
};

use crate::network::{answers, install, standing};

/// What else podman's conflist names.
const CHAINED: [&str; 3] = ["portmap", "firewall", "tuning"];

/// The bridge that podman names itself.
const BRIDGE: &str = "cni-podman1";

struct Podman {
    runtime: Runtime,
}

impl Podman {
    fn new(node: &Node) -> Self {
        install(node);
        node.install(Path::new(env!("CARGO_BIN_EXE_cni")), &CHAINED);
        let runtime = Runtime::new(node, node);
        configure_podman(node, &runtime, runtime.scratch());
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
    before.forgiving(&standing(BRIDGE)).assert_same(&later);
}

#[test]
fn ports_published_by_podman_lead_into_the_container_in_every_form() {
    let node = Node::enter();
    let podman = Podman::new(&node);
    podman.run(&["network", "create", "--ipv6", "--subnet", "10.90.0.0/24", "--subnet", "fd90::/64", "net"]);
    let router = node.router(&Uplink::DUAL);
    let before = Snapshot::take(&node);
    let forms = [
        "8080:80",
        "127.0.0.1:8081:80/tcp",
        "192.0.2.2:8082:80",
        "[2001:db8::2]:8083:80",
        "9000-9030:9000-9030",
        "53:53/udp",
    ];
    let mut words = vec!["run", "-d", "--name", "a", "--network", "net"];
    let cgroup = format!("/{}", podman.runtime.cgroup());
    words.extend(["--cgroup-parent", &cgroup]);
    words.extend(forms.iter().flat_map(|form| ["-p", form]));
    let serve = "for port in 80 9000 9030; do httpd -p $port -h /; done; sleep infinity";
    words.extend(["localhost/busybox:1", "sh", "-c", serve]);
    podman.run(&words);
    let near = ["127.0.0.1:8080", "192.0.2.2:8080", "[2001:db8::2]:8080", "127.0.0.1:8081"];
    let far =
        ["192.0.2.2:8080", "[2001:db8::2]:8080", "192.0.2.2:8082", "[2001:db8::2]:8083", "192.0.2.2:9030"];
    for form in near {
        assert!(eventually(PATIENCE, || answers(&node, form)), "{form} from the node");
    }
    for form in far {
        assert!(eventually(PATIENCE, || answers(&router, form)), "{form} from the router");
    }
    // A firewall was flushed, and podman is told to put things right.
    node.exec(&["nft", "flush", "ruleset"]);
    podman.run(&["network", "reload", "a"]);
    assert!(eventually(PATIENCE, || answers(&router, "192.0.2.2:8080")), "after a reload");
    podman.run(&["rm", "-f", "-t", "0", "a"]);
    let later = Snapshot::take(&node);
    // The cable to the router has seen packets meanwhile.
    let cable = [Allowed::Containing("\"up0\"")];
    before.forgiving(&standing(BRIDGE)).forgiving(&cable).assert_same(&later);
}

#[test]
fn a_pod_of_podman_on_its_default_network_shares_an_address_and_a_port() {
    let node = Node::enter();
    let podman = Podman::new(&node);
    let before = Snapshot::take(&node);
    let cgroup = format!("/{}", podman.runtime.cgroup());
    let infra = ["--infra-image", "localhost/busybox:1", "--infra-command", "/bin/sleep infinity"];
    let pod = [
        "pod",
        "create",
        "--name",
        "pod",
        "--cgroup-parent",
        &cgroup,
        "--network",
        "podman",
        "-p",
        "8080:80",
    ];
    podman.run(&[&pod[..], &infra].concat());
    let member = ["run", "-d", "--pod", "pod", "--name"];
    let serve = ["web", "localhost/busybox:1", "httpd", "-f", "-p", "80", "-h", "/"];
    podman.run(&[&member[..], &serve].concat());
    podman.run(&[&member[..], &["client", "localhost/busybox:1", "sleep", "infinity"]].concat());
    assert!(eventually(PATIENCE, || answers(&node, "127.0.0.1:8080")), "from the node");
    let asked = podman.run(&["exec", "client", "sh", "-c", "wget -q -O- 127.0.0.1/none 2>&1; true"]);
    assert!(asked.contains("404"), "its neighbour in the pod says {asked:?}");
    podman.run(&["pod", "rm", "-f", "-t", "0", "pod"]);
    before.forgiving(&standing("cni-podman0")).assert_same(&Snapshot::take(&node));
}
