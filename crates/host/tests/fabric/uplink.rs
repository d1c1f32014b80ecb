//! What is told of links, their addresses, and routes.

use host::fabric::Shape;
use host::uplink::{Reach, State, Way};
use netstate::{Family, LinkName};
use sandbox::Place;

use crate::flannel;
use crate::scene::{Families, Scene, direct, tunnelled};

#[test]
fn links_are_told_with_their_addresses() {
    let mut scene = Scene::enter();
    scene.node.sh("
        ip addr add 192.0.2.51/24 dev eth0
        ip addr add 2001:db8::51/64 dev eth0 nodad valid_lft 1000 preferred_lft 0
        ip addr add 2001:db8::52/64 dev eth0 nodad valid_lft 1000 preferred_lft 1000
    ");
    let interfaces = scene.host.interfaces().unwrap();
    let eth0 = interfaces.iter().find(|interface| interface.name == "eth0").unwrap();
    assert!(eth0.up && eth0.mtu == 1500 && eth0.index > 1, "{eth0:?}");
    let of = |text: &str| {
        let found = eth0.addresses.iter().find(|address| address.network.to_string() == text);
        *found.unwrap_or_else(|| panic!("no {text} in {eth0:?}"))
    };
    let fixed = of("2001:db8::1/64");
    assert!(fixed.permanent && !fixed.temporary && fixed.state == State::Preferred, "{fixed:?}");
    assert_eq!(of("192.0.2.51/24").reach, Reach::Global);
    assert_eq!(of("2001:db8::51/64").state, State::Deprecated);
    assert!(!of("2001:db8::52/64").permanent);
    let lo = interfaces.iter().find(|interface| interface.name == "lo").unwrap();
    assert_eq!(lo.addresses[0].reach, Reach::Host);
}

#[test]
fn the_default_route_is_that_of_the_least_metric() {
    let mut scene = Scene::enter();
    assert_eq!(scene.host.default_route(Family::V4).unwrap(), None);
    scene.node.sh("
        ip route add default via 192.0.2.9 metric 200; ip route add default via 192.0.2.8 metric 100
        ip route add default via 192.0.2.7 table 9
        ip -6 route add default via 2001:db8::9 metric 2000; ip -6 route add default via 2001:db8::8
    ");
    for (family, gateway, metric) in [(Family::V4, "192.0.2.8", 100), (Family::V6, "2001:db8::8", 1024)] {
        let route = scene.host.default_route(family).unwrap().unwrap();
        assert_eq!((route.gateway, route.metric), (Some(gateway.parse().unwrap()), metric));
    }
    // What leads to a half of the world is no default route.
    scene.node.sh("
        ip route add 128.0.0.0/1 via 192.0.2.6; ip -6 route add 2000::/3 via 2001:db8::6
        ip route add default via 192.0.2.5 metric 50; ip -6 route add default via 2001:db8::5 metric 50
    ");
    for (family, gateway) in [(Family::V4, "192.0.2.5"), (Family::V6, "2001:db8::5")] {
        let route = scene.host.default_route(family).unwrap().unwrap();
        assert_eq!((route.gateway, route.metric), (Some(gateway.parse().unwrap()), 50));
    }
    scene.node.sh("ip route replace default metric 1 nexthop via 192.0.2.5 nexthop via 192.0.2.6");
    let eth0 = scene.host.find(&"eth0".parse().unwrap()).unwrap().unwrap().index;
    assert_eq!(scene.host.default_route(Family::V4).unwrap().unwrap().link, eth0);
}

#[test]
fn addresses_are_neighbours_or_beyond_a_router_or_our_own_or_out_of_reach() {
    let mut scene = Scene::enter();
    scene.node.sh("ip route add 198.51.100.0/24 via 192.0.2.9; ip route add blackhole 203.0.113.0/24");
    let link = scene.host.find(&"eth0".parse().unwrap()).unwrap().unwrap().index;
    let asked = ["192.0.2.2", "198.51.100.1", "192.0.2.1", "203.0.113.1", "8.8.8.8", "2001:db8::2"];
    let ways = scene.host.ways(&asked.map(|address| address.parse().unwrap())).unwrap();
    let beyond = Way::Beyond { link, gateway: "192.0.2.9".parse().unwrap() };
    let neighbour = Some(Way::Neighbour(link));
    assert_eq!(ways, [neighbour, Some(beyond), Some(Way::Local), None, None, neighbour]);
}

#[test]
fn a_link_gets_another_mtu_and_another_address() {
    let mut scene = Scene::enter();
    let name: LinkName = "cni0".parse().unwrap();
    scene.node.sh("ip link add cni0 type bridge; ip addr add 10.244.1.1/24 dev cni0");
    scene.host.set_mtu(&name, 1400).unwrap();
    for _ in 0..2 {
        let (from, to) = ("10.244.1.1/24".parse().unwrap(), "10.244.7.1/24".parse().unwrap());
        scene.host.readdress(&name, from, to).unwrap();
        let shown = scene.node.sh("ip addr show cni0").stdout;
        assert!(shown.contains("mtu 1400") && shown.contains("inet 10.244.7.1/24 brd"), "{shown}");
        assert!(!shown.contains("10.244.1.1"), "{shown}");
    }
}

#[test]
fn routes_of_others_are_told_and_ours_and_flannels_are_not() {
    for make in [flannel::tunnelled, flannel::direct] {
        let mut scene = Scene::enter();
        let mut fabric = tunnelled(Families::Dual, &[]);
        scene.node.sh(&make(Families::Dual, &[2, 3]));
        assert_eq!(scene.host.foreign_routes(&fabric).unwrap(), []);
        fabric.paths = direct(Families::Dual, &[4]).paths;
        scene.heal(&fabric, Shape::NextHops);
        assert_eq!(scene.host.foreign_routes(&fabric).unwrap(), []);
        scene.node.sh("
            ip link add cni0 type bridge; ip addr add 10.244.1.1/24 dev cni0; ip link set cni0 up
            ip route add 10.244.5.0/25 via 192.0.2.9 proto bgp
            ip route add blackhole 10.244.6.0/24
            ip -6 route add fd00:10:0:7::/64 via 2001:db8::9 metric 5
            ip route add 10.250.0.0/16 via 192.0.2.9 proto static
        ");
        let told: Vec<_> =
            scene.host.foreign_routes(&fabric).unwrap().iter().map(ToString::to_string).collect();
        assert_eq!(
            told.iter().filter(|route| !route.contains("fd00:10:0:1::")).collect::<Vec<_>>(),
            [
                "route 10.244.1.0/24 dev cni0 proto kernel",
                "route 10.244.5.0/25 via 192.0.2.9 dev eth0 proto bgp",
                "route 10.244.6.0/24 proto boot",
                "route fd00:10:0:7::/64 via 2001:db8::9 dev eth0 proto boot",
            ]
        );
    }
}
