//! `ctr run --cni`: DEL comes when the namespace is gone, or never.

use sandbox::{Containerd, IMAGE, Node, PATIENCE, Place, Snapshot, eventually};

use crate::network::{configure, install, shipped, standing};

/// `ctr run --cni` of a container named c1, in its own control group.
fn run(containerd: &Containerd, how: &str, command: &[&str]) -> String {
    let cgroup = format!("/{}/c1", containerd.runtime().cgroup());
    let mut words = vec!["run", "--cni", how, "--cgroup", &cgroup, IMAGE, "c1"];
    words.extend(command);
    containerd.ctr(&words)
}

fn configured() -> (Node, Containerd) {
    let node = Node::enter();
    install(&node);
    configure(&node, "10-trestle", &shipped("1.0.0/10-trestle-dual-stack"));
    let containerd = Containerd::start(&node, &node);
    (node, containerd)
}

#[test]
fn a_container_that_ends_before_its_del_leaves_nothing() {
    let (node, containerd) = configured();
    let before = Snapshot::take(&node);
    let said = run(&containerd, "--rm", &["sh", "-c", "ping -c1 -W5 10.88.0.1 && ip addr"]);
    assert!(said.contains("10.88.0.2/16") && said.contains("fd88::2/64"), "{said}");
    before.forgiving(&standing("cni0")).assert_same(&Snapshot::take(&node));
}

#[test]
fn a_container_that_is_never_deleted_is_garbage_to_cni_gc() {
    let (node, containerd) = configured();
    let before = Snapshot::take(&node);
    run(&containerd, "-d", &["sleep", "infinity"]);
    node.ping("10.88.0.2");
    // The runtime ends it and never sends DEL.
    containerd.ctr(&["task", "kill", "--signal", "SIGKILL", "c1"]);
    let deleted = eventually(PATIENCE, || containerd.try_ctr(&["task", "delete", "c1"]).code == 0);
    assert!(deleted, "the task stays: {}", containerd.said());
    containerd.ctr(&["container", "delete", "c1"]);

    node.exec(&[env!("CARGO_BIN_EXE_cni"), "gc"]);
    // libcni's cache is the runtime's own; nothing of ours is in it.
    node.sh("rm /var/lib/cni/results/*");
    before.forgiving(&standing("cni0")).assert_same(&Snapshot::take(&node));
}
