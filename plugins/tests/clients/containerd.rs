//! containerd's CRI: what the kubelet does to a pod.

use sandbox::{Containerd, IMAGE, Node, PATIENCE, Snapshot, eventually};
use serde_json::Value;

use crate::network::{configure, install, shipped, standing};

#[test]
fn two_pods_of_the_cri_reach_each_other_and_leave_nothing() {
    let node = Node::enter();
    install(&node);
    configure(&node, "10-trestle", &shipped("1.0.0/10-trestle-dual-stack"));
    configure(&node, "99-loopback", &shipped("1.0.0/99-loopback"));
    let containerd = Containerd::start(&node, &node);
    let ready = eventually(PATIENCE, || {
        let conditions = containerd.cri(&["status"]);
        conditions.as_array().is_some_and(|all| all.len() == 2 && all.iter().all(|one| one["status"] == true))
    });
    assert!(ready, "{}", containerd.cri(&["status"]));

    let before = Snapshot::take(&node);
    let cgroup = format!("/{}", containerd.runtime().cgroup());
    let pods = ["a", "b"].map(|name| containerd.cri(&["run", name, IMAGE, &cgroup]));
    let word = |pod: usize, key: &str| pods[pod][key].as_str().unwrap_or_default().to_owned();
    let addresses = pods[0]["addresses"].as_array().cloned().unwrap_or_default();
    assert_eq!(addresses.len(), 2, "{pods:?}");
    for address in addresses.iter().filter_map(Value::as_str).chain(["10.88.0.1", "fd88::1", "127.0.0.1"]) {
        let reached = eventually(PATIENCE, || {
            containerd.cri(&["exec", &word(1, "container"), "ping", "-c1", "-W1", address])["code"] == 0
        });
        assert!(reached, "pod b does not reach {address}");
    }
    for pod in [0, 1] {
        containerd.cri(&["stop", &word(pod, "pod")]);
        containerd.cri(&["remove", &word(pod, "pod")]);
    }
    before.forgiving(&standing("cni0")).assert_same(&Snapshot::take(&node));
}
