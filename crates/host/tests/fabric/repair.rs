//! Whatever somebody breaks is whole again after one pass.

use host::fabric::Shape;
use sandbox::Place;

use crate::scene::{Families, Scene, direct, tunnelled};

/// Damage, for both ways to reach a node. The paths are those to nodes 2 and 3.
const TO_ALL: &[&str] = &[
    "ip route del 10.244.2.0/24; ip route del 10.244.3.0/24; ip -6 route del fd00:10:0:2::/64",
    "ip nexthop flush",
    "ip route replace blackhole 10.244.2.0/24; ip -6 route replace blackhole fd00:10:0:2::/64",
    "ip route replace 10.244.2.0/24 via 192.0.2.9; ip -6 route replace fd00:10:0:2::/64 via 2001:db8::9",
    "ip route replace 10.244.2.0/24 dev lo; ip -6 route replace fd00:10:0:2::/64 dev lo",
    "ip route del 10.244.2.0/24; ip route add unreachable 10.244.2.0/24 proto static",
    "ip route prepend blackhole 10.244.2.0/24",
    "ip route append unreachable 10.244.3.0/24 proto static",
    "ip -6 route append fd00:10:0:3::/64 via 2001:db8::9 dev eth0",
    "ip route replace 10.244.2.0/24 nexthop via 192.0.2.8 nexthop via 192.0.2.9",
    "ip -6 route replace fd00:10:0:2::/64 nexthop via 2001:db8::8 nexthop via 2001:db8::9",
    // strangers with our mark
    "ip route add 10.250.0.0/24 via 192.0.2.9 proto 116; ip -6 route add fd00:99::/64 via 2001:db8::9 proto 116",
    "ip route add 10.250.0.0/24 via 192.0.2.9 proto 116 table 77",
    "ip route add 10.244.2.0/24 via 192.0.2.9 proto 116 metric 5",
    "ip nexthop add id 9 via 192.0.2.9 dev eth0 proto 116",
    "ip link add strange type vxlan id 99 dstport 4789 dev eth0; ip link set strange alias 'trestle routed-agent'",
];

/// Damage to direct paths: the kernel says nothing of the next hops and routes that a link takes with it.
const TO_DIRECT: &[&str] =
    &["ip link set eth0 down; ip link set eth0 up; ip addr add 2001:db8::1/64 dev eth0 nodad"];

/// Damage to tunnels.
const TO_TUNNELS: &[&str] = &[
    "ip link del flannel.1; ip link del flannel-v6.1",
    "ip link set flannel.1 down; ip link set flannel-v6.1 down",
    "ip link set flannel.1 mtu 1300; ip link set flannel-v6.1 mtu 1300",
    "ip link set flannel.1 address 0e:00:00:00:00:99",
    "ip link set flannel.1 type vxlan learning",
    "ip link set flannel.1 alias ''",
    "ip link del flannel.1; ip link add flannel.1 type vxlan id 7 dstport 4789 dev eth0",
    "ip addr flush dev flannel.1; ip -6 addr flush dev flannel-v6.1 scope global",
    "ip addr add 10.244.9.9/16 dev flannel.1; ip addr add fd00:10:0:9::9/48 dev flannel-v6.1 nodad",
    "ip neigh flush dev flannel.1 nud permanent; ip -6 neigh flush dev flannel-v6.1 nud permanent",
    "ip neigh replace 10.244.2.0 lladdr 0e:00:00:00:00:99 dev flannel.1 nud permanent",
    "ip neigh replace 10.244.2.0 lladdr 0e:00:00:00:00:02 dev flannel.1 nud stale",
    "ip neigh add 10.244.99.0 lladdr 0e:00:00:00:00:99 dev flannel.1 nud permanent",
    "bridge fdb del 0e:00:00:00:00:02 dev flannel.1; bridge fdb del 0e:00:00:00:01:02 dev flannel-v6.1",
    "bridge fdb replace 0e:00:00:00:00:02 dev flannel.1 dst 192.0.2.9 self permanent",
    "bridge fdb replace 0e:00:00:00:00:02 dev flannel.1 dst 192.0.2.2 port 4789 self permanent",
    "bridge fdb add 0e:00:00:00:00:99 dev flannel.1 dst 192.0.2.9 self permanent",
    "bridge fdb append 00:00:00:00:00:00 dev flannel.1 dst 192.0.2.9 self permanent",
    "ip route add 10.244.99.0/24 via 10.244.99.0 dev flannel.1 onlink",
    "ip -6 route add fd00:10:0:99::/64 via fd00:10:0:99:: dev flannel-v6.1 onlink",
    "ip link set eth0 mtu 9000; ip link set flannel.1 mtu 8000",
];

#[test]
fn damage_to_direct_paths_heals() {
    let mut scene = Scene::enter();
    let fabric = direct(Families::Dual, &[2, 3]);
    for shape in [Shape::NextHops, Shape::Plain] {
        scene.heal(&fabric, shape);
        let whole = scene.state();
        for damage in TO_ALL.iter().chain(TO_DIRECT) {
            heals(&mut scene, damage, (&fabric, shape), &whole);
        }
    }
}

#[test]
fn damage_to_tunnelled_paths_heals() {
    let mut scene = Scene::enter();
    let fabric = tunnelled(Families::Dual, &[2, 3]);
    for shape in [Shape::NextHops, Shape::Plain] {
        scene.heal(&fabric, shape);
        let whole = scene.state();
        for damage in TO_ALL.iter().chain(TO_TUNNELS) {
            heals(&mut scene, damage, (&fabric, shape), &whole);
        }
    }
}

fn heals(scene: &mut Scene, damage: &str, wanted: (&netstate::Fabric, Shape), whole: &str) {
    scene.node.sh(damage);
    let pass = scene.heal(wanted.0, wanted.1);
    assert!(wanted.1 == Shape::Plain || !pass.is_clean(), "no damage: {damage}\n{}", scene.state());
    assert_eq!(numberless(&scene.state()), numberless(whole), "{damage}\n{pass}");
}

/// Without the numbers of next hops, which a healed one need not share with the first.
fn numberless(state: &str) -> String {
    let words = state.split(' ').map(|word| if word.starts_with("19461570") { "N" } else { word });
    let text = words.collect::<Vec<_>>().join(" ");
    let (mut hops, rest): (Vec<_>, Vec<_>) = text.lines().partition(|line| line.starts_with("id "));
    hops.sort_unstable();
    hops.into_iter().chain(rest).collect::<Vec<_>>().join("\n")
}

#[test]
fn what_is_others_stays() {
    let mut scene = Scene::enter();
    scene.node.sh("
        ip nexthop add id 1946157056 via 192.0.2.9 dev eth0
        ip nexthop add id 7 via 2001:db8::9 dev eth0 proto zebra
        ip route add 10.250.0.0/24 nhid 1946157056
        ip -6 route add fd00:99::/64 nhid 7
        ip route add 10.244.99.0/25 via 192.0.2.9 proto bgp
        ip route add 10.244.2.0/24 via 192.0.2.9 metric 7
        ip route add 10.244.2.0/24 via 192.0.2.9 table 9
        ip neigh add 10.244.77.0 lladdr 0e:00:00:00:00:77 dev eth0 nud permanent
        ip link add vxlan7 type vxlan id 7 dstport 4789 dev eth0
        bridge fdb add 0e:00:00:00:00:77 dev vxlan7 dst 192.0.2.9
    ");
    let look = "ip nexthop; ip route show table all; ip -6 route show table all; ip neigh show nud permanent; bridge fdb show dev vxlan7";
    let before = scene.node.sh(look).stdout;
    scene.heal(&tunnelled(Families::Dual, &[2, 3]), Shape::NextHops);
    scene.heal(&direct(Families::Dual, &[2, 3]), Shape::NextHops);
    scene.heal(&netstate::Fabric::default(), Shape::NextHops);
    assert_eq!(scene.node.sh(look).stdout, before);
}
