//! What an attachment looks like on the kernel: its link, MACs, addresses, port, and the keys that shape them.

use sandbox::Place;
use serde_json::{Value, json};

use crate::network::{BRIDGE, Families, addresses, layer2, newest, with};
use crate::stage::{Stage, global_addresses, host_end, setting, shown};

#[test]
fn the_result_names_what_the_kernel_has() {
    let stage = Stage::new();
    let pod = stage.node.pod("p1");
    let result = stage.add(&pod, &newest(Families::Dual));
    let [bridge, host, inner] = [0, 1, 2].map(|index| &result["interfaces"][index]);
    let inside = shown(&pod, &["ip", "-j", "-d", "link", "show", "dev", "eth0"])[0].clone();
    // P-070
    for (told, seen) in [(bridge, &stage.link(BRIDGE)), (host, &stage.host_end(&result)), (inner, &inside)] {
        assert_eq!(
            [&told["name"], &told["mac"], &told["mtu"]],
            [&seen["ifname"], &seen["address"], &seen["mtu"]]
        );
    }
    assert_eq!([&bridge["sandbox"], &host["sandbox"]], [&Value::Null; 2]);
    assert_eq!(inner["sandbox"], pod.path());
    assert!(host_end(&result).starts_with("veth"));
    assert_eq!(stage.host_end(&result)["master"], BRIDGE);
    assert_eq!(inside["linkinfo"]["info_kind"], "veth");
    assert_eq!(
        result["ips"],
        json!([
            { "interface": 2, "address": "10.1.2.2/24", "gateway": "10.1.2.1" },
            { "interface": 2, "address": "fd01:2::2/64", "gateway": "fd01:2::1" },
        ])
    );
    assert_eq!(global_addresses(&pod, "eth0"), ["10.1.2.2/24", "fd01:2::2/64"]);
    assert_eq!(stage.bridge_addresses(), ["10.1.2.1/24", "fd01:2::1/64"]);
}

#[test]
fn an_address_can_be_used_as_soon_as_add_returns() {
    let stage = Stage::new();
    let pod = stage.node.pod("p1");
    stage.add(&pod, &newest(Families::Dual));
    let addresses = pod.exec(&["ip", "addr", "show", "dev", "eth0", "scope", "global"]).stdout;
    assert!(!addresses.contains("tentative"), "{addresses}");
}

#[test]
fn a_container_without_ipv6_gets_it_with_its_address() {
    let stage = Stage::new();
    let pod = stage.node.pod("p1");
    pod.sh("for link in all default lo; do echo 1 >/proc/sys/net/ipv6/conf/$link/disable_ipv6; done");
    let result = stage.add(&pod, &newest(Families::Dual));
    assert_eq!(global_addresses(&pod, "eth0").len(), 2, "{result}");
    for (path, value) in
        [("lo/disable_ipv6", "0"), ("eth0/disable_ipv6", "0"), ("eth0/keep_addr_on_down", "1")]
    {
        assert_eq!(setting(&pod, &format!("ipv6/conf/{path}")), value, "{path}");
    }
    pod.ping("fd01:2::1");
}

#[test]
fn enabledad_lets_the_kernel_ask_for_duplicates() {
    let stage = Stage::new();
    let pod = stage.node.pod("p1");
    let conf = with(&newest(Families::Dual), &json!({ "enabledad": true }));
    let result = stage.add(&pod, &conf);
    for name in ["enhanced_dad", "accept_dad"] {
        assert_eq!(setting(&pod, &format!("ipv6/conf/eth0/{name}")), "1", "{name}");
    }
    let addresses = pod.exec(&["ip", "addr", "show", "dev", "eth0", "scope", "global"]).stdout;
    assert!(!addresses.contains("tentative") && !addresses.contains("nodad"), "{addresses}");
    stage.check(&pod, &conf, &result).succeeded();
    pod.ping("fd01:2::1");
}

#[test]
fn enabledad_refuses_an_address_that_somebody_has() {
    let stage = Stage::new();
    let (first, second) = (stage.node.pod("p1"), stage.node.pod("p2"));
    let conf = with(&newest(Families::V6), &json!({ "enabledad": true }));
    stage.add(&first, &conf);
    first.sh("ip addr add fd01:2::3/64 dev eth0 nodad");
    let error = stage.refused(&second, &conf);
    assert!(error["msg"].as_str().is_some_and(|msg| msg.contains("fd01:2::3")), "{error}");
    assert_eq!(second.links(), ["lo"]);
}

#[test]
fn mtu_is_both_ends_and_a_new_bridges() {
    let stage = Stage::new();
    let pod = stage.node.pod("p1");
    let result = stage.add(&pod, &with(&newest(Families::V4), &json!({ "mtu": 1380 })));
    let inner = &shown(&pod, &["ip", "-j", "link", "show", "dev", "eth0"])[0]["mtu"];
    let seen = [&stage.link(BRIDGE)["mtu"], &stage.host_end(&result)["mtu"], inner].map(Value::as_u64);
    assert_eq!(seen, [Some(1380); 3]);
    assert_eq!([0, 1, 2].map(|index| result["interfaces"][index]["mtu"].as_u64()), [Some(1380); 3]);
}

/// The flag of a port that the kernel shows.
fn port_flag(keys: &Value, flag: &str) -> Value {
    let stage = Stage::new();
    let pod = stage.node.pod("p1");
    let conf = with(&newest(Families::V4), keys);
    let result = stage.add(&pod, &conf);
    stage.check(&pod, &conf, &result).succeeded();
    stage.host_end(&result)["linkinfo"]["info_slave_data"][flag].clone()
}

#[test]
fn hairpin_mode_is_the_ports() {
    assert_eq!(port_flag(&json!({ "hairpinMode": true }), "hairpin"), true);
    assert_eq!(port_flag(&json!({ "hairpinMode": false }), "hairpin"), false);
}

// Upstream: "when port-isolation is off/on, should set the veth peer on node with isolation off/on".
#[test]
fn port_isolation_is_the_ports() {
    assert_eq!(port_flag(&json!({ "portIsolation": true }), "isolated"), true);
    assert_eq!(port_flag(&json!({}), "isolated"), false);
}

#[test]
fn isolated_containers_reach_the_gateway_and_not_each_other() {
    let stage = Stage::new();
    let (first, second) = (stage.node.pod("p1"), stage.node.pod("p2"));
    let conf = with(&newest(Families::V4), &json!({ "portIsolation": true }));
    stage.add(&first, &conf);
    let other = addresses(&stage.add(&second, &conf)).remove(0);
    first.ping("10.1.2.1");
    second.ping("10.1.2.1");
    assert!(!first.reaches(other));
}

// Upstream: "should set the container veth peer state down".
#[test]
fn a_disabled_container_interface_is_down() {
    let stage = Stage::new();
    let pod = stage.node.pod("p1");
    let conf = with(&layer2("1.1.0"), &json!({ "disableContainerInterface": true }));
    let result = stage.add(&pod, &conf);
    assert!(pod.exec(&["ip", "link", "show", "eth0"]).stdout.contains("state DOWN"));
    stage.check(&pod, &conf, &result).succeeded();
}

#[test]
fn the_mac_comes_from_three_places_the_nearest_first() {
    let stage = Stage::new();
    let [arguments, args, runtime] = ["02:00:00:00:00:01", "02:00:00:00:00:02", "02:00:00:00:00:03"];
    let in_args = json!({ "args": { "cni": { "mac": args } } });
    // Go's decoder takes this spelling; upstream's own tests send it.
    let in_runtime = json!({ "RuntimeConfig": { "mac": runtime } });
    for (pod, places, wanted) in [
        ("p1", vec![], arguments),
        ("p2", vec![&in_args], args),
        ("p3", vec![&in_args, &in_runtime], runtime),
    ] {
        let pod = stage.node.pod(pod);
        let conf = places.into_iter().fold(newest(Families::V4), |conf, keys| with(&conf, keys));
        let call = stage.call(&pod, &conf).args(&format!("IgnoreUnknown=1;MAC={arguments};K8S_POD_NAME=web"));
        let result = call.command("ADD").run().result();
        let seen = shown(&pod, &["ip", "-j", "link", "show", "dev", "eth0"])[0]["address"].clone();
        assert_eq!([&seen, &result["interfaces"][2]["mac"]], [wanted; 2]);
        stage.check(&pod, &conf, &result).succeeded();
    }
}

// Without a wish, who gets an address again has the MAC that neighbours know.
#[test]
fn a_mac_follows_from_the_ipv4_address() {
    let stage = Stage::new();
    let pod = stage.node.pod("p1");
    let result = stage.add(&pod, &newest(Families::Dual));
    assert_eq!(result["interfaces"][2]["mac"], "0a:58:0a:01:02:02");
}

#[test]
fn static_addresses_come_from_three_places() {
    let stage = Stage::new();
    for (pod, keys, arguments, wanted) in [
        ("p1", json!({}), "IgnoreUnknown=1;IP=10.1.2.71", ["10.1.2.71", "fd01:2::2"]),
        ("p2", json!({ "args": { "cni": { "ips": ["10.1.2.72"] } } }), "", ["10.1.2.72", "fd01:2::3"]),
        (
            "p3",
            json!({ "runtimeConfig": { "ips": ["10.1.2.73/24", "fd01:2::73/64"] } }),
            "",
            ["10.1.2.73", "fd01:2::73"],
        ),
    ] {
        let pod = stage.node.pod(pod);
        let conf = with(&newest(Families::Dual), &keys);
        let result = stage.call(&pod, &conf).args(arguments).command("ADD").run().result();
        assert_eq!(addresses(&result), wanted);
        for gateway in Families::Dual.gateways() {
            pod.ping(gateway);
        }
    }
}

#[test]
fn dns_of_the_network_replaces_that_of_ipam() {
    let stage = Stage::new();
    stage.node.write("/run/resolv.conf", "nameserver 192.0.2.53\nsearch example.org\n");
    let conf = with(&newest(Families::V4), &json!({ "ipam": { "resolvConf": "/run/resolv.conf" } }));
    let (first, second) = (stage.node.pod("p1"), stage.node.pod("p2"));
    let result = stage.add(&first, &conf);
    assert_eq!(result["dns"], json!({ "nameservers": ["192.0.2.53"], "search": ["example.org"] }));
    let result = stage.add(&second, &with(&conf, &json!({ "dns": { "domain": "cluster.local" } })));
    assert_eq!(result["dns"], json!({ "domain": "cluster.local" }));
}
