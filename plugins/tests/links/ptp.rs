//! `ptp`.

use sandbox::{Allowed, Place, Snapshot};
use serde_json::{Value, json};

use crate::stage::{Stage, addresses, conf, link, msg};

// Upstream: "configures and deconfigures a dual-stack ptp link with ADD/DEL".
#[test]
fn the_host_end_has_the_gateways_address_and_every_packet_is_routed() {
    let stage = Stage::new();
    stage.life(&conf("ptp", &json!({ "mtu": 1400 })), |pod, result| {
        let host = result["interfaces"][0]["name"].as_str().expect("a name");
        assert!(host.starts_with("veth"), "{result}");
        assert_eq!(result["interfaces"][1]["name"], "eth0");
        assert_eq!(
            result["ips"][0],
            json!({ "interface": 1, "address": "10.1.2.2/24", "gateway": "10.1.2.1" })
        );
        assert_eq!(addresses(&stage.node, host), ["10.1.2.1/32", "fd01:2::1/128"]);
        assert_eq!(addresses(pod, "eth0"), ["10.1.2.2/24", "fd01:2::2/64"]);
        for (place, told) in [(&link(&stage.node, host), 0), (&link(pod, "eth0"), 1)] {
            assert_eq!(place["mtu"], 1400);
            assert_eq!(place["address"], result["interfaces"][told]["mac"]);
        }
        let routes = pod.sh("ip route; ip -6 route | grep -v fe80").stdout;
        for wanted in ["10.1.2.0/24 via 10.1.2.1 dev eth0", "10.1.2.1 dev eth0", "fd01:2::/64 via fd01:2::1"]
        {
            assert!(routes.contains(wanted), "{wanted} is missing:\n{routes}");
        }
        pod.ping("10.1.2.1");
        pod.ping("fd01:2::1");
    });
}

#[test]
fn two_containers_reach_each_other_by_the_node() {
    let stage = Stage::new();
    let (first, second) = (stage.node.pod("p1"), stage.node.pod("p2"));
    let conf = conf("ptp", &json!({}));
    stage.add(&first, &conf);
    stage.add(&second, &conf);
    first.ping("10.1.2.3");
    second.ping("fd01:2::2");
}

// Upstream: "configures and deconfigures a dual-stack ptp link + routes with ADD/DEL", "… when specifying ipMasqBackend:
// iptables": whichever is asked for, the rules are nftables'.
#[test]
fn a_machine_beyond_sees_the_nodes_address_where_that_is_asked_for() {
    let (stage, beyond) = Stage::with_router();
    let routes = json!([{ "dst": "0.0.0.0/0" }, { "dst": "::/0" }]);
    let ipam = json!({ "type": "host-local", "routes": routes,
        "ranges": [[{ "subnet": "10.7.2.0/24" }], [{ "subnet": "fd07:2::/64" }]] });
    let keys = json!({ "ipMasq": true, "ipMasqBackend": "iptables", "ipam": ipam });
    stage.life(&conf("ptp", &keys), |pod, _| {
        // The other machine has no route to the pods.
        pod.ping("192.0.2.1");
        pod.ping("2001:db8::1");
    });
    drop(beyond);
}

// B-34: the reference writes a route by way of nothing.
#[test]
fn a_gateway_that_ipam_leaves_open_is_the_networks_first_address() {
    let stage = Stage::new();
    let ipam = json!({ "type": "static", "addresses": [{ "address": "10.1.2.9/24" }] });
    stage.life(&conf("ptp", &json!({ "ipam": ipam })), |pod, result| {
        assert_eq!(result["ips"][0]["gateway"], "10.1.2.1");
        pod.ping("10.1.2.1");
    });
    let ipam = json!({ "type": "static", "addresses": [{ "address": "10.1.2.9/32" }] });
    let pod = stage.node.pod("p2");
    let error = stage.refused(&pod, &conf("ptp", &json!({ "ipam": ipam })));
    assert!(error["code"] == 7 && msg(&error).contains("10.1.2.9/32"), "{error}");
    assert_eq!(pod.links(), ["lo"]);
}

// Upstream: "does not override IPAM DNS settings if no DNS settings provided", "overrides … if any DNS settings provided", "…
// if any empty list DNS settings provided".
#[test]
fn dns_of_the_network_replaces_that_of_ipam() {
    let stage = Stage::new();
    let dns = json!({ "nameservers": ["192.0.2.53"], "domain": "example.org" });
    stage.node.write("/run/resolv.conf", "nameserver 192.0.2.99\n");
    let range = json!([[{ "subnet": "10.1.2.0/24" }]]);
    let ipam = json!({ "type": "host-local", "ranges": range, "resolvConf": "/run/resolv.conf" });
    let of_ipam = json!({ "nameservers": ["192.0.2.99"] });
    let pod = stage.node.pod("p1");
    for (written, wanted) in
        [(Value::Null, of_ipam), (dns.clone(), dns), (json!({ "nameservers": [] }), Value::Null)]
    {
        let conf = conf("ptp", &json!({ "ipam": ipam, "dns": written }));
        let result = stage.add(&pod, &conf);
        stage.del(&pod, &conf, &result);
        assert_eq!(result["dns"], wanted);
    }
}

// B-34: the reference keeps the address.
#[test]
fn an_add_that_can_not_switch_forwarding_on_says_so_and_leaves_nothing() {
    let stage = Stage::new();
    let pod = stage.node.pod("p1");
    // A node's settings are those of the machine that it is on.
    stage.node.sh("echo 0 > /proc/sys/net/ipv4/ip_forward");
    for (plugin, keys) in [("ptp", json!({})), ("bridge", json!({ "isGateway": true }))] {
        // The bridge is everybody's.
        let before = stage.before().forgiving(&[Allowed::Bridge("cni0")]);
        let settings = "/proc/sys/net/ipv4";
        stage.node.sh(&format!(
            "mount --bind {settings} {settings}; mount -o remount,bind,ro,nosuid,nodev,noexec {settings}"
        ));
        let error = stage.refused(&pod, &conf(plugin, &keys));
        stage.node.exec(&["umount", settings]);
        for word in ["net/ipv4/ip_forward", "Read-only"] {
            assert!(msg(&error).contains(word), "{plugin}: {error}");
        }
        assert_eq!(pod.links(), ["lo"], "{plugin}");
        before.assert_same(&Snapshot::take(&stage.node));
    }
}

#[test]
fn several_addresses_of_a_network_share_the_way_to_the_gateway() {
    let stage = Stage::new();
    let both = json!([
        { "address": "10.1.2.9/24", "gateway": "10.1.2.1" }, { "address": "10.1.2.10/24", "gateway": "10.1.2.1" },
        { "address": "fd01:2::9/64", "gateway": "fd01:2::1" }, { "address": "fd01:2::10/64", "gateway": "fd01:2::1" },
    ]);
    stage.life(&conf("ptp", &json!({ "ipam": { "type": "static", "addresses": both } })), |pod, _| {
        for address in ["10.1.2.9", "10.1.2.10", "fd01:2::9", "fd01:2::10"] {
            stage.node.ping(address);
        }
        pod.ping("10.1.2.1");
        pod.ping("fd01:2::1");
    });
}

#[test]
fn a_bad_value_is_named() {
    let stage = Stage::new();
    let pod = stage.node.pod("p1");
    for (keys, said) in [
        (json!({ "mtu": -1 }), "mtu: invalid value -1"),
        (json!({ "ipMasqBackend": "ipset" }), "ipset"),
        (json!({ "ipam": null }), "ipam"),
    ] {
        let error = stage.refused(&pod, &conf("ptp", &keys));
        assert!(error["code"] == 7 && msg(&error).contains(said), "{error}");
    }
}

#[test]
fn check_finds_what_is_missing() {
    let stage = Stage::new();
    let pod = stage.node.pod("p1");
    let conf = conf("ptp", &json!({}));
    let result = stage.add(&pod, &conf);
    let host = result["interfaces"][0]["name"].as_str().expect("a name").to_owned();
    stage.node.exec(&["ip", "route", "del", "10.1.2.2/32"]);
    let error = stage.check(&pod, &conf, &result).error();
    assert!(msg(&error).contains("10.1.2.2/32"), "{error}");
    stage.node.exec(&["ip", "route", "add", "10.1.2.2/32", "dev", &host, "scope", "host"]);
    stage.check(&pod, &conf, &result).succeeded();
}
