//! Trestle is removed as deploy/README.md says.

use std::fs;

use cluster::{Cluster, deploy};
use sandbox::Place;

use crate::reach;

/// All that an agent makes, but the sysctls that let a node route.
const LEFT: &str = "ip route show proto 116; ip -6 route show proto 116; ip nexthop; ip link show type vxlan; \
     nft list tables | grep trestle || :; find /etc/cni/net.d /run/flannel /run/trestle ! -type d; \
     ls /opt/cni/bin | grep -E '^(bridge|host-local|portmap|loopback|flannel)$' || :";

pub(crate) fn all(cluster: &Cluster) {
    let pods = reach::inside(cluster);
    cluster.kubectl(&["delete", "--timeout=120s", "-f", &deploy("trestle.yaml").display().to_string()]);
    let jobs = fs::read_to_string(deploy("cleanup.yaml")).expect("it is there");
    for node in cluster.nodes() {
        cluster.apply_text(&jobs.replace("NODE", node.name()));
    }
    for node in cluster.nodes() {
        let name = node.name();
        let job = format!("job/trestle-cleanup-{name}");
        cluster.wait(&["--for=condition=complete", "-n=kube-system", &job]);
        assert_eq!(node.sh(LEFT).stdout, "", "left on {name}");
        let seen = cluster.get(&["node", name]);
        let annotations = seen["metadata"]["annotations"].as_object().into_iter().flatten();
        let ours = annotations.filter(|(key, _)| key.starts_with("flannel.alpha.coreos.com/"));
        assert_eq!(ours.count(), 0, "{}", seen["metadata"]["annotations"]);
    }
    // Who runs keeps its interface.
    for (pod, machine) in pods.iter().zip(cluster.machines()) {
        pod.addresses.iter().for_each(|address| machine.ping(address));
    }
}
