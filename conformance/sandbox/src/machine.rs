//! Several machines in one test: each a node of its own, plugged into a common network.

use std::fs::{self, File};
use std::os::fd::AsRawFd;

use nix::sched::{CloneFlags, setns, unshare};
use nix::unistd::{fchdir, sethostname};

use crate::{Node, Place, mounts};

/// What a machine has for itself, and where the kernel shows it.
const OWN: [(CloneFlags, &str); 3] = [
    (CloneFlags::CLONE_NEWNS, "/proc/thread-self/ns/mnt"),
    (CloneFlags::CLONE_NEWUTS, "/proc/thread-self/ns/uts"),
    (CloneFlags::CLONE_NEWNET, "/proc/thread-self/ns/net"),
];

/// A private network, host name and mount table, like a [`Node`]'s, that a thread visits and comes back from.
#[derive(Debug)]
pub struct Machine {
    name: String,
    namespaces: Vec<File>,
}

impl Machine {
    pub(crate) fn new(name: &str) -> Self {
        let made = std::thread::scope(|scope| scope.spawn(|| make(name)).join());
        let Ok(namespaces) = made else { panic!("no machine {name}") };
        let machine = Self { name: name.to_owned(), namespaces };
        machine.exec(&["ip", "link", "set", "lo", "up"]);
        machine.within(|| {
            fs::write("/proc/sys/net/ipv6/conf/default/accept_dad", "0").expect("the machine has IPv6");
        });
        machine
    }

    /// Its name, which is its host name too.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// A path of its network namespace.
    pub(crate) fn network(&self) -> String {
        let network = self.namespaces.last().expect("it has one of each kind");
        format!("/proc/{}/fd/{}", std::process::id(), network.as_raw_fd())
    }
}

fn make(name: &str) -> Vec<File> {
    let all = OWN.iter().fold(CloneFlags::empty(), |all, (kind, _)| all | *kind);
    if let Err(error) = unshare(all) {
        panic!("no private namespaces: {error}; run as root or through conformance/sandbox/enter");
    }
    mounts::privatise();
    sethostname(name).expect("the host name is its own");
    open()
}

fn open() -> Vec<File> {
    OWN.iter().map(|(_, path)| File::open(path).expect("a thread has its namespaces")).collect()
}

fn enter(namespaces: &[File]) {
    for (namespace, (kind, path)) in namespaces.iter().zip(OWN) {
        setns(namespace, kind).unwrap_or_else(|error| panic!("can't enter {path}: {error}"));
    }
}

impl Place for Machine {
    fn within<T>(&self, work: impl FnOnce() -> T) -> T {
        // Another mount table has another working directory.
        let directory = File::open(".").expect("there is a working directory");
        let own = open();
        enter(&self.namespaces);
        let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work));
        enter(&own);
        fchdir(&directory).expect("it was the working directory");
        done.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }
}

/// A switch on the node, into which machines are plugged.
#[derive(Debug)]
pub struct Lan<'a> {
    node: &'a Node,
    name: &'static str,
}

impl<'a> Lan<'a> {
    /// A switch of this name.
    ///
    /// # Panics
    /// Where it can't be made.
    #[must_use]
    pub fn new(node: &'a Node, name: &'static str) -> Self {
        node.exec(&["ip", "link", "add", name, "type", "bridge"]);
        node.exec(&["ip", "link", "set", name, "up"]);
        Self { node, name }
    }

    /// Gives the node itself addresses on it: it routes between its switches.
    ///
    /// # Panics
    /// Where they can't be set.
    pub fn route(&self, addresses: &[&str]) {
        for address in addresses {
            self.node.exec(&["ip", "addr", "add", address, "dev", self.name, "nodad"]);
        }
        self.node.sh("echo 1 >/proc/sys/net/ipv4/ip_forward; echo 1 >/proc/sys/net/ipv6/conf/all/forwarding");
    }

    /// Plugs the machine in by its link `device`, with these addresses.
    ///
    /// # Panics
    /// Where that can't be done.
    pub fn plug(&self, machine: &Machine, device: &str, addresses: &[&str]) {
        let port = format!("{}-{}", machine.name, device);
        let network = machine.network();
        self.node.exec(&[
            "ip", "link", "add", &port, "master", self.name, "up", "type", "veth", "peer", "name", device,
            "netns", &network,
        ]);
        for address in addresses {
            machine.exec(&["ip", "addr", "add", address, "dev", device, "nodad"]);
        }
        machine.exec(&["ip", "link", "set", device, "up"]);
    }
}
