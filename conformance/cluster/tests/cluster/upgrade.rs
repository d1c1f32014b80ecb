//! Another version rolls over the nodes, and the one before comes back, while packets flow.

use cluster::Cluster;
use sandbox::{Attached, Flow};
use serde_json::Value;

use crate::reach;

/// What the other version is called.
const NEXT: &str = "trestle:next";

/// How the runtime calls that.
const NEXT_IN_FULL: &str = "docker.io/library/trestle:next";

/// A flow from each Pod to each address of the next one.
fn flows(pods: &[Attached]) -> Vec<Flow> {
    let pairs = pods.iter().zip(pods.iter().cycle().skip(1));
    let to = |(from, to): (&Attached, &Attached)| {
        to.addresses.iter().map(|address| Flow::start(&from.pod, *address)).collect::<Vec<_>>()
    };
    pairs.flat_map(to).collect()
}

/// Gives the image on each node another name.
fn rename(cluster: &Cluster) {
    for node in cluster.nodes() {
        let all = node.containerd().ctr(&["-n", "k8s.io", "image", "ls", "-q"]);
        let known = all.lines().find(|name| name.contains("/trestle:")).expect("the image was imported");
        node.containerd().ctr(&["-n", "k8s.io", "image", "tag", "--force", known, NEXT_IN_FULL]);
    }
}

/// The images of the agents' Pods. The server keeps those of a node that left for a while.
fn images(cluster: &Cluster) -> Vec<Value> {
    let list = cluster.get(&["pods", "-n=trestle", "-l=app.kubernetes.io/name=routed-agent"]);
    let stays = |pod: &&Value| cluster.nodes().iter().any(|node| pod["spec"]["nodeName"] == node.name());
    let all = list["items"].as_array().into_iter().flatten().filter(stays);
    all.map(|pod| pod["spec"]["containers"][0]["image"].clone()).collect()
}

pub(crate) fn all(cluster: &Cluster) {
    rename(cluster);
    let pods = reach::inside(cluster);
    let flows = flows(&pods);
    let before = images(cluster);
    cluster.kubectl(&["set", "image", "daemonset/routed-agent", "-n=trestle", &format!("*={NEXT}")]);
    cluster.wait_rolled_out("daemonset/routed-agent", "trestle");
    assert_eq!(images(cluster), vec![NEXT; cluster.nodes().len()]);
    cluster.kubectl(&["rollout", "undo", "daemonset/routed-agent", "-n=trestle"]);
    cluster.wait_rolled_out("daemonset/routed-agent", "trestle");
    assert_eq!(images(cluster), before);
    for flow in flows {
        flow.end();
    }
}
