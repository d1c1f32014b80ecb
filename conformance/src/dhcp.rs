//! A network with a DHCP server on it, and the daemon that plugin `dhcp` asks: <https://www.cni.dev/plugins/current/ipam/dhcp/>.

use std::cell::{Cell, RefCell};
use std::fs;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::Command;

use sandbox::{Daemon, Directory, Place, Pod};

use crate::attachment::Attachment;
use crate::stage::Stage;

/// Where the plugin finds its daemon, unless its configuration says otherwise.
const SOCKET: &str = "/run/cni/dhcp.sock";

/// Where the daemon writes its process ID.
const PID: &str = "/run/dhcp.pid";

/// The server's own address.
pub(crate) const SERVER: &str = "10.75.0.1";

/// What it has to give.
const RANGE: &str = "10.75.0.10,10.75.0.250,255.255.255.0,1h";

/// A switch `lan0` on the node, a machine with a server at it, and the daemon.
pub(crate) struct Dhcp {
    daemon: RefCell<Option<Daemon>>,
    server: Daemon,
    /// The server's network: it is no part of the node, so what it learns of its clients is no state of the node's.
    _machine: Pod,
    /// What the server and the daemon write.
    directory: Directory,
    plugin: PathBuf,
    /// So many links were joined to the switch.
    ports: Cell<usize>,
}

impl Dhcp {
    /// Starts all of it. The server has these options beside its own.
    pub(crate) fn beside(stage: &Stage<'_>, options: &[&str]) -> Self {
        let machine = stage.node.pod("server");
        stage.note("ip netns add server".to_owned(), String::new());
        stage.host(
            "ip -batch - <<'END'
             link add lan0 type bridge
             link add served master lan0 type veth peer name eth0 netns server
             link set served up
             link set lan0 up\nEND",
        );
        machine.sh(&format!("ip addr add {SERVER}/24 dev eth0; ip link set eth0 up"));
        let directory = stage.node.directory();
        let file = |name: &str| directory.join(name).to_string_lossy().into_owned();
        let (leases, range) =
            (format!("--dhcp-leasefile={}", file("leases")), format!("--dhcp-range={RANGE}"));
        let mut command = vec!["dnsmasq", "--no-daemon", "--conf-file=/dev/null", "--user=root", "--port=0"];
        command.extend(["--interface=eth0", "--bind-dynamic", "--no-ping", "--dhcp-authoritative"]);
        command.extend([leases.as_str(), range.as_str(), "--log-dhcp"]);
        command.extend(options);
        let mut server = machine.within(|| Daemon::start(&command, &directory.join("server.log")));
        let log = directory.join("server.log");
        server.until("the DHCP server is there", || {
            fs::read_to_string(&log).is_ok_and(|text| text.contains("started, version"))
        });
        stage.note(format!("ip netns exec server {} &", command.join(" ")), String::new());
        let plugin = stage.plugin("dhcp");
        let dhcp = Self {
            daemon: RefCell::default(),
            server,
            _machine: machine,
            directory,
            plugin,
            ports: Cell::new(0),
        };
        dhcp.start_daemon();
        stage.note(format!("{} daemon -pidfile {PID} &", dhcp.plugin.display()), String::new());
        dhcp
    }

    /// Starts the daemon, and waits until it listens.
    pub(crate) fn start_daemon(&self) {
        // One that was killed leaves its socket.
        let _ = fs::remove_file(SOCKET);
        let plugin = self.plugin.to_string_lossy();
        let mut daemon =
            Daemon::start(&[plugin.as_ref(), "daemon", "-pidfile", PID], &self.directory.join("daemon.log"));
        daemon.until("the daemon listens", || UnixStream::connect(SOCKET).is_ok());
        *self.daemon.borrow_mut() = Some(daemon);
    }

    /// Ends the daemon.
    pub(crate) fn end_daemon(&self) {
        self.daemon.take();
        let _ = fs::remove_file(SOCKET);
    }

    /// Joins a container's interface to the switch: the link is there before the plugin is asked.
    pub(crate) fn connect(&self, attachment: &Attachment<'_>) {
        let Attachment { ifname, id, stage, .. } = attachment;
        let port = format!("port{}", self.ports.replace(self.ports.get() + 1));
        stage.host(&format!("ip link add {port} master lan0 up type veth peer name {ifname} netns {id}"));
        attachment.inside(&format!("ip link set lo up; ip link set {ifname} up"));
    }

    /// The addresses that the server has given.
    pub(crate) fn given(&self) -> Vec<String> {
        let text = fs::read_to_string(self.directory.join("leases")).unwrap_or_default();
        text.lines().filter_map(|line| line.split(' ').nth(2)).map(str::to_owned).collect()
    }

    /// How often the server has confirmed this address.
    pub(crate) fn confirmed(&self, address: &str) -> usize {
        let said = self.server.said();
        said.lines().filter(|line| line.contains("DHCPACK") && line.contains(&format!(" {address} "))).count()
    }
}

impl Drop for Dhcp {
    fn drop(&mut self) {
        self.end_daemon();
        for link in ["lan0", "served"] {
            // The next stage on this node makes its own. The machine's end may have taken one with it.
            let _ = Command::new("ip").args(["link", "del", link]).output();
        }
    }
}
