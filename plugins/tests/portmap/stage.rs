//! A node with a router beside it, and containers on a bridge whose ports are mapped.

use std::io::{self, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::time::Duration;

use sandbox::{Call, Node, PATIENCE, Place, Pod, Reply, Router, Uplink, eventually};
use serde_json::{Value, json};

/// Both backends.
pub(crate) const BACKENDS: [&str; 2] = ["nftables", "iptables"];

/// The node's addresses towards the router, and those on the bridge.
pub(crate) const NODE: [&str; 2] = ["192.0.2.2", "2001:db8::2"];
pub(crate) const BRIDGE: [&str; 2] = ["10.88.0.1", "fd88::1"];

/// The router's.
pub(crate) const ROUTER: [&str; 2] = ["192.0.2.1", "2001:db8::1"];

/// How long who must not get through tries.
const BRIEFLY: Duration = Duration::from_millis(500);

/// The node.
pub(crate) struct Stage {
    pub(crate) node: Node,
    pub(crate) router: Router,
    pub(crate) bin: PathBuf,
}

/// A container, what its network's plugins printed, and what `portmap` was told.
pub(crate) struct Attached {
    pub(crate) pod: Pod,
    pub(crate) result: Value,
    pub(crate) conf: Value,
}

impl Stage {
    /// Our plugins.
    pub(crate) fn new() -> Self {
        let node = Node::enter();
        let names = ["bridge", "host-local", "portmap", "cni"];
        let bin = node.install(Path::new(env!("CARGO_BIN_EXE_cni")), &names);
        let router = node.router(&Uplink::DUAL);
        Self { node, router, bin }
    }

    /// A call of one of the network's plugins about a container's `eth0`.
    pub(crate) fn call(&self, plugin: &str, pod: &Pod, conf: &Value) -> Call {
        Call::new(self.bin.join(plugin)).container(pod.name()).netns(pod).ifname("eth0").conf(conf)
    }

    /// A pod on the bridge, without ports.
    pub(crate) fn pod(&self, name: &str) -> Attached {
        let pod = self.node.pod(name);
        let conf = bridge();
        let result = self.call("bridge", &pod, &conf).command("ADD").run().result();
        Attached { pod, result, conf }
    }

    /// A pod on the bridge with these ports.
    pub(crate) fn mapped(&self, name: &str, ports: &Value) -> Attached {
        self.mapped_with(name, ports, &json!({}))
    }

    /// The same, with more keys of `portmap`.
    pub(crate) fn mapped_with(&self, name: &str, ports: &Value, keys: &Value) -> Attached {
        let Attached { pod, result, .. } = self.pod(name);
        let conf = portmap(&result, ports, keys);
        let printed = self.call("portmap", &pod, &conf).command("ADD").run().result();
        assert_eq!(printed, result, "prevResult is passed through");
        Attached { pod, result, conf }
    }

    /// Other ports of a pod that has none any more.
    pub(crate) fn map(&self, one: Attached, ports: &Value, keys: &Value) -> Attached {
        let conf = portmap(&one.result, ports, keys);
        self.call("portmap", &one.pod, &conf).command("ADD").run().succeeded();
        Attached { conf, ..one }
    }

    /// A verb of `portmap` about a container.
    pub(crate) fn verb(&self, command: &str, attached: &Attached) -> Reply {
        self.call("portmap", &attached.pod, &attached.conf).command(command).run()
    }

    /// Whatever names a container in packet rules and our records.
    pub(crate) fn left_of(&self, container: &str) -> String {
        let rules = self.node.sh("nft list ruleset; iptables-nft-save; ip6tables-nft-save").stdout;
        let rules = rules.lines().filter(|line| line.contains(&format!("/{container}/eth0")));
        let found = self.node.try_exec(&[
            "grep",
            "-rl",
            &format!("container {container}"),
            "/var/lib/cni/trestle/portmap",
        ]);
        let ports = rules.filter(|line| !line.contains("jump outside-")).collect::<Vec<_>>().join("\n");
        format!("{ports}{}", found.stdout)
    }
}

impl Attached {
    /// Its addresses, IPv4 first.
    pub(crate) fn addresses(&self) -> [IpAddr; 2] {
        let address = |index: usize| {
            let text = self.result["ips"][index]["address"].as_str().expect("an address");
            text.split('/').next().and_then(|ip| ip.parse().ok()).expect("an address")
        };
        [address(0), address(1)]
    }

    /// Accepts a connection to one of its ports that `from` opens by another address, and passes a byte each way. Returns
    /// whom the container sees.
    pub(crate) fn serves(&self, port: u16, from: &impl Place, by: SocketAddr) -> io::Result<IpAddr> {
        self.serves_for(PATIENCE, port, from, by)
    }

    /// Does nobody get through?
    pub(crate) fn is_shut(&self, port: u16, from: &impl Place, by: SocketAddr) -> bool {
        self.serves_for(BRIEFLY, port, from, by).is_err()
    }

    fn serves_for(&self, time: Duration, port: u16, from: &impl Place, by: SocketAddr) -> io::Result<IpAddr> {
        let family = usize::from(by.is_ipv6());
        let listener = self.listener(family, port);
        let client = from.within(|| TcpStream::connect_timeout(&by, time))?;
        listener.set_nonblocking(true)?;
        // The client is content with an answer; its last word may still be on its way.
        let mut accepted = listener.accept();
        let _ = eventually(time, || {
            let comes = accepted.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock);
            if comes {
                accepted = listener.accept();
            }
            !comes
        });
        let (server, peer) = accepted?;
        server.set_nonblocking(false)?;
        for (mut one, mut other) in [(&client, &server), (&server, &client)] {
            one.write_all(b"x")?;
            other.set_read_timeout(Some(PATIENCE))?;
            other.read_exact(&mut [0])?;
        }
        Ok(peer.ip())
    }

    /// Between its fork and its program's start, what another test starts holds every socket of this process, the last
    /// listener of this port among them.
    fn listener(&self, family: usize, port: u16) -> TcpListener {
        let address = (self.addresses()[family], port);
        let mut bound = self.pod.within(|| TcpListener::bind(address));
        let free = eventually(PATIENCE, || {
            let taken = bound.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::AddrInUse);
            if taken {
                bound = self.pod.within(|| TcpListener::bind(address));
            }
            !taken
        });
        assert!(free, "port {port} of the container is taken");
        bound.expect("a port of the container")
    }
}

/// An address and a port.
pub(crate) fn at(address: &str, port: u16) -> SocketAddr {
    SocketAddr::new(address.parse().expect("an address"), port)
}

/// An address.
pub(crate) fn ip(address: &str) -> IpAddr {
    address.parse().expect("an address")
}

/// One element of `portMappings`.
pub(crate) fn port(host: u16, container: u16, protocol: &str) -> Value {
    json!({ "hostPort": host, "containerPort": container, "protocol": protocol })
}

/// The same on one address of the host.
pub(crate) fn port_of(address: &str, host: u16, container: u16) -> Value {
    json!({ "hostPort": host, "containerPort": container, "protocol": "tcp", "hostIP": address })
}

/// The bridge's configuration. Its ports reflect, for what a container sends to its own mapped port comes back by the
/// same port, and a node with `br_netfilter` never takes it off the bridge.
pub(crate) fn bridge() -> Value {
    json!({
        "cniVersion": "1.1.0", "name": "net", "type": "bridge", "bridge": "cni0",
        "isDefaultGateway": true, "ipMasq": true, "hairpinMode": true,
        "ipam": { "type": "host-local", "ranges": [[{ "subnet": "10.88.0.0/24" }], [{ "subnet": "fd88::/64" }]] },
    })
}

/// `portmap`'s configuration.
pub(crate) fn portmap(result: &Value, ports: &Value, keys: &Value) -> Value {
    let mut conf = json!({
        "cniVersion": "1.1.0", "name": "net", "type": "portmap",
        "capabilities": { "portMappings": true },
        "runtimeConfig": { "portMappings": ports },
        "prevResult": result,
    });
    for (key, value) in keys.as_object().into_iter().flatten() {
        conf[key] = value.clone();
    }
    conf
}
