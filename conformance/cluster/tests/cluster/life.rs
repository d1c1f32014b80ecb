//! Nodes that come and go.

use cluster::Cluster;
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

/// A third node joins, and leaves.
pub(crate) fn all(cluster: &mut Cluster) {
    cluster.join(ProxyMode::Nftables);
    all_run(cluster);
    let before = podcidr(cluster, "node3");

    drop(cluster.leave());
    let routes = |cluster: &Cluster| cluster.machines()[0].exec(&["ip", "route", "show", &before]).stdout;
    let gone = eventually(PATIENCE, || routes(cluster).is_empty());
    assert!(gone, "a route to nobody's pods: {}", routes(cluster));
    reach::all(cluster);
}
