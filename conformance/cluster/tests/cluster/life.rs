//! Nodes that come and go.

use cluster::{Cluster, Pods};
use sandbox::{PATIENCE, Place, ProxyMode, eventually};

use crate::reach;

/// Waits until everything runs on every node, and asks all of it.
fn all_run(cluster: &Cluster) {
    cluster.wait_ready();
    for what in ["daemonset/web", "daemonset/bare"] {
        cluster.wait_rolled_out(what, "default");
    }
    reach::all(cluster);
}

/// A node's pods, as the controller manager has given it.
fn podcidr(cluster: &Cluster, node: &str) -> String {
    let seen = cluster.get(&["node", node]);
    seen["spec"]["podCIDR"].as_str().unwrap_or_else(|| panic!("{node} has no podCIDR")).to_owned()
}

/// A third node joins, leaves while its pods run, and comes back as another Node, with another podCIDR. In the
/// end it leaves for good.
pub(crate) fn all(cluster: &mut Cluster) {
    cluster.join(ProxyMode::Nftables);
    all_run(cluster);
    let before = podcidr(cluster, "node3");

    let stopped = cluster.leave();
    let routes =
        |cluster: &Cluster, cidr: &str| cluster.machines()[0].exec(&["ip", "route", "show", cidr]).stdout;
    let gone = eventually(PATIENCE, || routes(cluster, &before).is_empty());
    assert!(gone, "a route to nobody's pods: {}", routes(cluster, &before));

    cluster.come_back(stopped, "newcomer");
    all_run(cluster);
    let after = podcidr(cluster, "newcomer");
    assert_ne!(after, before);
    let prefix = after.split_once(".0/").map_or("", |(prefix, _)| prefix);
    let pod = Pods::of(cluster, "web").on("newcomer").clone();
    assert!(pod.addresses[0].to_string().starts_with(prefix), "{pod:?}, not of {after}");
    drop(cluster.leave());
}
