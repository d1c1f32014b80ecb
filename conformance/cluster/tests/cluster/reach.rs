//! Pods, nodes, and Pods in their nodes' networks.

use cluster::{Cluster, PORT, Pods, ask};
use sandbox::{Attached, PATIENCE, Place, eventually};

use crate::BARE_PORT;

/// The DaemonSet's Pods, as somebody inside them.
pub(crate) fn inside(cluster: &Cluster) -> Vec<Attached> {
    let pods = Pods::of(cluster, "web");
    let node = |pod: &cluster::Pod| cluster.nodes().iter().find(|node| node.name() == pod.node);
    pods.0.iter().map(|pod| node(pod).expect("a Pod's node is one of ours").pod(&pod.name)).collect()
}

/// Asks a Pod until it answers under this name, and hands back as whom it saw the caller.
pub(crate) fn answers(
    from: &impl Place,
    (address, port): (std::net::IpAddr, u16),
    name: &str,
) -> std::net::IpAddr {
    let mut last = None;
    let came = eventually(PATIENCE, || {
        last = Some(ask(from, (address, port).into()));
        matches!(&last, Some(Ok(who)) if who.name == name)
    });
    match last {
        Some(Ok(who)) if came => who.caller,
        last => panic!("{address} port {port}, not {name} but {last:?}"),
    }
}

/// Every Pod reaches every Pod by packets of full size, each node and each node's own Pods, and the other way round.
pub(crate) fn all(cluster: &Cluster) {
    let (web, bare) = (Pods::of(cluster, "web"), Pods::of(cluster, "bare"));
    assert_eq!(
        (web.0.len(), bare.0.len()),
        (cluster.nodes().len(), cluster.nodes().len()),
        "{web:?} {bare:?}"
    );
    let pods = inside(cluster);
    for (from, own) in pods.iter().zip(&web.0) {
        for (to, other) in pods.iter().zip(&web.0).filter(|(_, other)| *other != own) {
            from.reaches_whole(to);
            from.sends(to, 1 << 20);
            // Between Pods nobody's address changes.
            for address in &other.addresses {
                let caller = answers(&from.pod, (*address, PORT), &other.name);
                assert!(from.addresses.contains(&caller), "{} came to {} as {caller}", own.name, other.name);
            }
        }
        for other in &bare.0 {
            for address in &other.addresses {
                answers(&from.pod, (*address, BARE_PORT), &other.name);
            }
        }
        for node in cluster.nodes() {
            for address in &own.addresses {
                answers(node, (*address, PORT), &own.name);
            }
        }
    }
}
