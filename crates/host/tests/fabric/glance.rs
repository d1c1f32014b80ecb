//! A look at links and routes alone tells all that goes without a word.

use host::fabric::Shape;
use netstate::Fabric;
use sandbox::Place;

use crate::scene::{Families, Scene, direct, tunnelled};

const MAKERS: [fn(Families, &[u8]) -> Fabric; 2] = [direct, tunnelled];

#[test]
fn a_glance_finds_nothing_where_nothing_was_touched_and_reads_less() {
    for make in MAKERS {
        for shape in [Shape::NextHops, Shape::Plain] {
            let fabric = make(Families::Dual, &[2, 3]);
            let mut scene = Scene::enter();
            assert!(scene.host.glance(&fabric).unwrap().is_none(), "before any look");
            scene.heal(&fabric, shape);
            let whole = scene.host.drift(&fabric, shape).unwrap();
            for _ in 0..2 {
                let glance = scene.host.glance(&fabric).unwrap().expect("nothing differs");
                assert!(glance.is_clean() && glance.traffic.sends < whole.traffic.sends, "{glance}");
            }
            assert!(scene.host.step(&fabric, &fabric).unwrap().is_some(), "a glance is no change");
        }
    }
}

#[test]
fn a_glance_finds_what_was_done_to_links_and_routes() {
    let fabric = tunnelled(Families::Dual, &[2, 3]);
    let mut scene = Scene::enter();
    for spoilt in [
        "ip link set flannel.1 down",
        "ip link set flannel.1 mtu 1300",
        "ip link del flannel.1",
        "ip address add 10.244.99.1/32 dev flannel.1",
        "ip route del 10.244.2.0/24",
        "ip route add 10.244.9.0/24 dev flannel.1 protocol 116",
        "ip route append 10.244.2.0/24 dev eth0",
        "ip route replace 10.244.2.0/24 dev eth0",
        "ip route replace blackhole 10.244.2.0/24",
        "ip nexthop add id 7 via 10.244.2.0 dev flannel.1 onlink; ip route replace 10.244.2.0/24 nhid 7 protocol 116",
        "ip route del 10.244.2.0/24; ip route add 10.244.2.0/24 via 10.244.2.0 dev flannel.1 onlink protocol 116",
        "ip link add strange type vxlan id 99 dev eth0 dstport 4789; ip link set strange alias 'trestle routed-agent'",
    ] {
        scene.heal(&fabric, Shape::NextHops);
        assert!(scene.host.glance(&fabric).unwrap().is_some(), "before {spoilt}");
        scene.node.sh(spoilt);
        assert!(scene.host.glance(&fabric).unwrap().is_none(), "after {spoilt}");
    }
}

#[test]
fn a_glance_tells_of_routes_of_others_in_the_way() {
    let fabric = direct(Families::V4, &[2, 3]);
    let mut scene = Scene::enter();
    scene.heal(&fabric, Shape::NextHops);
    scene.node.sh("ip route add 10.244.2.128/25 dev eth0");
    let glance = scene.host.glance(&fabric).unwrap().expect("it is nobody's fault");
    assert_eq!(glance.foreign.len(), 1, "{:?}", glance.foreign);
}
