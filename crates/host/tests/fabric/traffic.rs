//! Packets: two nodes with pods behind them, and none lost while the fabric under them changes.

use host::Host;
use host::fabric::Shape;
use netstate::{Fabric, Path, Via};
use sandbox::{Flow, PATIENCE, Place, eventually};

use crate::flannel;
use crate::scene::{Families, Scene, direct, endpoint, mac, subnet, tunnel, tunnelled};

/// A pod of node 2, in both families.
const PODS: [&str; 2] = ["10.244.2.9", "fd00:10:0:2::9"];

/// A pod of node 1.
const SOURCES: [&str; 2] = ["10.244.1.9", "fd00:10:0:1::9"];

/// Makes the other end of the cable node 2, with a pod's addresses, and paths both ways to node 1.
fn second_node(scene: &Scene) -> Host {
    scene.beyond.sh(
        "ip link set lo up; ip addr add 10.244.2.9/32 dev lo; ip addr add fd00:10:0:2::9/128 dev lo nodad",
    );
    scene.node.sh("ip addr add 10.244.1.9/32 dev lo; ip addr add fd00:10:0:1::9/128 dev lo nodad");
    scene.beyond.within(|| Host::open().expect("a route socket"))
}

/// What node 2 wants: the way to node 1, through tunnels of its own.
fn of_the_second(tunnelled: &Fabric) -> Fabric {
    let mut fabric = tunnelled.clone();
    fabric.tunnels = (0..2).map(tunnel).collect();
    for (family, tunnel) in fabric.tunnels.iter_mut().enumerate() {
        tunnel.mac = mac(family, 2);
        tunnel.local = endpoint(family, 2).parse().unwrap();
        let first = subnet(family, 2);
        tunnel.address = first.split_once('/').unwrap().0.parse().unwrap();
    }
    let path = |family: usize| Path {
        subnet: subnet(family, 1).parse().unwrap(),
        via: Via::Tunnel { mac: mac(family, 1), endpoint: endpoint(family, 1).parse().unwrap() },
    };
    fabric.paths = (0..2).map(path).collect();
    fabric
}

/// Does each step while requests flow in both families.
fn nothing_is_lost(scene: &mut Scene, steps: &mut [&mut dyn FnMut(&mut Scene)]) {
    for pod in PODS {
        scene.node.ping(pod);
    }
    let flow = |family: usize| {
        Flow::by(&scene.node, SOURCES[family].parse().unwrap(), PODS[family].parse().unwrap())
    };
    let flows = [0, 1].map(flow);
    for step in steps {
        let before = packets(scene);
        let flowed = eventually(PATIENCE, || packets(scene) > before + 40);
        assert!(flowed, "no packets flow\n{}", scene.state());
        step(scene);
    }
    let before = packets(scene);
    let flowed = eventually(PATIENCE, || packets(scene) > before + 40);
    assert!(flowed, "no packets flow\n{}", scene.state());
    for flow in flows {
        flow.end();
    }
}

/// How many packets the underlay has carried.
fn packets(scene: &Scene) -> u64 {
    scene.node.sh("cat /sys/class/net/eth0/statistics/tx_packets").stdout.trim().parse().expect("a number")
}

#[test]
fn packets_go_through_tunnels_both_ways() {
    let mut scene = Scene::enter();
    let mut second = second_node(&scene);
    let fabric = tunnelled(Families::Dual, &[2]);
    scene.heal(&fabric, Shape::NextHops);
    let theirs = of_the_second(&fabric);
    let pass = scene.beyond.within(|| second.reconcile(&theirs)).unwrap();
    assert!(pass.failures.is_empty(), "{pass}");
    for pod in PODS {
        scene.node.ping(pod);
    }
}

#[test]
fn a_node_is_taken_over_from_flannel_and_handed_back_without_a_lost_packet() {
    let tunnels = tunnelled(Families::Dual, &[2, 3]);
    let plain = direct(Families::Dual, &[2, 3]);
    for (fabric, flannel) in [
        (&tunnels, flannel::tunnelled(Families::Dual, &[2, 3])),
        (&plain, flannel::direct(Families::Dual, &[2, 3])),
    ] {
        let mut scene = Scene::enter();
        let mut second = second_node(&scene);
        let theirs = of_the_second(fabric);
        scene.beyond.within(|| second.reconcile(&theirs)).unwrap();
        if fabric.tunnels.is_empty() {
            scene.beyond.sh("ip route replace 10.244.1.0/24 via 192.0.2.1; ip -6 route replace fd00:10:0:1::/64 via 2001:db8::1");
        }
        scene.node.sh(&flannel);
        let before = scene.state();
        nothing_is_lost(
            &mut scene,
            &mut [
                &mut |scene| drop(scene.heal(fabric, Shape::NextHops)),
                &mut |scene| drop(scene.heal(fabric, Shape::Flannel)),
                &mut |scene| assert_eq!(scene.state(), before),
                &mut |scene| drop(scene.heal(fabric, Shape::Plain)),
                &mut |scene| drop(scene.heal(fabric, Shape::NextHops)),
            ],
        );
    }
}

#[test]
fn a_path_moves_between_underlay_and_tunnel_without_a_lost_packet() {
    for shape in [Shape::NextHops, Shape::Plain] {
        let mut scene = Scene::enter();
        let mut second = second_node(&scene);
        let through = tunnelled(Families::Dual, &[2]);
        let mut beside = direct(Families::Dual, &[2]);
        beside.tunnels.clone_from(&through.tunnels);
        let theirs = of_the_second(&through);
        scene.beyond.within(|| second.reconcile(&theirs)).unwrap();
        scene.heal(&through, shape);
        nothing_is_lost(
            &mut scene,
            &mut [
                &mut |scene| drop(scene.heal(&beside, shape)),
                &mut |scene| drop(scene.heal(&through, shape)),
                &mut |scene| drop(scene.heal(&beside, shape)),
            ],
        );
    }
}
