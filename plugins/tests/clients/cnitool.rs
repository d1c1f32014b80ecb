//! cnitool: libcni 1.1 (CNI up to 1.0.0) and libcni 1.3 (1.1.0: STATUS and GC).

use std::path::PathBuf;

use sandbox::{Allowed, Answering, Node, Output, Place, Pod, Snapshot, Uplink, cached};
use serde_json::{Value, json};

use crate::network::{addresses, configure, install, ours, shipped, standing};

/// cnitool of one version, on a node with our plugins and both shipped conflists.
pub(crate) struct Cnitool {
    program: PathBuf,
    /// `CAP_ARGS`: what a runtime gives each plugin that has these capabilities.
    capabilities: Value,
}

impl Cnitool {
    /// `tool` is the version of libcni, `version` that of the conflists.
    pub(crate) fn new(node: &Node, tool: &str, version: &str) -> Self {
        install(node);
        let folder = if version == "1.1.0" { version } else { "1.0.0" };
        for (file, name) in [("10-trestle", "10-trestle-dual-stack"), ("99-loopback", "99-loopback")] {
            let mut conflist = shipped(&format!("{folder}/{name}"));
            conflist["cniVersion"] = json!(version);
            configure(node, file, &conflist);
        }
        Self::of(tool)
    }

    fn of(tool: &str) -> Self {
        Self { program: cached(&format!("cnitool-{tool}/cnitool")), capabilities: json!({}) }
    }

    /// `cnitool VERB NETWORK NETNS`, which must succeed.
    pub(crate) fn call(&self, node: &Node, verb: &str, target: (&str, &str)) -> Output {
        let program = self.program.to_string_lossy();
        let (network, netns) = target;
        let capabilities = format!("CAP_ARGS={}", self.capabilities);
        node.exec(&["env", "CNI_PATH=/opt/cni/bin", &capabilities, &program, verb, network, netns])
    }

    /// Both networks, as a runtime attaches a pod. The result is the bridge's.
    pub(crate) fn attach(&self, node: &Node, pod: &Pod) -> Value {
        self.call(node, "add", ("loopback", pod.path()));
        let result = self.call(node, "add", ("trestle", pod.path())).stdout;
        serde_json::from_str(&result).unwrap_or_else(|error| panic!("{error}: {result}"))
    }
}

/// Two pods from attaching to nothing left. `checks`: libcni knows CHECK from 0.4.0 on.
fn two_pods_live_and_leave_nothing(tool: &str, version: &str, verbs: &[&str]) {
    let node = Node::enter();
    let cnitool = Cnitool::new(&node, tool, version);
    let (a, b) = (node.pod("a"), node.pod("b"));
    let before = Snapshot::take(&node);
    let results = [&a, &b].map(|pod| cnitool.attach(&node, pod));
    for result in &results {
        assert_eq!(result["cniVersion"], version);
        assert_eq!(addresses(result).len(), 2, "{result}");
    }
    for address in addresses(&results[1]) {
        a.ping(&address);
        node.ping(&address);
    }
    a.ping("10.88.0.1");
    a.ping("fd88::1");
    a.ping("127.0.0.1");
    for verb in verbs {
        cnitool.call(&node, verb, ("trestle", a.path()));
        cnitool.call(&node, verb, ("loopback", a.path()));
    }
    for pod in [&a, &b] {
        cnitool.call(&node, "del", ("trestle", pod.path()));
        // A runtime may ask again: absence is success.
        cnitool.call(&node, "del", ("trestle", pod.path()));
        cnitool.call(&node, "del", ("loopback", pod.path()));
        assert_eq!(pod.links(), ["lo"]);
    }
    before.forgiving(&standing("cni0")).assert_same(&Snapshot::take(&node));
}

#[test]
fn cnitool_1_1_attaches_and_detaches_at_0_3_1() {
    two_pods_live_and_leave_nothing("1.1.2", "0.3.1", &[]);
}

#[test]
fn cnitool_1_1_attaches_checks_and_detaches_at_0_4_0() {
    two_pods_live_and_leave_nothing("1.1.2", "0.4.0", &["check"]);
}

#[test]
fn cnitool_1_1_attaches_checks_and_detaches_at_1_0_0() {
    two_pods_live_and_leave_nothing("1.1.2", "1.0.0", &["check"]);
}

#[test]
fn cnitool_1_3_attaches_asks_the_status_checks_and_detaches_at_1_1_0() {
    two_pods_live_and_leave_nothing("1.3.0", "1.1.0", &["status", "check"]);
}

#[test]
fn every_shipped_conflist_gives_a_pod_its_addresses() {
    for version in ["1.0.0", "1.1.0"] {
        for (families, count) in [("ipv4", 1), ("ipv6", 1), ("dual-stack", 2)] {
            let node = Node::enter();
            let cnitool = Cnitool::new(&node, "1.3.0", version);
            configure(&node, "10-trestle", &shipped(&format!("{version}/10-trestle-{families}")));
            let pod = node.pod("a");
            let result = cnitool.attach(&node, &pod);
            assert_eq!(addresses(&result).len(), count, "{version} {families}: {result}");
            for ip in result["ips"].as_array().into_iter().flatten() {
                pod.ping(ip["gateway"].as_str().unwrap_or("the result names no gateway"));
            }
            cnitool.call(&node, "del", ("trestle", pod.path()));
        }
    }
}

// Upstream: "supports basic network add and del operations", "supports add and del with ptp + bandwidth", portmap's "forwards a
// TCP port" behind ptp, bandwidth's "when chaining bandwidth plugin with PTP".
#[test]
fn a_pod_by_ptp_has_its_port_and_its_limits() {
    let node = Node::enter();
    ours(&node, &["ptp", "portmap", "bandwidth", "host-local"]);
    let router = node.router(&Uplink::DUAL);
    let ipam = json!({
        "type": "host-local", "ranges": [[{ "subnet": "10.88.0.0/24" }], [{ "subnet": "fd88::/64" }]],
        "routes": [{ "dst": "0.0.0.0/0" }, { "dst": "::/0" }],
    });
    let plugins = json!([
        { "type": "ptp", "ipMasq": true, "ipam": ipam },
        { "type": "portmap", "capabilities": { "portMappings": true } },
        { "type": "bandwidth", "capabilities": { "bandwidth": true } },
    ]);
    configure(&node, "10-chain", &json!({ "cniVersion": "1.0.0", "name": "chain", "plugins": plugins }));
    let limits = json!({ "ingressRate": 8_000_000, "ingressBurst": 800_000, "egressRate": 16_000_000, "egressBurst": 800_000 });
    let port = json!([{ "hostPort": 8080, "containerPort": 80, "protocol": "tcp" }]);
    let capabilities = json!({ "portMappings": port, "bandwidth": limits });
    let cnitool = Cnitool { capabilities, ..Cnitool::of("1.3.0") };

    let pod = node.pod("a");
    let before = Snapshot::take(&node);
    let target = ("chain", pod.path());
    let result: Value = serde_json::from_str(&cnitool.call(&node, "add", target).stdout).expect("a result");
    assert_eq!(addresses(&result).len(), 2, "{result}");
    let server = Answering::start(&pod, "a", 80);
    for (from, at) in [("192.0.2.1", "192.0.2.2:8080"), ("2001:db8::1", "[2001:db8::2]:8080")] {
        let answer = Answering::ask(&router, at.parse().expect("an address and a port")).expect("an answer");
        assert_eq!((answer.name.as_str(), answer.caller.to_string().as_str()), ("a", from));
        pod.ping(from);
    }
    Answering::ask(&node, "127.0.0.1:8080".parse().expect("an address and a port")).expect("an answer");
    let queues = node.exec(&["tc", "qdisc", "show"]).stdout;
    assert!(queues.contains("rate 8Mbit") && queues.contains("rate 16Mbit"), "{queues}");
    cnitool.call(&node, "check", target);
    drop(server);
    for _ in 0..2 {
        cnitool.call(&node, "del", target);
        assert_eq!(pod.links(), ["lo"]);
    }
    // The cable to the router has seen packets meanwhile.
    let cable = [Allowed::Containing("\"up0\"")];
    before.forgiving(&standing("cni0")).forgiving(&cable).assert_same(&Snapshot::take(&node));
}
