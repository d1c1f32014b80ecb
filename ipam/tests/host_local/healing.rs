//! What a dead container held is given to another, and only that.

use std::fs;

use cni::{Code, Failure};
use ipam::{HostLocal, add, preview, release_dead};
use sandbox::{Node, PATIENCE, Place, Pod, eventually};
use serde_json::json;

use crate::calls::{Watching, attach, request};
use crate::network::{Network, addresses, message};

/// A range of five addresses, all of them held by pods.
fn full(node: &Node) -> (Network, Vec<Pod>) {
    let network = Network::of(node, "10.1.0.0/29");
    let pods: Vec<_> = (2..7).map(|n| node.pod(&format!("pod{n}"))).collect();
    for pod in &pods {
        attach(&network, pod, "");
    }
    (network, pods)
}

fn exhausted() -> (u64, String) {
    (
        11,
        "failed to allocate for range 0: no IP addresses available in range set: 10.1.0.1-10.1.0.6"
            .to_owned(),
    )
}

/// Edits every record in place, which no seal notices.
fn edit(network: &Network, change: impl Fn(&str) -> String) {
    for (path, text) in network.records() {
        fs::write(path, change(&text)).unwrap();
    }
}

/// The same record as a kernel without handles of namespaces allows.
fn without_handles(text: &str) -> String {
    let lines = text.split_inclusive('\n');
    lines.filter(|line| !line.starts_with("namespace ") && !line.starts_with("user ")).collect()
}

#[test]
fn an_exhausted_range_gives_the_address_of_a_container_whose_namespace_is_gone() {
    let node = Node::enter();
    let (network, mut pods) = full(&node);
    assert_eq!(message(&network.run("ADD", "next")), exhausted());
    pods.remove(3).remove();
    // The kernel takes a namespace away in its own time.
    assert!(eventually(PATIENCE, || network.run("STATUS", "").code == 0));
    assert_eq!(network.add("next"), "10.1.0.5");
    assert_eq!(message(&network.run("ADD", "another")), exhausted());
    network.del("pod5");
    assert_eq!(network.held()["10.1.0.5"], "next\r\neth0");
}

#[test]
fn the_address_of_a_living_container_is_never_given_away() {
    let node = Node::enter();
    let (network, pods) = full(&node);
    let before = (network.held(), network.records());
    assert_eq!(pods.len(), before.0.len());
    for container in ["next", "another"] {
        assert_eq!(message(&network.run("ADD", container)), exhausted());
        let wanted = network.call("ADD", container).args("IP=10.1.0.4").run();
        assert!(message(&wanted).1.contains("requested IP address 10.1.0.4 is not available"));
    }
    assert_eq!((network.held(), network.records()), before);
}

#[test]
fn a_namespace_without_its_path_lives_as_long_as_a_process_in_it() {
    let node = Node::enter();
    let (network, mut pods) = full(&node);
    let pod = pods.remove(0);
    let mut sleeper = pod.within(|| std::process::Command::new("sleep").arg("600").spawn().unwrap());
    pod.remove();
    assert_eq!(message(&network.run("ADD", "next")), exhausted());
    sleeper.kill().unwrap();
    sleeper.wait().unwrap();
    assert!(eventually(PATIENCE, || network.run("STATUS", "").code == 0));
    assert_eq!(network.add("next"), "10.1.0.2");
}

#[test]
fn containers_of_an_earlier_boot_are_gone() {
    let node = Node::enter();
    let (network, _pods) = full(&node);
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap();
    edit(&network, |text| text.replace(boot.trim(), "01234567-89ab-cdef-0123-456789abcdef"));
    for n in 2..7 {
        assert_eq!(network.add(&format!("new{n}")), format!("10.1.0.{n}"));
    }
    assert_eq!(message(&network.run("ADD", "next")), exhausted());
    assert_eq!(network.records().len(), 5);
}

#[test]
fn without_proof_a_reservation_stays() {
    let node = Node::enter();
    let network = Network::of(&node, "10.1.0.0/29");
    for n in 2..7 {
        network.add(&format!("c{n}"));
    }
    assert_eq!(message(&network.run("ADD", "next")), exhausted());
    edit(&network, |text| text[..text.len() / 2].to_owned());
    assert_eq!(message(&network.run("ADD", "next")), exhausted());
    edit(&network, |_| String::new());
    assert_eq!(message(&network.run("ADD", "next")), exhausted());
}

// Upstream's plugins#498.
#[test]
fn an_empty_file_that_a_crash_left_blocks_no_address() {
    let node = Node::enter();
    let network = Network::of(&node, "10.1.0.0/29");
    network.add("a");
    for n in 3..7 {
        fs::write(network.file(&format!("10.1.0.{n}")), if n == 4 { " \r\n" } else { "" }).unwrap();
    }
    for n in 3..7 {
        assert_eq!(network.add(&format!("c{n}")), format!("10.1.0.{n}"));
    }
    assert_eq!(network.held()["10.1.0.2"], "a\r\neth0");
}

#[test]
fn a_requested_address_is_given_when_its_holder_is_gone() {
    let node = Node::enter();
    let network = Network::of(&node, "10.1.0.0/24");
    let pod = node.pod("old");
    attach(&network, &pod, "IP=10.1.0.77");
    let again = || network.call("ADD", "new").args("IP=10.1.0.77").run();
    assert_eq!(message(&again()).0, 11);
    pod.remove();
    assert!(eventually(PATIENCE, || again().code == 0));
    assert_eq!(network.held()["10.1.0.77"], "new\r\neth0");
}

#[test]
fn all_addresses_of_a_dead_attachment_go_together() {
    let node = Node::enter();
    let network =
        Network::new(&node, &json!({"ranges": [[{"subnet": "10.1.0.0/30"}], [{"subnet": "2001:db8::/64"}]]}));
    let pod = node.pod("old");
    attach(&network, &pod, "");
    pod.remove();
    assert!(eventually(PATIENCE, || network.run("STATUS", "").code == 0));
    assert_eq!(addresses(&network.run("ADD", "new")), ["10.1.0.2", "2001:db8::3"]);
    assert!(network.held().into_values().all(|owner| owner == "new\r\neth0"));
    assert_eq!(network.records().len(), 1);
}

#[test]
fn a_caller_that_may_not_see_a_namespace_does_not_take_it_for_gone() {
    let node = Node::enter();
    let (network, mut pods) = full(&node);
    let before = network.held();
    let blind = |options: &[&str]| {
        let words = [&["unshare", "--user", "--map-root-user"], options].concat();
        message(&network.call("ADD", "next").through(&words).run())
    };
    for options in [&[][..], &["--uts"], &["--net"], &["--uts", "--net", "--mount"]] {
        assert_eq!(blind(options), exhausted(), "{options:?}");
    }
    assert_eq!(network.held(), before);
    pods.remove(0).remove();
    assert!(eventually(PATIENCE, || network.run("STATUS", "").code == 0));
    assert_eq!(blind(&["--uts"]), exhausted());
    assert_eq!(network.add("next"), "10.1.0.2");
}

/// Somebody else took the reservation away and made it again, for a new container of the same name that lives.
#[test]
fn a_proof_says_nothing_of_a_later_reservation_under_the_same_name() {
    let node = Node::enter();
    let network = Network::of(&node, "10.1.0.0/30");
    let pod = node.pod("web");
    attach(&network, &pod, "");
    fs::remove_file(network.file("10.1.0.2")).unwrap();
    fs::write(network.file("10.1.0.2"), "web\r\neth0").unwrap();
    pod.remove();
    let gone = node.pod("second");
    let other = network.with("name", json!("other"));
    attach(&other, &gone, "");
    gone.remove();
    assert!(eventually(PATIENCE, || other.run("STATUS", "").code == 0));
    assert_eq!(message(&network.run("ADD", "next")).0, 11);
    assert_eq!(network.held()["10.1.0.2"], "web\r\neth0");
}

#[test]
fn what_a_dead_attachment_left_goes_before_its_addresses() {
    let node = Node::enter();
    let network = Network::of(&node, "10.1.0.0/30");
    let pod = node.pod("old");
    attach(&network, &pod, "");
    pod.remove();
    assert!(eventually(PATIENCE, || network.run("STATUS", "").code == 0));
    let address = "10.1.0.2".parse().unwrap();
    let failure = Failure { code: Code::Internal, msg: "the rule stays".to_owned(), details: String::new() };
    let mut failing = Watching { failure: Some(failure), ..Watching::default() };
    let error = add(&request(&network.conf, "new", None), &mut failing).unwrap_err();
    assert_eq!(
        error.details,
        "1 of 1 addresses are reserved, what pods/old/eth0 left can't be removed: the rule stays"
    );
    assert_eq!(failing.reaped.first(), Some(&("pods/old/eth0".to_owned(), vec![address])));
    assert_eq!(network.held()["10.1.0.2"], "old\r\neth0");
    let held = vec![(network.file("10.1.0.2"), None)];
    let mut watching = Watching { held, ..Watching::default() };
    let lease = add(&request(&network.conf, "new", None), &mut watching).unwrap();
    assert_eq!(lease.success.ips[0].address.ip(), address);
    assert_eq!(watching.reaped, [("pods/old/eth0".to_owned(), vec![address])]);
    assert_eq!(watching.held, [(network.file("10.1.0.2"), Some(true))]);
}

#[test]
fn on_an_older_kernel_the_missing_host_end_is_the_proof() {
    let node = Node::enter();
    let network = Network::of(&node, "10.1.0.0/30");
    let pod = node.pod("old");
    let mut veth = Watching { link: Some("veth0".parse().unwrap()), ..Watching::default() };
    let lease = add(&request(&network.conf, "old", Some(pod.path())), &mut veth).unwrap();
    edit(&network, without_handles);
    assert_eq!(message(&network.run("ADD", "next")).0, 11, "its ADD is still at work");
    node.exec(&["ip", "link", "add", "veth0", "type", "veth", "peer", "name", "eth0", "netns", "old"]);
    drop(lease);
    assert_eq!(message(&network.run("ADD", "next")).0, 11, "its link is there");
    let elsewhere = network.call("ADD", "next").through(&["unshare", "--net"]).run();
    assert_eq!(message(&elsewhere).0, 11, "links of another network say nothing");
    node.exec(&["ip", "link", "delete", "veth0"]);
    assert_eq!(network.add("next"), "10.1.0.2");
}

#[test]
fn a_sweep_of_the_node_gives_back_what_the_dead_of_every_network_held() {
    let node = Node::enter();
    let (network, mut pods) = full(&node);
    let other = network.with("name", json!("other"));
    let pod = pods.remove(0);
    attach(&other, &pod, "");
    other.add("unknown");
    pod.remove();
    let mut watching = Watching::default();
    assert!(eventually(PATIENCE, || {
        release_dead(&mut watching).unwrap();
        other.held().len() == 1
    }));
    release_dead(&mut watching).unwrap();
    assert_eq!(network.held().len(), 4);
    assert_eq!(other.held().into_values().collect::<Vec<_>>(), ["unknown\r\neth0"]);
    watching.reaped.sort();
    let reaped: Vec<_> = watching.reaped.into_iter().map(|(attachment, _)| attachment).collect();
    assert_eq!(reaped, ["other/pod2/eth0", "pods/pod2/eth0"]);
}

#[test]
fn a_preview_changes_nothing_and_equals_what_add_then_gives() {
    let node = Node::enter();
    let network = Network::new(
        &node,
        &json!({
            "ranges": [[{"subnet": "10.1.0.0/29"}], [{"subnet": "2001:db8::/64"}]],
            "routes": [{"dst": "0.0.0.0/0"}],
        }),
    );
    let previewed = |container: &str| preview(&request(&network.conf, container, None));
    let mut last = previewed("first").unwrap();
    assert!(!network.directory().exists());
    for n in 0..5 {
        let request = request(&network.conf, &format!("c{n}"), None);
        last = preview(&request).unwrap();
        let before = (network.files_or_none(), network.records());
        assert_eq!(preview(&request).unwrap(), last);
        assert_eq!((network.files_or_none(), network.records()), before);
        assert_eq!(cni::Plugin::add(&HostLocal, &request).unwrap(), last);
        assert!(preview(&request).unwrap_err().msg.contains("duplicate allocation"));
    }
    assert_eq!(last.ips.len(), 2);
    assert!(previewed("next").unwrap_err().msg.contains("no IP addresses available"));
    fs::write(network.file("10.1.0.4"), "").unwrap();
    assert_eq!(previewed("next").unwrap().ips[0].address.to_string(), "10.1.0.4/29");
    assert_eq!(network.add("next"), "10.1.0.4");
}
