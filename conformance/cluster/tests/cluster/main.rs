//! Trestle on a real cluster: installed as people install it, and asked everything that Pods ask of a network.
//!
//! A cluster takes longer to start than to be asked, so one serves every question.

use cluster::{Cluster, HOST_PORT, LOCAL_PORT, NODE_PORT, PORT, Pods, Who, Workload, ask, resolver};
use sandbox::{Node, ProxyMode};

#[test]
fn a_cluster_works_from_kubectl_apply_to_the_last_pod() {
    let node = Node::enter();
    let begun = std::time::Instant::now();
    let cluster = Cluster::start(&node, &[ProxyMode::Iptables, ProxyMode::Nftables]);
    println!("started {:?}", begun.elapsed());
    let begun = std::time::Instant::now();
    cluster.install();
    println!("ready {:?}", begun.elapsed());
    let web = Workload::daemon_set("web");
    cluster.apply(&resolver());
    cluster.apply(&[web.object()]);
    cluster.wait_rolled_out("daemonset/web", "default");
    println!("web {:?}", begun.elapsed());
    cluster.wait_rolled_out("deployment/coredns", "kube-system");
    println!("coredns {:?}", begun.elapsed());
    println!("{}", cluster.state());
}
