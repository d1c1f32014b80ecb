//! Nodes that come and go.

use cluster::{Cluster, Pods};
use ipnetwork::IpNetwork;
use sandbox::{PATIENCE, Place, ProxyMode, eventually};

use crate::reach;

/// Waits until everything runs on every node, and asks all of it.
fn all_run(cluster: &Cluster) {
    cluster.wait_ready();
    for app in ["web", "bare"] {
        cluster.wait_everywhere(app);
    }
    reach::all(cluster);
}

/// A node's pods, as the controller manager has given it: of both families.
fn pod_cidrs(cluster: &Cluster, node: &str) -> Vec<IpNetwork> {
    let seen = cluster.get(&["node", node]);
    let all = seen["spec"]["podCIDRs"].as_array().into_iter().flatten();
    let all: Vec<IpNetwork> = all.filter_map(|one| one.as_str()?.parse().ok()).collect();
    assert_eq!(all.len(), 2, "{node}: {}", seen["spec"]);
    all
}

/// A third node joins, leaves while its pods run, and comes back as another Node, with another podCIDR. In the
/// end it leaves for good.
pub(crate) fn all(cluster: &mut Cluster) {
    cluster.join(ProxyMode::Nftables);
    all_run(cluster);
    let before = pod_cidrs(cluster, "node3");

    let stopped = cluster.leave();
    let left = |cluster: &Cluster| {
        let show = |cidr: &IpNetwork| {
            let family = if cidr.is_ipv4() { "-4" } else { "-6" };
            cluster.machines()[0].exec(&["ip", family, "route", "show", &cidr.to_string()]).stdout
        };
        before.iter().map(show).collect::<String>()
    };
    let gone = eventually(PATIENCE, || left(cluster).is_empty());
    assert!(gone, "a route to nobody's pods: {}", left(cluster));

    cluster.come_back(stopped, "newcomer");
    all_run(cluster);
    let after = pod_cidrs(cluster, "newcomer");
    let pod = Pods::of(cluster, "web").on("newcomer").clone();
    for (family, cidr) in after.iter().enumerate() {
        assert_ne!(*cidr, before[family]);
        assert!(cidr.contains(pod.addresses[family]), "{pod:?}, not of {cidr}");
    }
    drop(cluster.leave());
}
