//! A cluster with flannel, its own manifest and the reference plugins, becomes one with Trestle as `deploy/README.md` has it,
//! and a node of it flannel's again. The page's commands are run as they stand there.

mod asked;

use cluster::{Administrator, Cluster, Workload, commands, step};
use sandbox::{Flow, Node, PATIENCE, ProxyMode, eventually};

use crate::asked::{conflists, free, inside, is_flannels, is_ours, nodes_agree, others_address, saved};

const PAGE: &str = include_str!("../../../../deploy/README.md");

/// Somebody beyond the cluster, who knows nothing of pods' addresses: the switch's own.
const OUTSIDE: &str = "192.0.2.254";

/// A node labelled while flanneld is there still: the scheduler keeps ours away, and says why.
fn refused(cluster: &Cluster) {
    cluster.kubectl(&["label", "node", "node1", "trestle=yes"]);
    let events = || {
        cluster.kubectl(&["get", "events", "-n=trestle", "--field-selector=reason=FailedScheduling"]).stdout
    };
    assert!(eventually(PATIENCE, || events().contains("anti-affinity")), "{}", cluster.state());
    assert!(is_flannels(cluster, 0));
}

#[test]
fn a_cluster_with_flannel_is_taken_over_node_by_node_as_the_page_has_it() {
    let node = Node::enter();
    let start = || Cluster::start(&node, &[ProxyMode::Iptables, ProxyMode::Nftables]);
    let cluster = step("two nodes without a network", start);
    step("images and reference plugins", || cluster.prepare_for_flannel());
    step("flannel: from apply to Ready", || cluster.install_flannel());
    let web = Workload::daemon_set("web");
    let gone = Workload::deployment("gone", 1).on("node1");
    step("pods run", || {
        cluster.apply(&[web.object(), gone.object()]);
        cluster.wait_rolled_out("daemonset/web", "default");
        cluster.wait_rolled_out("deployment/gone", "default");
    });
    let pods = inside(&cluster, "web");
    let [a, b] = pods.as_slice() else { panic!("{pods:?}") };
    a.reaches_whole(b);
    let flows = [
        Flow::start(&a.pod, b.addresses[0]),
        Flow::start(&b.pod, a.addresses[0]),
        Flow::of_connections(&a.pod, OUTSIDE.parse().expect("an address")),
    ];

    let blocks = commands(PAGE, "### From flannel");
    let [install, leave, turn, end, back] = blocks.as_slice() else { panic!("{blocks:#?}") };
    let administrator = Administrator::of(&cluster);
    step("Trestle is there, and kept from flannel's nodes", || {
        administrator.run(install, "nobody");
        refused(&cluster);
        administrator.run(leave, "nobody");
    });
    step("the first node is turned", || administrator.run(turn, "node1"));
    step("half-way", || {
        assert!(is_ours(&cluster, 0) && is_flannels(&cluster, 1));
        cluster.apply(&[Workload::deployment("new", 1).on("node1").object()]);
        cluster.wait_rolled_out("deployment/new", "default");
        let [old, new] = ["gone", "new"].map(|app| inside(&cluster, app).remove(0));
        others_address(&new, &[a, b, &old]);
        nodes_agree(&cluster, &[a, b, &old, &new]);
        let known = saved(&cluster, 0);
        cluster.kubectl(&["delete", "deployment", "gone"]);
        free(&cluster, 0, &old);
        assert!(
            eventually(PATIENCE, || saved(&cluster, 0) == known - 1),
            "{known} saved by flannel's plugin"
        );
    });
    step("back to flannel", || administrator.run(back, "node1"));
    assert!(is_flannels(&cluster, 0));
    nodes_agree(&cluster, &[a, b]);
    step("both nodes are turned", || {
        administrator.run(turn, "node1");
        administrator.run(turn, "node2");
    });
    step("the end", || {
        administrator.run(end, "nobody");
        cluster.wait_ready();
    });
    for index in 0..2 {
        assert!(is_ours(&cluster, index));
        assert_eq!(conflists(&cluster, index), ["10-trestle.conflist"]);
    }
    nodes_agree(&cluster, &[a, b]);
    step("no packet was lost", || flows.map(Flow::end));
}
