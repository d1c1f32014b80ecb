//! An older version rolls over the nodes, and this one again, while packets flow.

use cluster::{Agents, Cluster, say, step};
use sandbox::{Attached, Flow, Place};

use crate::reach;

/// What installers put on a node: each plugin by its bytes.
const PLUGINS: &str = "cd /opt/cni/bin && sha256sum *";

/// A flow from each Pod to each address of the next one.
fn flows(pods: &[Attached]) -> Vec<Flow> {
    let pairs = pods.iter().zip(pods.iter().cycle().skip(1));
    let to = |(from, to): (&Attached, &Attached)| {
        to.addresses.iter().map(|address| Flow::start(&from.pod, *address)).collect::<Vec<_>>()
    };
    pairs.flat_map(to).collect()
}

/// The plugins of each node.
fn plugins(cluster: &Cluster) -> Vec<String> {
    cluster.nodes().iter().map(|node| node.sh(PLUGINS).stdout).collect()
}

/// Rolls back to an older version and forward again, without a packet lost: every agent is replaced, and every plugin.
pub(crate) fn all(cluster: &Cluster) {
    let older = cluster.import_older();
    let pods = reach::inside(cluster);
    let flows = flows(&pods);
    let (images, files) = (Agents::of(cluster).images(), plugins(cluster));
    step("the older version works", || {
        cluster.kubectl(&["set", "image", "daemonset/routed-agent", "-n=trestle", &format!("*={older}")]);
        cluster.wait_rolled_out("daemonset/routed-agent", "trestle");
    });
    assert_eq!(Agents::of(cluster).images(), vec![older; cluster.nodes().len()]);
    let replaced = plugins(cluster);
    for (files, replaced) in files.iter().zip(&replaced) {
        let same = files.lines().filter(|file| replaced.contains(*file));
        assert_eq!(same.collect::<Vec<_>>(), Vec::<&str>::new(), "in both versions, or not replaced");
    }
    step("this one works again", || {
        cluster.kubectl(&["rollout", "undo", "daemonset/routed-agent", "-n=trestle"]);
        cluster.wait_rolled_out("daemonset/routed-agent", "trestle");
    });
    assert_eq!((Agents::of(cluster).images(), plugins(cluster)), (images, files));
    let of = flows.len();
    step("flows end", || {
        flows.iter().for_each(Flow::run_out);
        let packets: u64 = flows.into_iter().map(Flow::end).sum();
        say(&format!("{packets} packets of {of} flows went through both, none was lost"));
    });
}
