//! Trestle on a real cluster: installed as people install it, and asked everything that Pods ask of a network.
//!
//! A cluster takes longer to start than to be asked, so one serves every question.

mod crowd;
mod life;
mod names;
mod people;
mod reach;
mod removal;
mod services;
mod trouble;
mod upgrade;

use cluster::{Cluster, HOST_PORT, Workload, resolver, step};
use sandbox::{Node, ProxyMode};

/// The port of Pods in their node's own network.
const BARE_PORT: u16 = 8083;

#[test]
fn a_cluster_works_from_kubectl_apply_to_the_last_pod() {
    let node = Node::enter();
    // Services are made by iptables on the one node, and by nftables on the other.
    let start = || Cluster::start(&node, &[ProxyMode::Iptables, ProxyMode::Nftables]);
    let mut cluster = step("two nodes without a network", start);
    step("from apply to Ready", || cluster.install());

    let own = Workload::deployment("own", 1).on("node1").with_host_port(HOST_PORT);
    let bare = Workload::daemon_set("bare").in_host_network(BARE_PORT);
    let web = Workload::daemon_set("web");
    step("a DaemonSet, a Deployment and CoreDNS run", || {
        cluster.apply(&resolver());
        cluster.apply(&[web.object(), own.object(), bare.object()]);
        cluster.apply(&services::objects(&web, &own));
        for what in ["daemonset/web", "daemonset/bare", "deployment/own"] {
            cluster.wait_rolled_out(what, "default");
        }
        cluster.wait_rolled_out("deployment/coredns", "kube-system");
    });
    step("pods and nodes reach each other", || reach::all(&cluster));
    step("Services lead to pods", || services::all(&cluster, &node));
    step("names", || names::all(&cluster));
    step("kubectl exec, logs, proxy", || people::all(&cluster));
    step("a blocked tunnel is told", || trouble::all(&cluster));
    step("both nodes are filled and emptied", || crowd::comes_and_goes(&cluster));
    step("a node joins, leaves and comes back as another", || life::all(&mut cluster));
    step("an older version, and back", || upgrade::all(&cluster));
    step("Trestle is removed", || removal::all(&cluster));
}
