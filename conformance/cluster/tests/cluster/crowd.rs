//! As many Pods as a kubelet takes, at once.

use cluster::{Cluster, Workload};
use sandbox::{Allowed, KubeNode, PATIENCE, Place, Snapshot, eventually};

use crate::step;

/// What a kubelet runs at most, unless it is told otherwise: the agent, CoreDNS and all others are among them.
const PODS: usize = 110;

/// The node that is filled.
const NODE: usize = 1;

/// What the node and its standing Pods say to each other and to others; no Pod of the crowd ever said a word.
const TALK: [Allowed; 2] = [Allowed::Containing("Conntrack"), Allowed::Containing("Neighbour")];

/// How many Pods the server counts on a node.
fn count(cluster: &Cluster, node: &KubeNode) -> usize {
    let list = cluster.get(&["pods", "-A", "--field-selector", &format!("spec.nodeName={}", node.name())]);
    list["items"].as_array().map_or(0, Vec::len)
}

/// Fills a node, and empties it again: nothing is left.
pub(crate) fn comes_and_goes(cluster: &Cluster) {
    let node = &cluster.nodes()[NODE];
    let before = Snapshot::take(node).forgiving(&Allowed::after_del("cni0")).forgiving(&TALK);
    let standing = count(cluster, node);
    let more = u16::try_from(PODS - standing).expect("a kubelet takes a few");
    let crowd = Workload::deployment("crowd", more).on(node.name()).asleep();
    step(&format!("{more} more Pods run"), || {
        cluster.apply(&[crowd.object()]);
        cluster.wait_rolled_out("deployment/crowd", "default");
    });
    assert_eq!(count(cluster, node), PODS);
    let addresses = node.sh("ls /var/lib/cni/networks/cbr0 | grep -c '^10'").stdout;
    let bare = 2;
    assert_eq!(
        addresses.trim(),
        (PODS - bare).to_string(),
        "an address for each but those in the node's own network"
    );
    step("and are gone", || {
        cluster.kubectl(&["delete", "deployment", "crowd", "--cascade=foreground", "--timeout=200s"]);
        let gone = eventually(PATIENCE * 6, || count(cluster, node) == standing);
        assert!(gone, "{}", cluster.state());
    });
    let clean = eventually(PATIENCE * 3, || before.diff(&Snapshot::take(node)).is_empty());
    assert!(clean, "left on {}:\n{}", node.name(), before.diff(&Snapshot::take(node)));
}
