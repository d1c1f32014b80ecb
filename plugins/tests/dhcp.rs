//! Interface plugins whose addresses come from a DHCP server, or are written down: from ADD to DEL.

use std::fs;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::thread;

use sandbox::{
    Call, Daemon, End, Node, PATIENCE, Place, Pod, Router, Uplink, Victims, eventually, kill_after,
};
use serde_json::{Value, json};

const LEASES: &str = "/run/dnsmasq.leases";

/// A node with a bridge `br0` and a cable `up0`, and at the end of each a server.
struct Stage {
    node: Node,
    bin: PathBuf,
    router: Router,
}

impl Stage {
    fn new() -> Self {
        let node = Node::enter();
        let names = ["bridge", "macvlan", "portmap", "firewall", "sbr", "dhcp", "static", "cni"];
        let bin = node.install(Path::new(env!("CARGO_BIN_EXE_cni")), &names);
        node.sh("ip link add br0 type bridge; ip addr add 10.5.0.1/24 dev br0; ip link set br0 up");
        let router = node.router(&Uplink::DUAL);
        Self { node, bin, router }
    }

    fn server(place: &impl Place, device: &str, range: &str) -> Daemon {
        let (interface, leases) = (format!("--interface={device}"), format!("--dhcp-leasefile={LEASES}"));
        let log = PathBuf::from(format!("/run/dnsmasq-{device}.log"));
        let command = [
            "dnsmasq",
            "--no-daemon",
            "--conf-file=/dev/null",
            "--port=0",
            "--log-dhcp",
            "--bind-dynamic",
            "--no-ping",
            "--dhcp-authoritative",
            &interface,
            &leases,
            range,
        ];
        let mut server = place.within(|| Daemon::start(&command, &log));
        server.until("the server hears", || {
            fs::read_to_string(&log).is_ok_and(|text| text.contains("started, version"))
        });
        server
    }

    fn daemon(&self) -> Daemon {
        self.daemon_by(&["-resendtimeout", "10s"])
    }

    fn daemon_by(&self, flags: &[&str]) -> Daemon {
        let program = self.bin.join("dhcp");
        let program = program.to_string_lossy();
        let command: Vec<&str> = [program.as_ref(), "daemon"].iter().chain(flags).copied().collect();
        let mut daemon = Daemon::start(&command, Path::new("/run/daemon.log"));
        daemon.until("the daemon listens", || UnixStream::connect("/run/cni/dhcp.sock").is_ok());
        daemon
    }

    fn call(&self, command: &str, pod: &Pod, conf: &Value) -> Call {
        let plugin = self.bin.join(conf["type"].as_str().expect("a plugin"));
        Call::new(plugin).command(command).container(pod.name()).ifname("eth0").netns(pod).conf(conf)
    }

    /// ADD, CHECK, an echo from `peer`, DEL, and nothing left in the pod.
    fn live(&self, conf: &Value, peer: &str) -> Value {
        let pod = self.node.pod("c1");
        let result = self.call("ADD", &pod, conf).run().result();
        let mut with_result = conf.clone();
        with_result["prevResult"] = result.clone();
        self.call("CHECK", &pod, &with_result).run().succeeded();
        pod.ping(peer);
        self.call("DEL", &pod, &with_result).run().succeeded();
        assert_eq!(pod.links(), ["lo"]);
        result
    }
}

fn given() -> usize {
    fs::read_to_string(LEASES).unwrap_or_default().lines().count()
}

fn bridge(ipam: &Value) -> Value {
    json!({ "cniVersion": "1.1.0", "name": "net", "type": "bridge", "bridge": "br0", "ipam": ipam })
}

fn macvlan(ipam: &Value) -> Value {
    json!({ "cniVersion": "1.1.0", "name": "net", "type": "macvlan", "master": "up0", "ipam": ipam })
}

#[test]
fn a_pod_on_a_bridge_leases_its_address_and_gives_it_back() {
    let stage = Stage::new();
    let _server = Stage::server(&stage.node, "br0", "--dhcp-range=10.5.0.10,10.5.0.20,255.255.255.0,1h");
    let _daemon = stage.daemon();
    let result = stage.live(&bridge(&json!({ "type": "dhcp" })), "10.5.0.1");
    assert_eq!(result["ips"][0]["gateway"], "10.5.0.1");
    assert_eq!(result["routes"], json!([{ "dst": "0.0.0.0/0", "gw": "10.5.0.1" }]));
    assert!(eventually(PATIENCE, || given() == 0), "{}", fs::read_to_string(LEASES).unwrap_or_default());
}

#[test]
fn a_pod_on_the_nodes_own_network_leases_its_address_and_gives_it_back() {
    let stage = Stage::new();
    let _server = Stage::server(&stage.router, "eth0", "--dhcp-range=192.0.2.10,192.0.2.20,255.255.255.0,1h");
    let _daemon = stage.daemon();
    let result = stage.live(&macvlan(&json!({ "type": "dhcp" })), "192.0.2.1");
    assert_eq!(result["ips"][0]["gateway"], "192.0.2.1");
    assert!(eventually(PATIENCE, || given() == 0), "{}", fs::read_to_string(LEASES).unwrap_or_default());
}

/// Every lease is due.
fn have_them_renewed() {
    let records =
        fs::read_dir("/var/lib/cni/trestle/dhcp").expect("leases").flatten().map(|entry| entry.path());
    for path in records.filter(|path| path.extension().is_some_and(|extension| extension == "json")) {
        let mut record: Value = serde_json::from_slice(&fs::read(&path).expect("a record")).expect("JSON");
        record["leases"][0]["times"]["renew"] = json!(0);
        fs::write(path, record.to_string()).expect("a record");
    }
}

/// ADD of a list, whose results are each plugin's `prevResult`: the last one.
fn add_all(stage: &Stage, pod: &Pod, list: &mut [Value]) -> Value {
    let mut result = json!(null);
    for conf in list {
        conf["cniVersion"] = json!("1.1.0");
        conf["name"] = json!("net");
        conf["prevResult"] = result;
        result = stage.call("ADD", pod, conf).run().result();
        conf["prevResult"] = result.clone();
    }
    result
}

/// The IPv4 address of the pod's link.
fn own(pod: &Pod) -> String {
    let text = pod.exec(&["ip", "-j", "-4", "addr", "show", "dev", "eth0"]).stdout;
    let links: Value = serde_json::from_str(&text).expect("ip -j prints JSON");
    links[0]["addr_info"][0]["local"].as_str().unwrap_or_default().to_owned()
}

// The reference's daemon keeps its leases in its memory, and so ends with them.
#[test]
fn a_pod_of_the_reference_has_its_lease_looked_after_from_its_first_check_on() {
    let stage = Stage::new();
    let _server = Stage::server(&stage.node, "br0", "--dhcp-range=10.5.0.10,10.5.0.20,255.255.255.0,1h");
    let release =
        std::env::var_os("TRESTLE_REFERENCE").map_or_else(|| sandbox::cached("plugins-1.9.1"), PathBuf::from);
    stage.node.install_from(&release, &["bridge", "dhcp"]);
    // It asks again only after this time, and what it says first finds no way through the bridge yet.
    let daemon = stage.daemon_by(&["-timeout", "1s", "-resendtimeout", "60s"]);
    let pod = stage.node.pod("c1");
    let mut conf = bridge(&json!({ "type": "dhcp" }));
    conf["cniVersion"] = json!("1.0.0");
    conf["prevResult"] = stage.call("ADD", &pod, &conf).run().result();
    drop(daemon);
    stage.node.install(Path::new(env!("CARGO_BIN_EXE_cni")), &["bridge", "dhcp"]);
    fs::remove_file("/run/cni/dhcp.sock").expect("the reference's socket");
    let _daemon = stage.daemon();
    for _ in 0..2 {
        stage.call("CHECK", &pod, &conf).run().succeeded();
    }
    assert_eq!(given(), 1);
    stage.call("DEL", &pod, &conf).run().succeeded();
    assert_eq!(pod.links(), ["lo"]);
    assert!(eventually(PATIENCE, || given() == 0), "{}", fs::read_to_string(LEASES).unwrap_or_default());
}

// B-25: the reference goes on with the old address.
#[test]
fn when_the_server_changes_an_address_all_that_rests_on_it_follows() {
    let stage = Stage::new();
    let server = Stage::server(&stage.node, "br0", "--dhcp-range=10.5.0.10,10.5.0.20,255.255.255.0,1h");
    let daemon = stage.daemon();
    let pods = ["c1", "c2"].map(|name| stage.node.pod(name));
    let mut masqueraded = bridge(&json!({ "type": "dhcp" }));
    masqueraded["ipMasq"] = json!(true);
    masqueraded["ipMasqBackend"] = json!("nftables");
    let ports = json!([{ "hostPort": 8080, "containerPort": 80, "protocol": "tcp" }]);
    let mut lists = [
        vec![
            masqueraded.clone(),
            json!({ "type": "firewall", "backend": "nftables" }),
            json!({ "type": "portmap", "runtimeConfig": { "portMappings": ports } }),
        ],
        vec![masqueraded, json!({ "type": "sbr" })],
    ];
    let told = [0, 1].map(|which| add_all(&stage, &pods[which], &mut lists[which]));
    let old = pods.each_ref().map(own);
    drop((daemon, server));
    fs::remove_file(LEASES).expect("the server's leases");
    have_them_renewed();
    let _server = Stage::server(&stage.node, "br0", "--dhcp-range=10.5.0.100,10.5.0.101,255.255.255.0,1h");
    let mut daemon = stage.daemon();
    daemon.until("both addresses are others", || {
        fs::read_to_string("/run/daemon.log")
            .is_ok_and(|log| log.matches("is leased in its place").count() == 2)
    });
    let new = pods.each_ref().map(own);
    let ruleset = || stage.node.exec(&["nft", "list", "ruleset"]).stdout;
    let names = |text: &str, address: &String| {
        text.contains(&format!("{address} ")) || text.contains(&format!("{address}/"))
    };
    let rules = ruleset();
    for (old, new) in old.iter().zip(&new) {
        assert!(
            new.starts_with("10.5.0.10") && names(&rules, new) && !names(&rules, old),
            "{old} {new} {rules}"
        );
    }
    let inside = pods[1].exec(&["sh", "-c", "ip rule; ip route show table all"]).stdout;
    assert!(inside.contains(&format!("from {} lookup", new[1])) && !names(&inside, &old[1]), "{inside}");
    for conf in lists[0].iter().chain(&lists[1][1..]) {
        let which = usize::from(conf["type"] == "sbr");
        let mut conf = conf.clone();
        // What the runtime knows.
        conf["prevResult"] = told[which].clone();
        stage.call("CHECK", &pods[which], &conf).run().succeeded();
    }
    pods[0].ping("10.5.0.1");
    for (pod, list) in pods.iter().zip(&lists) {
        for conf in list.iter().rev() {
            stage.call("DEL", pod, conf).run().succeeded();
        }
        assert_eq!(pod.links(), ["lo"]);
    }
    let left = ruleset();
    assert!(new.iter().all(|new| !names(&left, new)), "{left}");
    assert!(eventually(PATIENCE, || given() == 0), "{}", fs::read_to_string(LEASES).unwrap_or_default());
}

#[test]
fn where_no_server_answers_nothing_is_left() {
    let stage = Stage::new();
    let program = stage.bin.join("dhcp");
    let command = [&program.to_string_lossy(), "daemon", "-resendtimeout", "500ms"];
    let mut daemon = Daemon::start(&command, Path::new("/run/daemon.log"));
    daemon.until("the daemon listens", || UnixStream::connect("/run/cni/dhcp.sock").is_ok());
    for conf in [bridge(&json!({ "type": "dhcp" })), macvlan(&json!({ "type": "dhcp" }))] {
        let pod = stage.node.pod("c1");
        let error = stage.call("ADD", &pod, &conf).run().error();
        assert_eq!(error["code"], 11, "{error}");
        assert_eq!(pod.links(), ["lo"]);
    }
    let links = stage.node.exec(&["ip", "-o", "link", "show", "master", "br0"]).stdout;
    assert_eq!(links, "");
}

#[test]
fn a_lease_of_a_container_that_is_gone_is_given_back_by_cni_gc() {
    let stage = Stage::new();
    let _server = Stage::server(&stage.node, "br0", "--dhcp-range=10.5.0.10,10.5.0.20,255.255.255.0,1h");
    let daemon = stage.daemon();
    let pod = stage.node.pod("c1");
    stage.call("ADD", &pod, &bridge(&json!({ "type": "dhcp" }))).run().succeeded();
    drop(daemon);
    pod.remove();
    let gc = stage.bin.join("cni");
    // The kernel buries a namespace when it has time.
    let given_back = eventually(PATIENCE, || {
        stage.node.exec(&[&gc.to_string_lossy(), "gc"]);
        given() == 0
    });
    assert!(given_back, "{}", fs::read_to_string(LEASES).unwrap_or_default());
}

#[test]
fn an_add_may_be_killed_with_its_delegate_and_del_or_gc_gives_everything_back() {
    let stage = Stage::new();
    let _server = Stage::server(&stage.node, "br0", "--dhcp-range=10.5.0.10,10.5.0.20,255.255.255.0,1h");
    let _daemon = stage.daemon();
    let conf = bridge(&json!({ "type": "dhcp" }));
    let mut gc = conf.clone();
    gc["cni.dev/valid-attachments"] = json!([]);
    for calls in (1..10_000).step_by(5) {
        let pod = stage.node.pod("c1");
        let add = stage.call("ADD", &pod, &conf);
        // It waits for all that its thread has started, and this one has started daemons.
        let end = thread::scope(|scope| scope.spawn(|| kill_after(&add, calls, Victims::All)).join());
        // The daemon may be at work for it still, so the last word is a DEL's or GC's that comes after.
        let clearing =
            if calls % 2 == 0 { stage.call("DEL", &pod, &conf) } else { stage.call("GC", &pod, &gc) };
        let clean = eventually(PATIENCE, || {
            clearing.run().succeeded();
            given() == 0 && pod.links() == ["lo"]
        });
        assert!(clean, "after {calls} calls: {:?} {:?}", fs::read_to_string(LEASES), pod.links());
        if matches!(end, Ok(End::Itself(_))) {
            return;
        }
    }
}

#[test]
fn a_pod_has_the_addresses_that_are_written_down() {
    let stage = Stage::new();
    let addresses = json!([{ "address": "10.5.0.7/24", "gateway": "10.5.0.1" }, { "address": "fd05::7/64" }]);
    let ipam = json!({ "type": "static", "addresses": addresses, "routes": [{ "dst": "0.0.0.0/0" }] });
    let result = stage.live(&bridge(&ipam), "10.5.0.1");
    assert_eq!(result["ips"][0]["address"], "10.5.0.7/24");
    assert_eq!(result["ips"][1]["address"], "fd05::7/64");
}
