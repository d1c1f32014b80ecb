//! The floor that benchmarks compare with (`conformance/bench`) makes what our plugins make: no less, or it would be no
//! floor, and no more.

use std::fs;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};

use bench::floor::{self, Plugin, Reach, play, script};
use sandbox::{Call, Node, Place, Pod, Snapshot};
use serde_json::{Value, json};

const STATE: &str = "/var/lib/cni/trestle";

/// The list in its order, as a runtime runs it, and the floor of each.
const LIST: [(&str, Plugin); 6] = [
    ("loopback", Plugin::Loopback),
    ("bridge", Plugin::Bridge),
    ("portmap", Plugin::Portmap),
    ("firewall", Plugin::Firewall),
    ("bandwidth", Plugin::Bandwidth),
    ("tuning", Plugin::Tuning),
];

fn conf(plugin: &str, reach: Reach, ports: &[u16], result: &Value) -> Value {
    let mappings: Vec<Value> = (80..)
        .zip(ports)
        .map(|(inner, port): (u16, _)| json!({"hostPort": port, "containerPort": inner, "protocol": "tcp"}))
        .collect();
    let mut conf = match plugin {
        "bridge" => json!({
            "bridge": "cni0", "isGateway": reach != Reach::Bridge, "ipMasq": reach == Reach::Masquerade,
            "ipam": {"type": "host-local", "ranges": [[{"subnet": "10.88.0.0/16"}]]},
        }),
        "portmap" => json!({"snat": true, "runtimeConfig": {"portMappings": mappings}}),
        "bandwidth" => json!({"runtimeConfig": {"bandwidth": {
            "ingressRate": 100_000_000, "ingressBurst": 4_294_967_295_u32,
            "egressRate": 100_000_000, "egressBurst": 4_294_967_295_u32,
        }}}),
        "tuning" => json!({"sysctl": {"net.core.somaxconn": "500"}}),
        _ => json!({}),
    };
    if plugin == "bridge" && reach != Reach::Bridge {
        conf["ipam"]["routes"] = json!([{"dst": "0.0.0.0/0"}]);
    }
    conf["cniVersion"] = json!("1.0.0");
    conf["name"] = json!("net");
    conf["type"] = json!(plugin);
    if result.is_object() && !["loopback", "bridge"].contains(&plugin) {
        conf["prevResult"] = result.clone();
    }
    conf
}

/// The list, by our plugins.
struct Ours {
    bin: PathBuf,
    reach: Reach,
    ports: Vec<u16>,
}

impl Ours {
    fn call(&self, command: &str, plugin: &str, pod: &Pod, result: &Value) -> Value {
        let ifname = if plugin == "loopback" { "lo" } else { "eth0" };
        Call::new(self.bin.join(plugin))
            .command(command)
            .container(pod.name())
            .netns(pod)
            .ifname(ifname)
            .conf(conf(plugin, self.reach, &self.ports, result))
            .run()
            .result()
    }

    fn add(&self, pod: &Pod) -> Value {
        LIST.iter().fold(Value::Null, |result, (plugin, _)| self.call("ADD", plugin, pod, &result))
    }

    fn del(&self, pod: &Pod, result: &Value) {
        for (plugin, _) in LIST.iter().rev() {
            self.call("DEL", plugin, pod, result);
        }
    }
}

/// What the floor has to be told of this pod: what our plugins found out, or chose by lot.
fn told(ours: &Ours, pod: &Pod, address: Ipv4Addr) -> floor::Pod {
    let record = |folder: &str, needle: &str| {
        let texts =
            files(Path::new(STATE).join(folder)).into_iter().filter_map(|path| fs::read_to_string(path).ok());
        texts.into_iter().find(|text| text.contains(needle)).expect("our plugins keep records")
    };
    let attachment = record("attachments", &format!("container {}\n", pod.name()));
    let (_, proof) = attachment.split_once("\n\n").expect("a record ends with a proof of life");
    let reserved = record("host-local", &format!("address {address}\n"));
    let mark = reserved.lines().find_map(|line| line.strip_prefix("mark ")?.split_once('.'));
    let (seconds, nanoseconds) = mark.expect("a reservation has a mark");
    let index = fs::read_to_string("/sys/class/net/cni0/ifindex").expect("the bridge stays");
    floor::Pod {
        network: "net".to_owned(),
        container: pod.name().to_owned(),
        netns: pod.path().to_owned(),
        address,
        reach: ours.reach,
        bridge: index.trim().parse().expect("a number"),
        index: 1000,
        ports: ours.ports.clone(),
        proof: proof.to_owned(),
        mark: (seconds.parse().expect("a number"), nanoseconds.parse().expect("a number")),
    }
}

fn files(directory: PathBuf) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten().map(|entry| entry.path());
    entries.flat_map(|path| if path.is_dir() { files(path) } else { vec![path] }).collect()
}

/// One step of the floor, as a process of its own would do it: what it enters it leaves with its thread.
fn step(plugin: Plugin, command: &str, pod: &floor::Pod) {
    let script = script(plugin, command, pod, "");
    let played = std::thread::scope(|scope| scope.spawn(|| play(script.bytes())).join());
    let done = played.expect("the floor does not panic");
    assert!(done.is_ok(), "{plugin:?} {command}: {done:?}");
}

/// The node's state, and the pod's own.
fn state(node: &Node, pod: &Pod) -> (Snapshot, Snapshot, String) {
    let setting = pod.exec(&["cat", "/proc/sys/net/core/somaxconn"]).stdout;
    (Snapshot::take(node), Snapshot::take(pod), setting)
}

#[track_caller]
fn assert_same(what: &str, one: &(Snapshot, Snapshot, String), other: &(Snapshot, Snapshot, String)) {
    let difference = [one.0.diff(&other.0), one.1.diff(&other.1)].concat();
    assert!(difference.is_empty(), "{what}:\n{difference}");
    assert_eq!(one.2, other.2, "{what}");
}

#[test]
fn the_floor_makes_the_state_of_our_plugins_and_leaves_nothing() {
    // Each waits most of the time: for the kernel to be done with IPv6.
    let nodes = [(Reach::Bridge, 1), (Reach::Gateway, 1), (Reach::Masquerade, 10)]
        .map(|(reach, ports)| std::thread::spawn(move || compare(reach, ports)));
    for node in nodes {
        node.join().expect("the states are the same");
    }
}

fn compare(reach: Reach, ports: u16) {
    let node = Node::enter();
    let names = LIST.map(|(name, _)| name);
    let bin = node.install(Path::new(env!("CARGO_BIN_EXE_cni")), &[&names[..], &["host-local"]].concat());
    let ours = Ours { bin, reach, ports: (8000..8000 + ports).collect() };
    let earlier = Ours { bin: ours.bin.clone(), reach, ports: vec![7000] };
    // What the first pod of a node brings stays.
    let first = node.pod("first");
    earlier.add(&first);
    let pod = node.pod("second");
    let result = ours.add(&pod);
    let by_ours = state(&node, &pod);
    let address = result["ips"][0]["address"].as_str().and_then(|text| text.split('/').next()?.parse().ok());
    let told = told(&ours, &pod, address.expect("host-local gives an IPv4 address"));
    ours.del(&pod, &result);
    // `lo` keeps its address.
    let empty = state(&node, &pod);
    for (_, plugin) in LIST {
        step(plugin, "ADD", &told);
    }
    assert_same("the floor's ADD is not ours", &by_ours, &state(&node, &pod));
    for (_, plugin) in LIST.iter().rev() {
        step(*plugin, "DEL", &told);
    }
    assert_same("the floor's DEL leaves something", &empty, &state(&node, &pod));
}
