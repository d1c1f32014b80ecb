//! Garbage collection through libcni 1.3: with a list of valid attachments, and with none.

use sandbox::{Node, Place, Snapshot, cached};
use serde_json::Value;

use crate::cnitool::Cnitool;
use crate::network::{CONFIGURATIONS, addresses, standing};

/// Asks libcni to collect, with these attachments still valid.
fn collect(node: &Node, valid: &[String]) {
    let program = cached("gc");
    let conflist = format!("{CONFIGURATIONS}/10-trestle.conflist");
    let mut command =
        vec!["env", "CNI_PATH=/opt/cni/bin", program.to_str().expect("a plain path"), &conflist];
    command.extend(valid.iter().map(String::as_str));
    node.exec(&command);
}

/// libcni's cache names each attachment; losing it is what GC of the plugins is for.
fn container_of(netns: &str) -> String {
    let found =
        std::fs::read_dir("/var/lib/cni/results").expect("libcni keeps a cache").flatten().find_map(|file| {
            let attachment: Value = serde_json::from_slice(&std::fs::read(file.path()).ok()?).ok()?;
            (attachment["netns"] == netns).then(|| attachment["containerId"].as_str().map(str::to_owned))?
        });
    found.unwrap_or_else(|| panic!("no attachment of {netns} in libcni's cache"))
}

#[test]
fn cnitool_gc_takes_every_cached_attachment_away() {
    let node = Node::enter();
    let cnitool = Cnitool::new(&node, "1.3.0", "1.1.0");
    let pod = node.pod("a");
    let before = Snapshot::take(&node);
    cnitool.attach(&node, &pod);
    cnitool.call(&node, "gc", ("trestle", pod.path()));
    cnitool.call(&node, "gc", ("loopback", pod.path()));
    before.forgiving(&standing("cni0")).assert_same(&Snapshot::take(&node));
}

#[test]
fn gc_with_a_list_takes_what_is_not_in_it_though_libcni_forgot_it() {
    let node = Node::enter();
    let cnitool = Cnitool::new(&node, "1.3.0", "1.1.0");
    let (kept, lost) = (node.pod("kept"), node.pod("lost"));
    let before = Snapshot::take(&node);
    let kept_result = cnitool.attach(&node, &kept);
    let valid = [format!("{}/eth0", container_of(kept.path()))];
    let with_one = Snapshot::take(&node);

    cnitool.attach(&node, &lost);
    let lost_id = container_of(lost.path());
    node.sh(&format!("rm /var/lib/cni/results/*{lost_id}*"));
    collect(&node, &valid);
    let marks = standing("cni0");
    with_one.clone().forgiving(&marks).assert_same(&Snapshot::take(&node));
    for address in addresses(&kept_result) {
        node.ping(address);
    }

    node.sh("rm /var/lib/cni/results/*");
    collect(&node, &[]);
    before.forgiving(&marks).assert_same(&Snapshot::take(&node));
}
