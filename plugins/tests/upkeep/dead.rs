//! Attachments that nobody ended by a DEL: `cni gc`, a later ADD and a later boot clear them away, and only them.

use std::fs;

use sandbox::{Node, Place, Pod, Snapshot};
use serde_json::json;

use crate::network::{Network, STATE, cni, holdings, records, standing, traces};

#[test]
fn cni_gc_clears_away_the_dead_of_every_network() {
    let node = Node::enter();
    let network = Network::new(&node, "net1");
    let other = Network::new(&node, "net2").elsewhere();
    let data = json!({ "type": "host-local", "subnet": "10.5.6.0/24", "dataDir": "/run/addresses" });
    let third = Network::new(&node, "net3").with(&json!({ "bridge": "cni2", "ipam": data }));
    let [alive, a, b, c] = ["alive", "a", "b", "c"].map(|name| node.pod(name));
    let result = network.add(&alive);
    network.add(&a);
    other.add(&b);
    third.add(&c);
    for (network, pod) in [(&network, a), (&other, b), (&third, c)] {
        network.kill(pod);
    }
    let said = cni(&node, &["gc"]);
    assert_eq!((said.code, said.stderr.as_str()), (0, ""));
    let mut lines: Vec<_> = said.stdout.lines().collect();
    lines.sort_unstable();
    assert_eq!(lines, ["removed net1/a/eth0", "removed net2/b/eth0", "removed net3/c/eth0"]);
    for name in ["a", "b", "c"] {
        assert_eq!(traces(&node, name), "");
    }
    assert!(!std::path::Path::new("/run/addresses/net3/10.5.6.2").exists());
    network.check(&alive, &result).succeeded();
    let healed = holdings(&node);
    assert_eq!(cni(&node, &["gc"]).stdout, "");
    assert_eq!(holdings(&node), healed);
}

#[test]
fn cni_gc_gives_back_addresses_of_the_dead_whose_records_are_lost() {
    let node = Node::enter();
    let network = Network::new(&node, "net1").with(&json!({ "ipMasq": false, "macspoofchk": false }));
    let [alive, dead] = ["alive", "dead"].map(|name| node.pod(name));
    network.add(&alive);
    fs::remove_dir_all(records()).expect("the records are there");
    let before = holdings(&node);
    network.add(&dead);
    network.kill(dead);
    fs::remove_dir_all(records()).expect("the records are there");
    assert_eq!(cni(&node, &["gc"]).code, 0);
    assert_eq!(holdings(&node), before);
}

#[test]
fn another_boots_records_are_proof_enough() {
    let node = Node::enter();
    let network = Network::new(&node, "net1").with_addresses_to(2);
    let before = Snapshot::take(&node).forgiving(&standing());
    let pod = node.pod("before");
    network.add(&pod);
    network.kill(pod);
    boot(&node);
    let next = node.pod("next");
    let result = network.add(&next);
    assert_eq!(result["ips"][0]["address"], "10.1.2.2/24");
    network.gc_but(&["next"]);
    assert_eq!(traces(&node, "before"), "");
    network.check(&next, &result).succeeded();
    network.del("next");
    before.assert_same(&Snapshot::take(&node));
}

/// What a boot does: it takes everything in the kernel, and leaves the files, which say that another boot made them.
fn boot(node: &Node) {
    node.sh(&format!(
        "boot=$(cat /proc/sys/kernel/random/boot_id); other=00000000-1111-2222-3333-444444444444
         ip link del cni0; nft flush ruleset
         find {STATE} -type f -exec sed -i \"s/boot $boot/boot $other/\" {{}} +
         mv {STATE}/attachments/$boot {STATE}/attachments/$other"
    ));
}

#[test]
fn an_address_of_the_dead_is_given_again_after_its_rules_are_gone() {
    let node = Node::enter();
    let network = Network::new(&node, "net1").with_addresses_to(5);
    let first = node.pod("alive");
    let alive = network.add(&first);
    for name in ["gone1", "gone2", "gone3"] {
        let pod = node.pod(name);
        network.add(&pod);
        network.kill(pod);
    }
    let mut living: Vec<Pod> = Vec::new();
    for name in ["n1", "n2", "n3"] {
        let pod = node.pod(name);
        let result = network.add(&pod);
        network.check(&pod, &result).succeeded();
        living.push(pod);
    }
    for name in ["gone1", "gone2", "gone3"] {
        assert_eq!(traces(&node, name), "");
    }
    let late = node.pod("late");
    let error = network.call(&late).command("ADD").run().error();
    assert_eq!(error["code"], 11);
    network.check(&first, &alive).succeeded();
    // A late DEL of the dead takes nothing of who has its address now.
    let before = holdings(&node);
    network.del("gone1");
    assert_eq!(holdings(&node), before);
}

/// Each ADD looks after a few others or none, but every one's turn comes.
#[test]
fn later_adds_clear_away_all_of_the_dead_among_many_living() {
    const MOST: usize = 200;
    let node = Node::enter();
    let network = Network::new(&node, "net1").with(&json!({ "ipMasq": false, "ipam": {} }));
    let pod = node.pod("living");
    let interfaces: Vec<_> = (0..34).map(|number| format!("eth{number}")).collect();
    for ifname in &interfaces {
        network.call(&pod).ifname(ifname).command("ADD").run().succeeded();
    }
    for number in 0..4 {
        let pod = node.pod(&format!("gone{number}"));
        network.add(&pod);
        network.kill(pod);
    }
    let next = node.pod("next");
    let left = || fs::read_dir(records()).map_or(0, Iterator::count) - interfaces.len();
    assert_eq!(left(), 4);
    let mut adds = 0;
    while left() > 0 {
        adds += 1;
        assert!(adds < MOST, "after {MOST} ADDs dead containers still have records");
        let call = network.call(&next).container(&format!("z{adds}"));
        call.clone().command("ADD").run().succeeded();
        call.command("DEL").run().succeeded();
    }
    let rules = node.exec(&["nft", "list", "ruleset"]).stdout;
    assert_eq!(rules.matches("/eth0").count(), 2, "{rules}");
    assert_eq!(rules.matches("net1/living/").count(), 2 * interfaces.len(), "{rules}");
}

/// A pod whose bridge has carrier still, and a pod that the node knows by all of its addresses.
#[test]
fn the_bridge_forgets_who_had_an_address() {
    let node = Node::enter();
    let network = Network::new(&node, "net1");
    let [stays, deleted, dead] = ["stays", "deleted", "dead"].map(|name| node.pod(name));
    network.add(&stays);
    for (pod, number) in [(&deleted, 3), (&dead, 4)] {
        network.add(pod);
        node.ping(format!("10.1.2.{number}"));
        node.ping(format!("fd01:2::{number}"));
        // The link's own.
        node.ping(format!("fe80::858:aff:fe01:20{number}%cni0"));
    }
    let known = |octet: u8| {
        let neighbours = node.exec(&["ip", "neigh", "show", "dev", "cni0"]).stdout;
        neighbours.matches(&format!("0a:58:0a:01:02:{octet:02x}")).count()
    };
    assert_eq!((known(3), known(4)), (3, 3));
    network.call(&deleted).command("DEL").run().succeeded();
    network.kill(dead);
    assert_eq!(cni(&node, &["gc"]).code, 0);
    assert_eq!((known(3), known(4)), (0, 0));
}
