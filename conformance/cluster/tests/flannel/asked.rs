//! What is asked of nodes that may be flannel's or ours.

use cluster::{Cluster, Pods};
use sandbox::{Attached, PATIENCE, Place, eventually};

/// All that is flanneld's on a node but its files, routes and the tunnel.
const FLANNELS: &str = "nft list ruleset | grep -iE 'flannel-|flanneld ' || :";

/// All that only our agent makes.
const OURS: &str = "ip route show proto 116; ip nexthop; nft list tables | grep trestle-routed || :";

/// A label's Pods, as somebody inside them, by their nodes' names.
pub(crate) fn inside(cluster: &Cluster, app: &str) -> Vec<Attached> {
    let node = |name: &str| cluster.nodes().iter().find(|node| node.name() == name).expect("one of ours");
    Pods::of(cluster, app).0.iter().map(|pod| node(&pod.node).pod(&pod.name)).collect()
}

/// The network configurations that the node's runtime reads.
pub(crate) fn conflists(cluster: &Cluster, index: usize) -> Vec<String> {
    let names = cluster.nodes()[index].exec(&["ls", "/etc/cni/net.d"]).stdout;
    names.lines().map(str::to_owned).collect()
}

/// Does flanneld keep the node's network, and nobody else? Whoever hands it over does so step by step.
pub(crate) fn is_flannels(cluster: &Cluster, index: usize) -> bool {
    let node = &cluster.nodes()[index];
    eventually(PATIENCE, || {
        !node.sh(FLANNELS).stdout.is_empty()
            && node.sh(OURS).stdout.is_empty()
            && conflists(cluster, index) == ["10-flannel.conflist"]
    })
}

/// Does our agent keep it, and is nothing of flanneld's left?
pub(crate) fn is_ours(cluster: &Cluster, index: usize) -> bool {
    let node = &cluster.nodes()[index];
    eventually(PATIENCE, || {
        node.sh(FLANNELS).stdout.is_empty()
            && !node.sh(OURS).stdout.is_empty()
            && conflists(cluster, index) == ["10-trestle.conflist"]
    })
}

/// Every Pod reaches every Pod by packets of full size, and each node reaches them all.
pub(crate) fn nodes_agree(cluster: &Cluster, pods: &[&Attached]) {
    for (index, from) in pods.iter().enumerate() {
        for to in pods.iter().skip(index + 1) {
            from.reaches_whole(to);
            to.reaches_whole(from);
        }
        cluster.nodes().iter().for_each(|node| node.ping(from.addresses[0]));
    }
}

/// Whoever comes anew has an address of nobody who lives.
pub(crate) fn others_address(pod: &Attached, others: &[&Attached]) {
    let taken = |address| others.iter().any(|other| other.addresses.contains(address));
    assert!(!pod.addresses.iter().any(taken), "{pod:?} among {others:?}");
}

/// Of how many Pods flannel's plugin has saved how it made them.
pub(crate) fn saved(cluster: &Cluster, index: usize) -> usize {
    cluster.nodes()[index].exec(&["ls", "/var/lib/cni/flannel"]).stdout.lines().count()
}

/// Waits until nobody holds the addresses of a Pod that went.
pub(crate) fn free(cluster: &Cluster, index: usize, pod: &Attached) {
    let node = &cluster.nodes()[index];
    let held = || node.exec(&["ls", "/var/lib/cni/networks/cbr0"]).stdout;
    let is_held = |address: &std::net::IpAddr| held().lines().any(|line| line == address.to_string());
    let came = eventually(PATIENCE * 3, || !pod.addresses.iter().any(is_held));
    assert!(came, "{pod:?} is gone, and held are\n{}", held());
}
