//! cnitool: libcni 1.1 (CNI up to 1.0.0) and libcni 1.3 (1.1.0: STATUS and GC).

use std::path::PathBuf;

use sandbox::{Node, Output, Place, Pod, Snapshot, cached};
use serde_json::{Value, json};

use crate::network::{addresses, configure, install, shipped, standing};

/// cnitool of one version, on a node with our plugins and both shipped conflists.
pub(crate) struct Cnitool {
    program: PathBuf,
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
        Self { program: cached(&format!("cnitool-{tool}/cnitool")) }
    }

    /// `cnitool VERB NETWORK NETNS`, which must succeed.
    pub(crate) fn call(&self, node: &Node, verb: &str, target: (&str, &str)) -> Output {
        let program = self.program.to_string_lossy();
        let (network, netns) = target;
        node.exec(&["env", "CNI_PATH=/opt/cni/bin", &program, verb, network, netns])
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
