//! A node with a switch, a DHCP server on it, and our daemon.

use std::fs;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use sandbox::{Call, Daemon, Node, PATIENCE, Place, Pod, Reply, eventually};
use serde_json::{Value, json};

const SOCKET: &str = "/run/cni/dhcp.sock";

/// What the daemon says.
const LOG: &str = "/run/daemon.log";

/// Where the server keeps its leases.
const LEASES: &str = "/run/dnsmasq.leases";

/// Where the daemon keeps ours.
const RECORDS: &str = "/var/lib/cni/trestle/dhcp";

/// The addresses that the server gives, unless a test wants others.
pub(crate) const RANGE: &str = "--dhcp-range=10.5.0.10,10.5.0.20,255.255.255.0,1h";

/// The node.
pub(crate) struct Stage {
    pub(crate) node: Node,
    program: PathBuf,
}

impl Stage {
    /// With the switch `lan0`, whose own addresses are 10.5.0.1 and `fd05::1`.
    pub(crate) fn new() -> Self {
        let node = Node::enter();
        let bin = node.install(Path::new(env!("CARGO_BIN_EXE_host-local")), &["dhcp"]);
        node.sh("ip link add lan0 type bridge; ip addr add 10.5.0.1/24 dev lan0; ip link set lan0 up");
        node.sh("ip addr add fd05::1/64 dev lan0 nodad");
        Self { node, program: bin.join("dhcp") }
    }

    /// A DHCP server on the switch, which has `range` to give.
    #[allow(clippy::unused_self, reason = "it runs on the stage's node, where this thread is")]
    pub(crate) fn server(&self, range: &str, options: &[&str]) -> Daemon {
        let mut command = vec!["dnsmasq", "--no-daemon", "--conf-file=/dev/null", "--port=0", "--log-dhcp"];
        let leases = format!("--dhcp-leasefile={LEASES}");
        command.extend([
            "--interface=lan0",
            "--bind-dynamic",
            "--no-ping",
            "--dhcp-authoritative",
            &leases,
            range,
        ]);
        command.extend(options);
        let log = Path::new("/run/dnsmasq.log");
        let before = fs::read_to_string(log).unwrap_or_default().len();
        let mut server = Daemon::start(&command, log);
        server.until("the server is there", || {
            // It says so once it hears.
            fs::read_to_string(log).is_ok_and(|text| text[before..].contains("started, version"))
        });
        server
    }

    /// Our daemon, which does not ask for as long as it would otherwise.
    pub(crate) fn daemon(&self, flags: &[&str]) -> Daemon {
        self.daemon_at(SOCKET, flags)
    }

    /// The same, with a socket elsewhere.
    pub(crate) fn daemon_at(&self, socket: &str, flags: &[&str]) -> Daemon {
        let program = self.program.to_string_lossy();
        let mut command = vec![program.as_ref(), "daemon", "-socketpath", socket, "-resendtimeout", "20s"];
        command.extend(flags);
        let mut daemon = Daemon::start(&command, Path::new(LOG));
        daemon.until("the daemon listens", || UnixStream::connect(socket).is_ok());
        daemon
    }

    /// A daemon that ends by itself: what it said.
    pub(crate) fn node_daemon(&self) -> sandbox::Output {
        self.node.try_exec(&[&self.program.to_string_lossy(), "daemon"])
    }

    /// A pod on the switch by its `eth0`, which is up.
    pub(crate) fn pod(&self, name: &str) -> Pod {
        let pod = self.node.pod(name);
        self.link(&pod, "eth0");
        pod
    }

    /// A link of the pod's on the switch, which is up.
    pub(crate) fn link(&self, pod: &Pod, link: &str) {
        let name = pod.name();
        let port = format!("p-{name}-{link}");
        self.node.exec(&[
            "ip", "link", "add", &port, "master", "lan0", "up", "type", "veth", "peer", "name", link,
            "netns", name,
        ]);
        pod.exec(&["ip", "link", "set", link, "up"]);
    }

    /// The network, with these keys of `ipam`.
    pub(crate) fn conf(ipam: &Value) -> Value {
        let mut conf = json!({ "cniVersion": "1.1.0", "name": "net", "type": "macvlan", "ipam": ipam });
        conf["ipam"]["type"] = "dhcp".into();
        conf
    }

    /// A call for the pod's `eth0`.
    pub(crate) fn call(&self, command: &str, pod: &Pod, conf: &Value) -> Call {
        let call = Call::new(&self.program).command(command).conf(conf);
        call.container(pod.name()).ifname("eth0").netns(pod)
    }

    /// A call that is about no container.
    pub(crate) fn ask(&self, command: &str, conf: &Value) -> Reply {
        Call::new(&self.program).command(command).conf(conf).run()
    }

    pub(crate) fn add(&self, pod: &Pod) -> Value {
        self.call("ADD", pod, &Self::conf(&json!({}))).run().result()
    }

    pub(crate) fn del(&self, pod: &Pod) {
        self.call("DEL", pod, &Self::conf(&json!({}))).run().succeeded();
    }

    /// CHECK with what ADD printed.
    pub(crate) fn check(&self, pod: &Pod, result: &Value) -> Reply {
        let mut conf = Self::conf(&json!({}));
        conf["prevResult"] = result.clone();
        self.call("CHECK", pod, &conf).run()
    }

    /// The addresses that the server has given.
    pub(crate) fn given() -> Vec<String> {
        let text = fs::read_to_string(LEASES).unwrap_or_default();
        text.lines().filter_map(|line| line.split(' ').nth(2)).map(str::to_owned).collect()
    }

    /// The server's line of the one lease that it has given.
    pub(crate) fn line() -> String {
        fs::read_to_string(LEASES).expect("the server gave a lease").trim().to_owned()
    }

    /// Waits until the server has nothing given.
    #[track_caller]
    pub(crate) fn all_is_given_back() {
        let all = eventually(PATIENCE, || Self::given().is_empty());
        assert!(all, "still given: {:?}\n{}", Self::given(), said());
        assert_eq!(Self::records(), [""; 0]);
    }

    /// The files of our records.
    pub(crate) fn records() -> Vec<String> {
        let Ok(entries) = fs::read_dir(RECORDS) else { return Vec::new() };
        let names = entries.flatten().map(|entry| entry.path().to_string_lossy().into_owned());
        names.filter(|name| !name.ends_with("/lock")).collect()
    }

    /// Changes the one record that there is, as only time does.
    pub(crate) fn age(change: impl FnOnce(&mut Value)) {
        let records = Self::records();
        let [path] = &records[..] else { panic!("{records:?}") };
        let text = fs::read_to_string(path).expect("a record");
        let mut record: Value = serde_json::from_str(&text).expect("JSON");
        change(&mut record["leases"][0]["times"]);
        fs::write(path, record.to_string()).expect("a record");
    }

    /// Was the aged lease extended so many times, and is the one record written anew? The daemon says so before it does.
    pub(crate) fn is_extended(times: usize) -> bool {
        let records = Self::records();
        let [path] = &records[..] else { return false };
        let record = fs::read(path).ok().and_then(|bytes| serde_json::from_slice::<Value>(&bytes).ok());
        said().matches("is extended").count() == times
            && record.is_some_and(|record| record["leases"][0]["times"]["renew"] != 0)
    }

    /// How often the server was asked for an address by somebody who has none.
    pub(crate) fn discoveries() -> usize {
        fs::read_to_string("/run/dnsmasq.log").unwrap_or_default().matches("DHCPDISCOVER(").count()
    }
}

/// The addresses of a result, with their prefix lengths.
pub(crate) fn addresses(result: &Value) -> Vec<String> {
    let ips = result["ips"].as_array().expect("a result has addresses");
    ips.iter().filter_map(|ip| ip["address"].as_str()).map(str::to_owned).collect()
}

/// What the daemons said so far.
pub(crate) fn said() -> String {
    fs::read_to_string(LOG).unwrap_or_default()
}

/// The global addresses of the pod's link.
pub(crate) fn held(pod: &Pod) -> Vec<String> {
    let text = pod.exec(&["ip", "-j", "addr", "show", "dev", "eth0", "scope", "global"]).stdout;
    let links: Value = serde_json::from_str(&text).expect("ip -j prints JSON");
    let links = links.as_array().expect("a list").iter();
    let infos = links.filter_map(|link| link["addr_info"].as_array()).flatten();
    // What is filtered out is listed as nothing.
    infos.filter_map(|info| Some(format!("{}/{}", info["local"].as_str()?, info["prefixlen"]))).collect()
}

/// Does to the link what an interface plugin does with a result.
pub(crate) fn put_on(pod: &Pod, result: &Value) {
    for address in addresses(result) {
        pod.exec(&["ip", "addr", "add", &address, "dev", "eth0"]);
    }
    for route in result["routes"].as_array().into_iter().flatten() {
        let (dst, gw) = (route["dst"].as_str().expect("text"), route["gw"].as_str().expect("text"));
        let metric = route["priority"].to_string().replace("null", "0");
        pod.exec(&["ip", "route", "add", dst, "via", gw, "dev", "eth0", "metric", &metric]);
    }
}
