//! containerd's CRI: what the kubelet does to a pod.

use std::path::Path;

use sandbox::{Allowed, Containerd, IMAGE, Node, PATIENCE, Place, Snapshot, Uplink, eventually};
use serde_json::{Value, json};

use crate::network::{answers, configure, install, shipped, standing};

#[test]
fn two_pods_of_the_cri_reach_each_other_and_leave_nothing() {
    let node = Node::enter();
    install(&node);
    configure(&node, "10-trestle", &shipped("1.0.0/10-trestle-dual-stack"));
    configure(&node, "99-loopback", &shipped("1.0.0/99-loopback"));
    let containerd = Containerd::start(&node, &node);
    let ready = eventually(PATIENCE, || {
        let conditions = containerd.cri(&["status"]);
        conditions.as_array().is_some_and(|all| all.len() == 2 && all.iter().all(|one| one["status"] == true))
    });
    assert!(ready, "{}", containerd.cri(&["status"]));

    let before = Snapshot::take(&node);
    let cgroup = format!("/{}", containerd.runtime().cgroup());
    let pods = ["a", "b"].map(|name| containerd.cri(&["run", name, IMAGE, &cgroup]));
    let word = |pod: usize, key: &str| pods[pod][key].as_str().unwrap_or_default().to_owned();
    let addresses = pods[0]["addresses"].as_array().cloned().unwrap_or_default();
    assert_eq!(addresses.len(), 2, "{pods:?}");
    for address in addresses.iter().filter_map(Value::as_str).chain(["10.88.0.1", "fd88::1", "127.0.0.1"]) {
        let reached = eventually(PATIENCE, || {
            containerd.cri(&["exec", &word(1, "container"), "ping", "-c1", "-W1", address])["code"] == 0
        });
        assert!(reached, "pod b does not reach {address}");
    }
    for pod in [0, 1] {
        containerd.cri(&["stop", &word(pod, "pod")]);
        containerd.cri(&["remove", &word(pod, "pod")]);
    }
    before.forgiving(&standing("cni0")).assert_same(&Snapshot::take(&node));
}

/// Every chained plugin in one list, as a pod with a host port and limits meets it.
#[test]
fn a_pod_of_the_cri_has_its_host_port_and_its_limits_through_every_plugin_at_once() {
    let node = Node::enter();
    install(&node);
    node.install(
        Path::new(env!("CARGO_BIN_EXE_cni")),
        &["tuning", "bandwidth", "sbr", "firewall", "portmap"],
    );
    configure(&node, "10-everything", &everything());
    let containerd = Containerd::start(&node, &node);
    let router = node.router(&Uplink::DUAL);

    let before = Snapshot::take(&node);
    let cgroup = format!("/{}", containerd.runtime().cgroup());
    let limits = ["kubernetes.io/ingress-bandwidth=8M", "kubernetes.io/egress-bandwidth=16M"];
    let pod = containerd.cri(&["run", "a", IMAGE, &cgroup, "8080:80", limits[0], limits[1]]);
    let word = |key: &str| pod[key].as_str().unwrap_or_default();
    containerd.cri(&["exec", word("container"), "httpd", "-p", "80", "-h", "/"]);

    assert!(eventually(PATIENCE, || answers(&node, "127.0.0.1:8080")), "from the node");
    for address in ["192.0.2.2:8080", "[2001:db8::2]:8080"] {
        assert!(eventually(PATIENCE, || answers(&router, address)), "{address} from the router");
    }
    let queues = node.exec(&["tc", "qdisc", "show"]).stdout;
    assert!(queues.contains("rate 8Mbit") && queues.contains("rate 16Mbit"), "{queues}");
    let setting = "/proc/sys/net/ipv4/conf/eth0/arp_announce";
    let tuned = containerd.cri(&["exec", word("container"), "cat", setting]);
    assert_eq!(tuned["stdout"], "2\n");

    containerd.cri(&["stop", word("pod")]);
    containerd.cri(&["remove", word("pod")]);
    // The cable to the router has seen packets meanwhile.
    let cable = [Allowed::Containing("\"up0\"")];
    before.forgiving(&standing("cni0")).forgiving(&cable).assert_same(&Snapshot::take(&node));
}

fn everything() -> Value {
    json!({
        "cniVersion": "1.0.0",
        "name": "everything",
        "plugins": [
            {
                "type": "bridge", "bridge": "cni0", "isDefaultGateway": true, "ipMasq": true, "hairpinMode": true,
                "ipam": {
                    "type": "host-local",
                    "ranges": [[{ "subnet": "10.88.0.0/16" }], [{ "subnet": "fd88::/64" }]],
                },
            },
            { "type": "tuning", "sysctl": { "net.ipv4.conf.eth0.arp_announce": "2" } },
            { "type": "bandwidth", "capabilities": { "bandwidth": true } },
            { "type": "sbr" },
            { "type": "firewall" },
            { "type": "portmap", "capabilities": { "portMappings": true } },
        ],
    })
}
