//! As many Pods as a kubelet takes, at once on every node.

use cluster::{Cluster, Workload, step};
use sandbox::{Allowed, KubeNode, PATIENCE, Place, Snapshot, eventually};

/// What a kubelet runs at most, unless it is told otherwise: the agent, CoreDNS and all others are among them.
const PODS: usize = 110;

/// What fills each node.
const CROWDS: [&str; 2] = ["crowd1", "crowd2"];

/// What the node and its standing Pods say to each other and to others; no Pod of the crowd ever said a word.
const TALK: [Allowed; 2] = [Allowed::Containing("Conntrack"), Allowed::Containing("Neighbour")];

/// How many of a node's Pods have an address of each family.
const ADDRESSES: &str = "cd /var/lib/cni/networks/cbr0; ls | grep -c '^10'; ls | grep -c '^fd42:'";

/// How many Pods the server counts on each node.
fn counts(cluster: &Cluster) -> Vec<usize> {
    let list = cluster.get(&["pods", "-A"]);
    let on = |node: &KubeNode| {
        let pods = list["items"].as_array().into_iter().flatten();
        pods.filter(|pod| pod["spec"]["nodeName"] == node.name()).count()
    };
    cluster.nodes().iter().map(on).collect()
}

/// What there is on each node.
fn snapshots(cluster: &Cluster) -> Vec<Snapshot> {
    cluster.nodes().iter().map(Snapshot::take).collect()
}

/// Fills every node, and empties it again: nothing is left.
pub(crate) fn comes_and_goes(cluster: &Cluster) {
    let forgiving = |one: Snapshot| one.forgiving(&Allowed::after_del("cni0")).forgiving(&TALK);
    let before: Vec<Snapshot> = snapshots(cluster).into_iter().map(forgiving).collect();
    let standing = counts(cluster);
    let more = standing.iter().map(|count| u16::try_from(PODS - count).expect("a kubelet takes a few"));
    let crowds = CROWDS.iter().zip(more).zip(cluster.nodes());
    let crowds = crowds.map(|((name, more), node)| Workload::deployment(name, more).on(node.name()).asleep());
    let crowds: Vec<_> = crowds.map(|crowd| crowd.object()).collect();
    assert_eq!(crowds.len(), cluster.nodes().len());
    step(&format!("{PODS} Pods run on each node, of which {standing:?} ran"), || {
        cluster.apply(&crowds);
        for crowd in CROWDS {
            cluster.wait_rolled_out(&format!("deployment/{crowd}"), "default");
        }
    });
    assert_eq!(counts(cluster), vec![PODS; cluster.nodes().len()]);
    // Two are in the node's own network.
    let addressed = PODS - 2;
    for node in cluster.nodes() {
        let found = node.sh(ADDRESSES).stdout;
        assert_eq!(found, format!("{addressed}\n{addressed}\n"), "on {}", node.name());
    }
    step("and are gone", || {
        let delete = ["delete", "deployment", CROWDS[0], CROWDS[1], "--cascade=foreground", "--timeout=600s"];
        cluster.kubectl(&delete);
        let gone = eventually(PATIENCE * 6, || counts(cluster) == standing);
        assert!(gone, "{}", cluster.state());
    });
    for (before, node) in before.iter().zip(cluster.nodes()) {
        let clean = eventually(PATIENCE * 3, || before.diff(&Snapshot::take(node)).is_empty());
        assert!(clean, "left on {}:\n{}", node.name(), before.diff(&Snapshot::take(node)));
    }
}
