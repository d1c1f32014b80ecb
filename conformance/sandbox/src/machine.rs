//! Several machines in one test: each a node of its own, plugged into a common network.

use std::fs;

use nix::sched::unshare;
use nix::unistd::sethostname;

use crate::namespaces::Namespaces;
use crate::{Node, Place, mounts};

/// A private network, host name and mount table, like a [`Node`]'s, that a thread visits and comes back from.
#[derive(Debug)]
pub struct Machine {
    name: String,
    namespaces: Namespaces,
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
        self.namespaces.network()
    }
}

fn make(name: &str) -> Namespaces {
    if let Err(error) = unshare(Namespaces::flags()) {
        panic!("no private namespaces: {error}; run as root or through conformance/sandbox/enter");
    }
    mounts::privatise();
    sethostname(name).expect("the host name is its own");
    Namespaces::own()
}

impl Place for Machine {
    fn within<T>(&self, work: impl FnOnce() -> T) -> T {
        self.namespaces.visit(work)
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
