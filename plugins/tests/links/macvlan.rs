//! `macvlan`.

use sandbox::{PATIENCE, Place, Snapshot, eventually};
use serde_json::json;

use crate::stage::{Stage, addresses, conf, link, msg, v4, with};

// Upstream: "configures and deconfigures a macvlan link with ADD/DEL", "… a l2 macvlan link with ADD/DEL".
#[test]
fn a_container_has_a_mac_of_its_own_on_the_masters_network() {
    let (stage, router) = Stage::with_router();
    stage.life(&conf("macvlan", &json!({ "master": "up0", "mtu": 1400 })), |pod, result| {
        let inside = link(pod, "eth0");
        assert_eq!(inside["linkinfo"]["info_kind"], "macvlan");
        assert_eq!(inside["linkinfo"]["info_data"]["mode"], "bridge");
        assert_eq!([&inside["mtu"], &inside["address"]], [&json!(1400), &result["interfaces"][0]["mac"]]);
        assert_eq!(result["interfaces"][0]["sandbox"], pod.path());
        assert_eq!(result["ips"][0]["interface"], 0);
        assert_eq!(addresses(pod, "eth0"), ["10.1.2.2/24", "fd01:2::2/64"]);
        pod.ping("10.1.2.200");
        pod.ping("fd01:2::200");
    });
    drop(router);
}

#[test]
fn the_machine_beyond_hears_of_a_new_address() {
    let (stage, router) = Stage::with_router();
    router.sh("ip neigh add 10.1.2.2 lladdr 02:00:00:00:00:99 dev eth0 nud stale
               ip neigh add fd01:2::2 lladdr 02:00:00:00:00:99 dev eth0 nud stale");
    let pod = stage.node.pod("p1");
    let result = stage.add(&pod, &conf("macvlan", &json!({ "master": "up0" })));
    let mac = result["interfaces"][0]["mac"].as_str().expect("a MAC");
    let heard = || router.sh("ip neigh show dev eth0").stdout.matches(mac).count() >= 2;
    assert!(eventually(PATIENCE, heard), "{}", router.sh("ip neigh show dev eth0").stdout);
}

#[test]
fn an_ipv6_address_that_somebody_has_is_refused() {
    let (stage, router) = Stage::with_router();
    router.exec(&["ip", "addr", "add", "fd01:2::2/64", "dev", "eth0", "nodad"]);
    let pod = stage.node.pod("p1");
    let before = stage.before();
    let error = stage.refused(&pod, &conf("macvlan", &json!({ "master": "up0" })));
    assert!(msg(&error).contains("fd01:2::2"), "{error}");
    assert_eq!(pod.links(), ["lo"]);
    before.assert_same(&Snapshot::take(&stage.node));
}

// Upstream: "uses default route interface as master", also IPv6's alone.
#[test]
fn the_default_routes_link_is_the_master_where_none_is_given() {
    for route in ["ip route add default via 192.0.2.1", "ip -6 route add default via 2001:db8::1"] {
        let (stage, _router) = Stage::with_router();
        stage.node.sh(&format!("{route}; ip link set up0 mtu 1400"));
        stage.life(&conf("macvlan", &json!({ "ipam": null })), |pod, result| {
            let inside = link(pod, "eth0");
            assert!(inside["link_index"] == link(&stage.node, "up0")["ifindex"]);
            // The master's, where none is given.
            assert_eq!([&inside["mtu"], &result["interfaces"][0]["mtu"]], [1400; 2]);
        });
    }
    let stage = Stage::new();
    let error = stage.refused(&stage.node.pod("p1"), &conf("macvlan", &json!({})));
    assert!(error["code"] == 7 && msg(&error).contains("master"), "{error}");
}

#[test]
fn every_mode_is_the_links() {
    let (stage, _router) = Stage::with_router();
    let own = link(&stage.node, "up0")["address"].clone();
    for mode in ["bridge", "private", "vepa", "passthru"] {
        let keys = json!({ "master": "up0", "mode": mode, "bcqueuelen": 500, "ipam": null });
        stage.life(&conf("macvlan", &keys), |pod, result| {
            let data = &link(pod, "eth0")["linkinfo"]["info_data"];
            assert_eq!([&data["mode"], &data["bcqueuelen"]], [&json!(mode), &json!(500)]);
            // One that passes all through has the master's MAC, and leaves it alone.
            assert_eq!(result["interfaces"][0]["mac"] == own, mode == "passthru", "{result}");
        });
        assert_eq!(link(&stage.node, "up0")["address"], own);
    }
}

// Upstream: "configures and deconfigures link with CNI_ARGS / runtimeConfig mac".
#[test]
fn the_mac_comes_from_three_places_the_nearest_first() {
    let (stage, _router) = Stage::with_router();
    let [written, arguments, runtime] = ["02:00:00:00:00:01", "02:00:00:00:00:02", "02:00:00:00:00:03"];
    let conf = conf("macvlan", &json!({ "master": "up0", "mac": written, "ipam": null }));
    for (pod, args, keys, wanted) in [
        ("p1", "IgnoreUnknown=1", json!({}), written),
        ("p2", "IgnoreUnknown=1;MAC=02:00:00:00:00:02", json!({}), arguments),
        (
            "p3",
            "IgnoreUnknown=1;MAC=02:00:00:00:00:02",
            json!({ "runtimeConfig": { "mac": runtime } }),
            runtime,
        ),
    ] {
        let pod = stage.node.pod(pod);
        let result = stage.call(&pod, &with(&conf, &keys)).args(args).command("ADD").run().result();
        assert_eq!([&result["interfaces"][0]["mac"], &link(&pod, "eth0")["address"]], [wanted; 2]);
    }
}

#[test]
fn the_master_may_be_the_containers() {
    let stage = Stage::new();
    let pod = stage.node.pod("p1");
    pod.sh("ip link add m0 type veth peer name m1; ip link set m0 up; ip link set m1 up");
    // By its name, and as the link of the container's default route; the node has one of that name and that route, too.
    stage.node.sh("ip link add m0 type veth peer name m1; ip link set m0 up; ip addr add 192.0.2.2/24 dev m0
                   ip route add default via 192.0.2.1");
    let conf = conf("macvlan", &json!({ "linkInContainer": true, "ipam": null }));
    let error = stage.refused(&pod, &conf);
    assert!(error["code"] == 7 && msg(&error).contains("default route"), "{error}");
    pod.sh("ip addr add 198.51.100.2/24 dev m0; ip route add default via 198.51.100.1");
    for keys in [json!({ "master": "m0" }), json!({})] {
        let conf = with(&conf, &keys);
        let result = stage.add(&pod, &conf);
        assert_eq!(link(&pod, "eth0")["link"], "m0");
        // It stands where the default route has moved on.
        pod.sh("ip route del default");
        stage.check(&pod, &conf, &result).succeeded();
        pod.sh("ip route add default via 198.51.100.1");
        stage.del(&pod, &conf, &result);
        assert_eq!(pod.links(), ["lo", "m0", "m1"]);
    }
}

// Upstream: "fails when an invalid mtu is provided", "… mode", "… master".
#[test]
fn a_bad_value_is_named() {
    let (stage, _router) = Stage::with_router();
    let pod = stage.node.pod("p1");
    for (keys, said) in [
        (json!({ "mtu": 1600 }), "invalid MTU 1600, must be [0, master MTU(1500)]"),
        (json!({ "mtu": -1 }), "mtu: invalid value -1"),
        (json!({ "mode": "hub" }), "hub"),
        (json!({ "master": "none0" }), "none0"),
        (json!({ "mac": "no" }), "mac"),
        (json!({ "bcqueuelen": -1 }), "bcqueuelen"),
    ] {
        let error = stage.refused(&pod, &with(&conf("macvlan", &json!({ "master": "up0" })), &keys));
        assert!(msg(&error).contains(said), "{error}");
    }
    assert_eq!(pod.links(), ["lo"]);
}

#[test]
fn del_needs_neither_namespace_nor_master_and_late_ones_take_nothing_of_another() {
    let (stage, router) = Stage::with_router();
    let conf = v4("macvlan", &json!({ "master": "up0" }));
    let before = stage.before();
    let pod = stage.node.pod("p1");
    let result = stage.add(&pod, &conf);
    // Another container of the same path since.
    pod.remove();
    let next = stage.node.pod("p1");
    stage.call(&next, &conf).container("next").command("ADD").run().succeeded();
    stage.del(&next, &conf, &result);
    assert_eq!(next.links(), ["eth0", "lo"]);
    stage.call(&next, &conf).container("next").command("DEL").run().succeeded();
    before.assert_same(&Snapshot::take(&stage.node));
    stage.call(&next, &conf).container("next").command("ADD").run().succeeded();
    drop(router);
    stage.node.try_exec(&["ip", "link", "del", "up0"]);
    stage.call(&next, &conf).container("next").command("DEL").run().succeeded();
    assert_eq!(next.links(), ["lo"]);
}

#[test]
fn check_finds_another_mode_and_another_mac() {
    let (stage, _router) = Stage::with_router();
    let pod = stage.node.pod("p1");
    let written = conf("macvlan", &json!({ "master": "up0", "ipam": null }));
    let result = stage.add(&pod, &written);
    let other = stage.check(&pod, &with(&written, &json!({ "mode": "vepa" })), &result).error();
    assert!(msg(&other).contains("mode"), "{other}");
    pod.exec(&["ip", "link", "set", "eth0", "address", "02:00:00:00:00:09"]);
    let other = stage.check(&pod, &written, &result).error();
    assert!(msg(&other).contains("02:00:00:00:00:09"), "{other}");
    pod.exec(&["ip", "link", "del", "eth0"]);
    assert!(msg(&stage.check(&pod, &written, &result).error()).contains("missing"));
}

/// A kernel before 6.15 looks for the name on the host, too, where it is most often the master's own.
#[test]
fn the_host_may_have_a_link_of_the_containers_name() {
    let (stage, _router) = Stage::with_router();
    stage.node.sh("ip link set up0 down; ip link set up0 name eth0; ip link set eth0 up");
    stage.life(&v4("macvlan", &json!({ "master": "eth0" })), |pod, _| {
        assert_eq!(addresses(pod, "eth0"), ["10.1.2.2/24"]);
    });
}
