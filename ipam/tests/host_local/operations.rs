//! ADD, DEL and CHECK: what the reference's own tests ask for.

use std::fs;

use sandbox::Node;
use serde_json::{Value, json};

use crate::network::{Network, addresses, message};

fn dual(node: &Node) -> Network {
    node.write(
        "/run/resolv.conf",
        "nameserver 192.0.2.3\ndomain example.com\nsearch example.com example.net\noptions ndots:2\n",
    );
    Network::new(
        node,
        &json!({
            "ranges": [
                [{"subnet": "10.1.2.0/24"}, {"subnet": "10.2.2.0/24"}],
                [{"subnet": "2001:db8:1::0/64"}],
            ],
            "routes": [{"dst": "0.0.0.0/0"}, {"dst": "::/0"}, {"dst": "192.168.0.0/16", "gw": "1.1.1.1"}],
            "resolvConf": "/run/resolv.conf",
        }),
    )
}

const VERSIONS: [&str; 7] = ["0.1.0", "0.2.0", "0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0"];

fn expected(version: &str, index: usize) -> Value {
    let (v4, v6) = (format!("10.1.2.{}/24", index + 2), format!("2001:db8:1::{:x}/64", index + 2));
    let dns = json!({
        "nameservers": ["192.0.2.3"], "domain": "example.com", "search": ["example.com", "example.net"],
        "options": ["ndots:2"],
    });
    if version < "0.3.0" {
        let routes4 = json!([{"dst": "0.0.0.0/0"}, {"dst": "192.168.0.0/16", "gw": "1.1.1.1"}]);
        return json!({
            "cniVersion": version,
            "ip4": {"ip": v4, "gateway": "10.1.2.1", "routes": routes4},
            "ip6": {"ip": v6, "gateway": "2001:db8:1::1", "routes": [{"dst": "::/0"}]},
            "dns": dns,
        });
    }
    let mut ips = json!([
        {"address": v4, "gateway": "10.1.2.1"}, {"address": v6, "gateway": "2001:db8:1::1"}
    ]);
    if version < "1.0.0" {
        ips[0]["version"] = "4".into();
        ips[1]["version"] = "6".into();
    }
    json!({
        "cniVersion": version, "ips": ips, "dns": dns,
        "routes": [{"dst": "0.0.0.0/0"}, {"dst": "::/0"}, {"dst": "192.168.0.0/16", "gw": "1.1.1.1"}],
    })
}

// P-052, P-070, P-075
#[test]
fn add_and_del_reserve_and_release_addresses_in_every_version() {
    let node = Node::enter();
    let network = dual(&node);
    for (index, version) in VERSIONS.iter().enumerate() {
        let network = network.with("cniVersion", json!(version));
        assert_eq!(network.run("ADD", "dummy").result(), expected(version, index));
        let (v4, v6) = (format!("10.1.2.{}", index + 2), format!("2001:db8:1::{:x}", index + 2));
        let files = network.files();
        for (file, text) in [
            (&v4, "dummy\r\neth0"),
            (&v6, "dummy\r\neth0"),
            (&"last_reserved_ip.0".to_owned(), &v4),
            (&"last_reserved_ip.1".to_owned(), &v6),
        ] {
            assert_eq!(files[file], (0o600, text.to_owned()), "{file}");
        }
        assert_eq!(files["lock"], (0o750, String::new()));
        if *version >= "0.4.0" {
            network.run("CHECK", "dummy").succeeded();
        }
        network.del("dummy");
        assert!(network.held().is_empty() && network.records().is_empty());
    }
}

#[test]
fn interfaces_of_one_container_have_addresses_of_their_own() {
    let node = Node::enter();
    let network = dual(&node);
    let on = |command, ifname| network.call(command, "dummy").ifname(ifname).run();
    assert_eq!(addresses(&on("ADD", "eth0")), ["10.1.2.2", "2001:db8:1::2"]);
    assert_eq!(addresses(&on("ADD", "eth1")), ["10.1.2.3", "2001:db8:1::3"]);
    on("DEL", "eth0").succeeded();
    let left: Vec<_> = network.held().into_iter().collect();
    let held = |address: &str| (address.to_owned(), "dummy\r\neth1".to_owned());
    assert_eq!(left, [held("10.1.2.3"), held("2001:db8:1::3")]);
    assert_eq!(on("CHECK", "eth0").code, 1);
    on("CHECK", "eth1").succeeded();
    on("DEL", "eth1").succeeded();
    assert!(network.held().is_empty());
}

#[test]
fn a_repeated_add_of_an_attachment_is_refused_and_takes_nothing_from_it() {
    let node = Node::enter();
    let network = dual(&node);
    network.add("dummy");
    let before = (network.held(), network.records());
    assert_eq!(
        message(&network.run("ADD", "dummy")),
        (999, "failed to allocate for range 0: 10.1.2.2 has been allocated to dummy, duplicate allocation is not allowed".to_owned())
    );
    assert_eq!((network.held(), network.records()), before);
    network.del("dummy");
    assert!(network.held().is_empty());
}

// P-042
#[test]
fn del_of_an_unknown_container_succeeds_and_makes_nothing() {
    let node = Node::enter();
    let network = dual(&node);
    network.del("never");
    assert!(!network.directory().exists());
    network.add("dummy");
    let before = (network.files(), network.records());
    network.del("never");
    network.call("DEL", "dummy").ifname("eth9").run().succeeded();
    assert_eq!((network.files(), network.records()), before);
    network.del("dummy");
    network.del("dummy");
}

#[test]
fn del_takes_what_an_old_version_left_that_names_its_container_only() {
    let node = Node::enter();
    let network = dual(&node);
    fs::create_dir_all(network.directory()).unwrap();
    fs::write(network.file("10.1.2.9"), "dummy").unwrap();
    fs::write(network.file("10.1.2.10"), "dummy2").unwrap();
    network.with("cniVersion", json!("1.0.0")).run("CHECK", "dummy").succeeded();
    network.del("dummy");
    assert_eq!(network.held().into_keys().collect::<Vec<_>>(), ["10.1.2.10"]);
}

#[test]
fn an_old_file_counts_against_a_repeated_add() {
    let node = Node::enter();
    let network = dual(&node);
    fs::create_dir_all(network.directory()).unwrap();
    fs::write(network.file("10.1.2.9"), "dummy").unwrap();
    let (_, text) = message(&network.run("ADD", "dummy"));
    assert!(text.contains("10.1.2.9 has been allocated to dummy"), "{text}");
}

#[test]
fn white_space_in_files_is_ignored() {
    let node = Node::enter();
    let network = dual(&node);
    let address = network.add("dummy");
    fs::write(network.file(&address), "  dummy\r\neth0\r\n\n").unwrap();
    network.run("CHECK", "dummy").succeeded();
    network.del("dummy");
    assert!(network.held().is_empty());
}

#[test]
fn the_first_add_of_a_network_says_nothing_on_stderr() {
    let node = Node::enter();
    let reply = dual(&node).run("ADD", "dummy");
    reply.succeeded();
    assert_eq!(reply.stderr, "");
}

// P-060, P-061, P-062
#[test]
fn requested_addresses_are_given_from_their_sets() {
    let node = Node::enter();
    let network = dual(&node);
    let by_args = network.call("ADD", "a").args("IP=10.1.2.88;IgnoreUnknown=1;FOO=BAR").run();
    assert_eq!(addresses(&by_args), ["10.1.2.88", "2001:db8:1::2"]);
    assert!(network.files()["last_reserved_ip.0"].1 == "10.1.2.88");
    let by_config = network.with("args", json!({"cni": {"ips": ["10.2.2.77/24", "2001:db8:1::999"]}}));
    assert_eq!(addresses(&by_config.run("ADD", "b")), ["10.2.2.77", "2001:db8:1::999"]);
    let by_runtime = network.with("runtimeConfig", json!({"ips": ["2001:db8:1::77/64", "2001:db8:1::77"]}));
    assert_eq!(addresses(&by_runtime.run("ADD", "c"))[1], "2001:db8:1::77");
}

#[test]
fn a_requested_address_that_no_set_has_fails_the_add_and_leaves_nothing() {
    let node = Node::enter();
    let network = dual(&node);
    let asking = network.with("args", json!({"cni": {"ips": ["10.1.2.88", "10.1.2.77", "10.3.3.3"]}}));
    let failed = message(&asking.run("ADD", "dummy"));
    assert_eq!(failed, (7, "failed to allocate all requested IPs: 10.1.2.77 10.3.3.3".to_owned()));
    assert!(network.held().is_empty() && network.records().is_empty());
}

#[test]
fn a_requested_address_that_another_has_fails_the_add_and_stays_the_others() {
    let node = Node::enter();
    let network = dual(&node);
    network.call("ADD", "first").args("IP=10.1.2.88").run().succeeded();
    let second = network.call("ADD", "second").args("IP=10.1.2.88").run();
    let text = "failed to allocate for range 0: requested IP address 10.1.2.88 is not available in range set \
                10.1.2.1-10.1.2.254,10.2.2.1-10.2.2.254";
    assert_eq!(message(&second), (11, text.to_owned()));
    assert_eq!(network.held()["10.1.2.88"], "first\r\neth0");
}

#[test]
fn a_set_that_fails_gives_back_the_addresses_of_the_sets_before_it() {
    let node = Node::enter();
    let network =
        Network::new(&node, &json!({"ranges": [[{"subnet": "10.1.2.0/24"}], [{"subnet": "10.9.0.0/30"}]]}));
    network.add("first");
    let failed = message(&network.run("ADD", "second"));
    assert_eq!(
        failed,
        (
            11,
            "failed to allocate for range 1: no IP addresses available in range set: 10.9.0.1-10.9.0.2"
                .to_owned()
        )
    );
    assert_eq!(network.held().into_values().collect::<Vec<_>>(), ["first\r\neth0", "first\r\neth0"]);
    assert_eq!(network.records().len(), 1);
}

// P-042
#[test]
fn del_needs_the_names_and_the_data_directory_and_nothing_else() {
    let node = Node::enter();
    let network = Network::new(&node, &json!({"dataDir": "/run/addresses"}));
    let adding =
        network.with("runtimeConfig", json!({"ipRanges": [[{"Subnet": "10.5.0.0/24", "Gateway": ""}]]}));
    adding.add("a");
    adding.add("b");
    network.del("a");
    let broken = network.with("ipam", json!({"dataDir": "/run/addresses", "ranges": "all", "routes": 5}));
    broken.call("DEL", "b").args("a=b=c").env("CNI_NETNS", "").run().succeeded();
    assert!(network.held().is_empty());
}

// P-044
#[test]
fn check_misses_the_address_of_a_container_that_has_none() {
    let node = Node::enter();
    let network = dual(&node);
    let missing = (999, "host-local: Failed to find address added by container dummy".to_owned());
    assert_eq!(message(&network.run("CHECK", "dummy")), missing);
    assert!(!network.directory().exists());
    let address = network.add("dummy");
    network.run("CHECK", "dummy").succeeded();
    fs::write(network.file(&address), "other\r\neth0").unwrap();
    fs::write(network.file("2001:db8:1::2"), "other\r\neth0").unwrap();
    assert_eq!(message(&network.run("CHECK", "dummy")), missing);
}

// P-013
#[test]
fn many_adds_and_dels_at_once_neither_lose_nor_double_an_address() {
    let node = Node::enter();
    let network = Network::of(&node, "10.1.0.0/24");
    for name in 0..32 {
        network.add(&format!("old{name}"));
    }
    let adds: Vec<_> = (0..32).map(|n| network.call("ADD", &format!("new{n}")).spawn()).collect();
    let dels: Vec<_> = (0..32).map(|n| network.call("DEL", &format!("old{n}")).spawn()).collect();
    let mut given: Vec<_> = adds.into_iter().map(|add| addresses(&add.wait()).remove(0)).collect();
    for del in dels {
        del.wait().succeeded();
    }
    given.sort();
    let mut held: Vec<_> = network.held().into_keys().collect();
    held.sort();
    assert_eq!(given, held);
    assert_eq!(network.records().len(), 32);
}
