//! `cni uninstall`.

use std::fs;

use sandbox::{Node, Place};

use crate::network::{BINARY, Network, cni};

const DIRECTORY: &str = "/opt/cni/bin";

/// What is in the plugins' directory.
fn files() -> Vec<String> {
    let entries = fs::read_dir(DIRECTORY).expect("the plugins' directory").flatten();
    let mut names: Vec<_> = entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[test]
fn our_files_and_tables_go_and_who_still_uses_them_is_named() {
    let node = Node::enter();
    let network = Network::new(&node, "net1");
    let [a, dead] = ["a", "dead"].map(|name| node.pod(name));
    network.add(&a);
    network.add(&dead);
    network.kill(dead);
    node.sh("nft add table inet other; nft add table ip trestle");
    let said = cni(&node, &["uninstall", DIRECTORY]);
    let removed =
        ["bridge", "host-local", "cni"].map(|name| format!("removed {DIRECTORY}/{name}\n")).concat();
    assert_eq!((said.code, said.stderr.as_str()), (0, ""));
    assert_eq!(said.stdout, format!("{removed}still attached: net1/a/eth0\n"));
    assert_eq!(files(), [""; 0]);
    assert_eq!(node.exec(&["nft", "list", "tables"]).stdout, "table inet other\ntable ip trestle\n");
    a.ping("10.1.2.1");
}

#[test]
fn files_of_others_stay_and_are_named() {
    let node = Node::enter();
    node.exec(&[BINARY, "install", DIRECTORY]);
    node.write("/opt/cni/bin/bridge", "#!/bin/sh\n");
    node.write("/opt/cni/bin/calico", "#!/bin/sh\n");
    node.write("/opt/cni/bin/.host-local.new", "half of something");
    let said = node.exec(&[BINARY, "uninstall", DIRECTORY]).stdout;
    let (removed, left): (Vec<_>, Vec<_>) = said.lines().partition(|line| line.starts_with("removed "));
    assert_eq!(left, ["left /opt/cni/bin/bridge: not ours", "left /opt/cni/bin/.host-local.new: not ours"]);
    assert!(removed.contains(&"removed /opt/cni/bin/host-local"), "{said}");
    assert_eq!(files(), [".host-local.new", "bridge", "calico"]);
}

#[test]
fn a_second_time_there_is_nothing_to_do() {
    let node = Node::enter();
    node.exec(&[BINARY, "install", DIRECTORY]);
    node.exec(&[BINARY, "uninstall", DIRECTORY]);
    for directory in [DIRECTORY, "/run/nowhere"] {
        let said = node.exec(&[BINARY, "uninstall", directory]);
        assert_eq!((said.stdout.as_str(), said.stderr.as_str()), ("", ""));
    }
}

#[test]
fn what_cannot_be_removed_is_told_after_the_rest_is_gone() {
    let node = Node::enter();
    node.exec(&[BINARY, "install", DIRECTORY]);
    node.sh("rm /opt/cni/bin/bridge; mkdir /opt/cni/bin/bridge");
    let said = node.try_exec(&[BINARY, "uninstall", DIRECTORY]);
    assert_eq!(said.code, 1);
    assert!(said.stderr.starts_with("cni uninstall: cannot remove /opt/cni/bin/bridge: "), "{}", said.stderr);
    assert_eq!(files(), ["bridge"]);
    assert!(said.stdout.ends_with("removed /opt/cni/bin/cni\n"), "{}", said.stdout);
}

#[test]
fn what_an_installation_took_the_place_of_is_put_back() {
    let node = Node::enter();
    node.write("/opt/cni/bin/bridge", "#!/bin/sh\necho reference\n");
    node.write("/opt/cni/bin/host-local", "#!/bin/sh\n");
    node.sh("chmod 750 /opt/cni/bin/bridge; rm -f /opt/cni/bin/loopback");
    let before = node.exec(&["stat", "-c", "%i %a %u", "/opt/cni/bin/bridge"]).stdout;
    // An upgrade keeps what was there before the first of ours.
    for _ in 0..2 {
        node.exec(&[BINARY, "install", DIRECTORY]);
    }
    // Somebody else's, and newer than what was kept.
    node.write("/opt/cni/bin/host-local", "#!/bin/sh\necho newer\n");
    let said = node.exec(&[BINARY, "uninstall", DIRECTORY]).stdout;
    assert!(said.contains("restored /opt/cni/bin/bridge\n"), "{said}");
    assert!(said.contains("left /opt/cni/bin/host-local: not ours\n"), "{said}");
    assert_eq!(node.exec(&["stat", "-c", "%i %a %u", "/opt/cni/bin/bridge"]).stdout, before);
    assert_eq!(node.exec(&["/opt/cni/bin/host-local"]).stdout, "newer\n");
    assert_eq!(files(), ["bridge", "host-local"]);
}
