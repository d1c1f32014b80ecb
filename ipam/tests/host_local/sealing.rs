//! The index beside the directory: how it is known to be right, and what happens where it isn't.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use sandbox::{Node, Place};

use crate::network::Network;

fn changed(path: &Path) -> (i64, i64) {
    let metadata = fs::metadata(path).unwrap();
    (metadata.mtime(), metadata.mtime_nsec())
}

#[test]
fn an_operation_leaves_times_on_the_directory_and_the_index_that_go_together() {
    let node = Node::enter();
    let network = Network::of(&node, "10.1.0.0/24");
    let mut times = Vec::new();
    for step in 0..3 {
        network.add(&format!("c{step}"));
        let (record, _) = network.records().pop_first().unwrap();
        let time = changed(&network.directory());
        assert_eq!(changed(record.parent().unwrap()), (time.0 ^ (1 << 30), time.1));
        times.push(time);
    }
    times.dedup();
    assert_eq!(times.len(), 3);
}

#[test]
fn what_an_administrator_adds_or_removes_by_hand_is_noticed() {
    let node = Node::enter();
    let network = Network::of(&node, "10.1.0.0/24");
    network.add("a");
    fs::remove_file(network.file("10.1.0.2")).unwrap();
    fs::write(network.file("10.1.0.3"), "b\r\neth0").unwrap();
    assert_eq!(network.run("CHECK", "a").code, 1);
    network.run("CHECK", "b").succeeded();
    assert_eq!(network.add("c"), "10.1.0.4");
    network.del("b");
    assert_eq!(network.held().into_keys().collect::<Vec<_>>(), ["10.1.0.4"]);
    assert_eq!(network.records().len(), 1);
}

/// As the kernel gives both the same time when it changes them within a tick of its clock.
#[test]
fn directories_of_the_same_time_are_not_sealed() {
    let node = Node::enter();
    let network = Network::of(&node, "10.1.0.0/24");
    network.add("a");
    fs::write(network.file("10.1.0.3"), "b\r\neth0").unwrap();
    let (record, _) = network.record();
    let time =
        fs::FileTimes::new().set_modified(fs::metadata(network.directory()).unwrap().modified().unwrap());
    fs::File::open(record.parent().unwrap()).unwrap().set_times(time).unwrap();
    network.run("CHECK", "b").succeeded();
}

#[test]
fn an_address_that_an_administrator_gave_to_another_in_place_is_not_taken_from_it() {
    let node = Node::enter();
    let network = Network::of(&node, "10.1.0.0/24");
    let address = network.add("a");
    fs::write(network.file(&address), "b\r\neth0").unwrap();
    network.del("a");
    assert_eq!(network.held()[&address], "b\r\neth0");
}

#[test]
fn a_lost_index_is_made_anew() {
    let node = Node::enter();
    let network = Network::of(&node, "10.1.0.0/24");
    network.add("a");
    network.add("b");
    fs::remove_dir_all("/var/lib/cni/trestle").unwrap();
    network.run("CHECK", "a").succeeded();
    network.del("a");
    assert_eq!(network.held().into_values().collect::<Vec<_>>(), ["b\r\neth0"]);
    assert_eq!(network.records().len(), 1);
}

#[test]
fn a_caller_in_another_mount_namespace_has_another_index_and_the_same_addresses() {
    let node = Node::enter();
    let network = Network::of(&node, "10.1.0.0/24");
    let elsewhere = |command: &str, container: &str| {
        let hide = "mount -t tmpfs none /var/lib/cni/trestle && exec \"$0\"";
        let call = network.call(command, container);
        call.through(&["unshare", "--mount", "sh", "-c", hide]).run()
    };
    fs::create_dir_all("/var/lib/cni/trestle").unwrap();
    network.add("a");
    elsewhere("ADD", "b").succeeded();
    elsewhere("ADD", "c").succeeded();
    network.add("d");
    let mut owners: Vec<_> = network.held().into_values().collect();
    owners.sort();
    assert_eq!(owners, ["a\r\neth0", "b\r\neth0", "c\r\neth0", "d\r\neth0"]);
    elsewhere("DEL", "a").succeeded();
    network.del("b");
    network.del("c");
    elsewhere("DEL", "d").succeeded();
    assert!(network.held().is_empty());
}

#[test]
fn every_spelling_of_the_data_directory_finds_the_same_index() {
    let node = Node::enter();
    let network = Network::of(&node, "10.1.0.0/24");
    network.add("a");
    std::os::unix::fs::symlink("/var/lib/cni/networks", "/run/spelling").unwrap();
    let mut other = Network::of(&node, "10.1.0.0/24");
    other.conf["ipam"]["dataDir"] = "/run/../run/spelling/".into();
    other.add("b");
    other.del("a");
    network.del("b");
    assert_eq!(fs::read_dir("/var/lib/cni/trestle/host-local").unwrap().count(), 1);
    assert!(network.held().is_empty());
}

#[test]
fn a_clock_that_was_stepped_changes_nothing() {
    let node = Node::enter();
    let network = Network::of(&node, "10.1.0.0/24");
    network.add("a");
    network.add("b");
    for time in ["1971-01-01", "2070-01-01"] {
        let all = format!("find /var/lib/cni -exec touch -d {time} {{}} +");
        node.exec(&["sh", "-c", &all]);
        network.run("CHECK", "a").succeeded();
    }
    assert_eq!(network.add("c"), "10.1.0.4");
    network.del("a");
    assert_eq!(network.held().len(), 2);
}

#[test]
fn where_the_index_can_not_be_written_del_still_releases_and_add_says_why_it_fails() {
    let node = Node::enter();
    let network = Network::of(&node, "10.1.0.0/24");
    fs::create_dir_all(network.directory()).unwrap();
    fs::write(network.file("10.1.0.9"), "a\r\neth0").unwrap();
    fs::write("/var/lib/cni/trestle", "in the way").unwrap();
    network.del("a");
    assert!(network.held().is_empty());
    let error = network.run("ADD", "b").error();
    assert_eq!(error["code"], 5);
    assert!(error["msg"].as_str().unwrap().contains("/var/lib/cni/trestle/host-local/"), "{error}");
}
