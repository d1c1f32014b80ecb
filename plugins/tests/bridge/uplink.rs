//! A bridge that reaches beyond the node, and a node that learns its own default route from a router.

use sandbox::{PATIENCE, Place, Router, Uplink, eventually};
use serde_json::json;

use crate::network::{Families, newest, with};
use crate::stage::{Stage, host_end, setting};

/// A tunnel to the neighbouring machine as the bridge's uplink: the one such link that every kernel here can make.
/// The neighbour is on the pods' network, and has a wrong idea of who has their addresses.
fn with_uplink() -> (Stage, Router) {
    let stage = Stage::new();
    let router = stage.node.router(&Uplink::DUAL);
    stage.node.sh("ip link add cni0 type bridge; ip link set cni0 up
                   ip link add wire type vxlan id 5 local 192.0.2.2 remote 192.0.2.1 dstport 4789
                   ip link set wire master cni0; ip link set wire up");
    router.sh("ip link add wire type vxlan id 5 local 192.0.2.1 remote 192.0.2.2 dstport 4789
               ip addr add 10.1.2.200/24 dev wire; ip addr add fd01:2::200/64 dev wire nodad; ip link set wire up
               ip neigh add 10.1.2.2 lladdr 02:00:00:00:00:99 dev wire nud stale
               ip neigh add fd01:2::2 lladdr 02:00:00:00:00:99 dev wire nud stale");
    (stage, router)
}

fn neighbours(router: &Router) -> String {
    router.sh("ip neigh show dev wire | sort").stdout
}

#[test]
fn a_bridge_with_an_uplink_announces_and_the_machine_beyond_hears_it() {
    let (stage, router) = with_uplink();
    let pod = stage.node.pod("p1");
    let result = stage.add(&pod, &with(&newest(Families::Dual), &json!({ "ipMasq": false })));
    for path in ["ipv4/conf/eth0/arp_notify", "ipv6/conf/eth0/ndisc_notify"] {
        assert_eq!(setting(&pod, path), "1", "{path}");
    }
    let mac = result["interfaces"][2]["mac"].as_str().expect("a MAC");
    let heard = || neighbours(&router).matches(mac).count() == 2;
    assert!(eventually(PATIENCE, heard), "the machine beyond knows of\n{}", neighbours(&router));
}

#[test]
fn without_an_uplink_nobody_announces() {
    let stage = Stage::new();
    let (first, second) = (stage.node.pod("p1"), stage.node.pod("p2"));
    stage.add(&first, &newest(Families::Dual));
    stage.add(&second, &newest(Families::Dual));
    for path in ["ipv4/conf/eth0/arp_notify", "ipv6/conf/eth0/ndisc_notify"] {
        assert_eq!(setting(&second, path), "0", "{path}");
    }
}

/// The node's default route, if a router told it.
fn learned(stage: &Stage) -> bool {
    stage.node.exec(&["ip", "-6", "route", "show", "default"]).stdout.contains("proto ra")
}

fn learns(stage: &Stage, router: &Router) -> bool {
    eventually(PATIENCE, || {
        router.advertise("2001:db8:1::".parse().expect("an address"));
        learned(stage)
    })
}

#[test]
fn the_first_ipv6_pod_does_not_cost_the_node_its_default_route() {
    let stage = Stage::new();
    stage.node.sh("echo 0 >/proc/sys/net/ipv6/conf/all/forwarding");
    let router = stage.node.router(&Uplink::DUAL);
    assert!(learns(&stage, &router), "no default route before the first pod");
    let pod = stage.node.pod("p1");
    let result = stage.add(&pod, &newest(Families::Dual));
    assert!(learned(&stage), "the default route went with the first pod");
    assert_eq!(setting(&stage.node, "ipv6/conf/up0/accept_ra"), "2");
    assert_eq!(setting(&stage.node, "ipv6/conf/all/forwarding"), "1");
    // What would follow half an hour later: it expires, and the next advertisement brings it back.
    stage.node.exec(&["ip", "-6", "route", "flush", "default"]);
    assert!(learns(&stage, &router), "the node no longer hears its router");
    pod.ping("2001:db8::1");
    for link in ["cni0", host_end(&result)] {
        assert_ne!(setting(&stage.node, &format!("ipv6/conf/{link}/accept_ra")), "2", "{link}");
    }
}

// A container that poses as a router is not heard (CVE-2020-10749).
#[test]
fn a_pods_advertisement_brings_the_node_no_route() {
    let stage = Stage::new();
    let uplink = Uplink { device: "up0", node: &["192.0.2.2/24"], router: &["192.0.2.1/24"] };
    let posing = stage.node.router(&uplink);
    // Its cable is plugged into the bridge, as a pod's is.
    let pod = stage.node.pod("p1");
    stage.add(&pod, &newest(Families::Dual));
    stage.node.exec(&["ip", "link", "set", "up0", "master", "cni0"]);
    for _ in 0..3 {
        posing.advertise("2001:db8:666::".parse().expect("an address"));
    }
    posing.sh("ip addr add 10.1.2.201/24 dev eth0");
    // The bridge passes this cable's frames, so the advertisements before them have been passed, too.
    posing.ping("10.1.2.1");
    assert!(!learned(&stage));
    assert!(!stage.node.exec(&["ip", "-6", "addr"]).stdout.contains("2001:db8:666:"));
}
