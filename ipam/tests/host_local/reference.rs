//! Beside the reference, on the same directory: it knows nothing of our index.

use std::path::{Path, PathBuf};

use sandbox::Node;
use serde_json::json;

use crate::network::{Network, OURS, addresses, message};

/// The reference's newest host-local, and Debian's.
fn references() -> [PathBuf; 2] {
    let newest = std::env::var_os("TRESTLE_REFERENCE").unwrap_or_else(|| {
        panic!("TRESTLE_REFERENCE must name a directory with the reference plugins 1.9.1 (`make deps` brings them)")
    });
    let found = [Path::new(&newest).join("host-local"), PathBuf::from("/usr/lib/cni/host-local")];
    for program in &found {
        assert!(program.is_file(), "{} is absent: it is the reference to compare with", program.display());
    }
    found
}

fn networks(node: &Node, data_dir: &str) -> Network {
    let ranges =
        json!([[{"subnet": "10.7.0.0/24"}, {"subnet": "10.8.0.0/24"}], [{"subnet": "2001:db8:7::/64"}]]);
    let ipam =
        json!({"ranges": ranges, "dataDir": data_dir, "routes": [{"dst": "::/0", "gw": "2001:db8:7::1"}]});
    Network::new(node, &ipam).with("cniVersion", json!("1.0.0"))
}

#[test]
fn results_and_files_are_the_references_to_the_byte() {
    let node = Node::enter();
    let [newest, _] = references();
    let steps = [
        ("ADD", "c1", ""),
        ("ADD", "c2", "IP=10.7.0.200"),
        ("ADD", "c3", ""),
        ("DEL", "c1", ""),
        ("ADD", "c1", "IP=2001:DB8:7:0::F"),
        ("DEL", "c2", ""),
    ];
    let run = |plugin: &Path, data_dir: &str| {
        let network = networks(&node, data_dir).by(plugin);
        let answers: Vec<_> = steps
            .iter()
            .map(|(command, container, args)| {
                let reply = network.call(command, container).args(args).run();
                (reply.code, reply.stdout.clone())
            })
            .collect();
        (answers, network.files())
    };
    assert_eq!(run(Path::new(OURS), "/run/ours"), run(&newest, "/run/theirs"));
}

#[test]
fn refusals_are_in_the_references_words() {
    let node = Node::enter();
    let [newest, _] = references();
    let run = |plugin: &Path, data_dir: &str| {
        let network = networks(&node, data_dir).by(plugin);
        network.call("ADD", "c1").args("IP=10.7.0.9").run().succeeded();
        let small = networks(&node, data_dir).with("name", json!("small")).by(plugin);
        let small =
            small.with("ipam", json!({"type": "host-local", "dataDir": data_dir, "subnet": "10.9.0.0/30"}));
        small.run("ADD", "c1").succeeded();
        [
            network.run("ADD", "c1"),
            network.call("ADD", "c2").args("IP=10.7.0.9").run(),
            network.call("ADD", "c2").args("IP=10.7.0.1").run(),
            network.call("ADD", "c2").args("IP=10.6.0.1").run(),
            network.run("CHECK", "c2"),
            small.run("ADD", "c2"),
            small.with("ipam", json!({"type": "host-local"})).run("ADD", "c2"),
            small.with("ipam", json!({"subnet": "10.9.0.1/30"})).run("ADD", "c2"),
        ]
        .map(|reply| message(&reply).1)
    };
    assert_eq!(run(Path::new(OURS), "/run/ours"), run(&newest, "/run/theirs"));
}

#[test]
fn each_finds_and_releases_what_the_other_reserved() {
    let node = Node::enter();
    for reference in references() {
        let ours = networks(&node, "/run/shared");
        let theirs = ours.by(&reference);
        assert_eq!(ours.add("a"), "10.7.0.2");
        assert_eq!(theirs.add("b"), "10.7.0.3");
        assert_eq!(ours.add("c"), "10.7.0.4");
        for network in [&ours, &theirs] {
            for container in ["a", "b", "c"] {
                network.run("CHECK", container).succeeded();
            }
        }
        theirs.del("a");
        ours.del("b");
        assert_eq!(message(&ours.run("CHECK", "a")).0, 999);
        assert_eq!(ours.held().into_values().collect::<Vec<_>>(), ["c\r\neth0", "c\r\neth0"]);
        assert_eq!(theirs.add("b"), "10.7.0.5");
        assert!(message(&ours.run("ADD", "b")).1.contains("duplicate allocation"));
        theirs.del("c");
        theirs.del("b");
        ours.del("c");
        assert!(ours.held().is_empty());
        std::fs::remove_dir_all("/run/shared").unwrap();
    }
}

// P-013
#[test]
fn all_three_at_once_on_one_directory_neither_lose_nor_double_an_address() {
    let node = Node::enter();
    let [newest, debian] = references();
    let ours = networks(&node, "/run/shared");
    let plugins = [ours.by(OURS), ours.by(newest), ours.by(debian)];
    let by = |n: usize| &plugins[n % plugins.len()];
    for n in 0..30 {
        by(n).add(&format!("old{n}"));
    }
    let adds: Vec<_> = (0..36).map(|n| by(n).call("ADD", &format!("new{n}")).spawn()).collect();
    let dels: Vec<_> = (0..30).map(|n| by(n + 1).call("DEL", &format!("old{n}")).spawn()).collect();
    let mut given: Vec<_> = adds.into_iter().flat_map(|add| addresses(&add.wait())).collect();
    for del in dels {
        del.wait().succeeded();
    }
    given.sort();
    assert_eq!(given, ours.held().into_keys().collect::<Vec<_>>());
    for n in 0..36 {
        by(n + 2).del(&format!("new{n}"));
    }
    let left: Vec<_> = ours.files().into_keys().collect();
    assert_eq!(left, ["last_reserved_ip.0", "last_reserved_ip.1", "lock"]);
}

#[test]
fn a_live_container_of_the_references_keeps_its_address() {
    let node = Node::enter();
    let [newest, _] = references();
    let network = Network::of(&node, "10.1.0.0/29");
    let pods: Vec<_> = (0..4).map(|n| node.pod(&format!("pod{n}"))).collect();
    for pod in &pods {
        network.by(&newest).call("ADD", pod.name()).netns(pod).run().succeeded();
    }
    network.add("ours");
    let before = network.held();
    assert_eq!(message(&network.run("ADD", "next")).0, 11);
    assert_eq!(network.held(), before);
}
