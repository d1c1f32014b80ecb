//! Nodes come, go and change, and some are bad.

use std::net::IpAddr;

use host::fabric::{Failure, Shape};
use netstate::{Checksums, Fabric, Mac, Path, Via, Vxlan};
use sandbox::Place;

use crate::scene::{Families, Scene, direct, endpoint, tunnelled};

/// After each change the kernel holds what it would have held had it been so from the start.
fn becomes(steps: &[Fabric], shape: Shape) {
    let mut changed = Scene::enter();
    for fabric in steps {
        changed.heal(fabric, shape);
    }
    let changed = changed.state();
    let mut fresh = Scene::enter();
    fresh.heal(steps.last().expect("a step"), shape);
    assert_eq!(bare(&changed), bare(&fresh.state()), "{shape:?}");
}

/// Without next hops' numbers.
fn bare(state: &str) -> Vec<String> {
    let words = |line: &str| {
        let words = line.split(' ').filter(|word| !word.starts_with("19461570"));
        words.collect::<Vec<_>>().join(" ")
    };
    let mut lines: Vec<_> = state.lines().map(words).collect();
    lines.sort_unstable();
    lines
}

#[test]
fn a_node_comes_and_another_goes() {
    for make in [direct, tunnelled] {
        for shape in [Shape::NextHops, Shape::Plain] {
            becomes(&[make(Families::Dual, &[2, 3]), make(Families::Dual, &[3, 4])], shape);
        }
    }
}

#[test]
fn a_nodes_address_changes() {
    for make in [direct, tunnelled] {
        let mut fabric = make(Families::Dual, &[2, 3]);
        for family in 0..2 {
            let new: IpAddr = endpoint(family, 7).parse().unwrap();
            let old: IpAddr = endpoint(family, 2).parse().unwrap();
            for path in &mut fabric.paths {
                match &mut path.via {
                    Via::Direct { gateway: address } | Via::Tunnel { endpoint: address, .. } => {
                        if *address == old {
                            *address = new;
                        }
                    }
                }
            }
            becomes(&[make(Families::Dual, &[2, 3]), fabric.clone()], Shape::NextHops);
        }
    }
}

#[test]
fn a_nodes_mac_changes() {
    let mut fabric = tunnelled(Families::Dual, &[2, 3]);
    for path in &mut fabric.paths {
        if let Via::Tunnel { mac, .. } = &mut path.via {
            mac.0[3] = 9;
        }
        becomes(&[tunnelled(Families::Dual, &[2, 3])], Shape::NextHops);
    }
    becomes(&[tunnelled(Families::Dual, &[2, 3]), fabric], Shape::NextHops);
}

#[test]
fn paths_move_between_underlay_and_tunnel() {
    for shape in [Shape::NextHops, Shape::Plain] {
        let through = tunnelled(Families::Dual, &[2, 3]);
        let mut beside = direct(Families::Dual, &[2, 3]);
        beside.tunnels.clone_from(&through.tunnels);
        let mut mixed = through.clone();
        mixed.paths[0] = beside.paths[0];
        mixed.paths[2] = beside.paths[2];
        becomes(&[through.clone(), mixed.clone(), beside.clone()], shape);
        becomes(&[beside, mixed, through], shape);
    }
}

#[test]
fn a_family_comes_and_goes() {
    for make in [direct, tunnelled] {
        for (one, other) in [(Families::V4, Families::Dual), (Families::Dual, Families::V6)] {
            becomes(&[make(one, &[2, 3]), make(other, &[2, 3])], Shape::NextHops);
        }
    }
}

#[test]
fn the_tunnel_itself_changes() {
    let mut fabric = tunnelled(Families::Dual, &[2, 3]);
    let changes: [fn(&mut Vxlan); 8] = [
        |tunnel| tunnel.mtu = 1400,
        |tunnel| tunnel.mac = Mac([0x0e, 1, 1, 1, 1, 1]),
        |tunnel| tunnel.learning = true,
        |tunnel| tunnel.checksums = Checksums::Computed,
        |tunnel| tunnel.checksums = Checksums::Offloaded,
        |tunnel| tunnel.port = Some(4789),
        |tunnel| tunnel.group_policy = true,
        |tunnel| tunnel.vni = 2,
    ];
    for change in changes {
        let before = fabric.clone();
        change(&mut fabric.tunnels[0]);
        becomes(&[before, fabric.clone()], Shape::NextHops);
    }
}

#[test]
fn a_setting_changes_on_the_living_device() {
    let mut scene = Scene::enter();
    let mut fabric = tunnelled(Families::V4, &[2]);
    scene.heal(&fabric, Shape::NextHops);
    let index = scene.node.sh("cat /sys/class/net/flannel.1/ifindex").stdout;
    fabric.tunnels[0].mtu = 1400;
    fabric.tunnels[0].mac = Mac([0x0e, 1, 1, 1, 1, 1]);
    fabric.tunnels[0].learning = true;
    fabric.tunnels[0].checksums = Checksums::Computed;
    // A device that gets another MAC loses its neighbours.
    let told = "\
~ device flannel.1 checksums
~ device flannel.1 mtu
~ device flannel.1 address
~ device flannel.1 learning
~ device flannel.1 alias
+ neighbour 10.244.2.0 lladdr 0e:00:00:00:00:02 dev flannel.1
";
    assert_eq!(scene.heal(&fabric, Shape::NextHops).to_string(), told);
    assert_eq!(scene.node.sh("cat /sys/class/net/flannel.1/ifindex").stdout, index);
    let shown = scene.node.sh("ip -d link show flannel.1").stdout;
    assert!(shown.contains("mtu 1400") && shown.contains(" 0e:01:01:01:01:01 "), "{shown}");
    assert!(!shown.contains("nolearning") && shown.contains("tx-checksum-ip-generic off"), "{shown}");
}

#[test]
fn bad_paths_fail_alone_and_are_named() {
    for shape in [Shape::NextHops, Shape::Plain] {
        let mut scene = Scene::enter();
        let mut fabric = direct(Families::Dual, &[2, 3, 4]);
        // No neighbour has these addresses.
        fabric.paths[1].via = Via::Direct { gateway: "198.51.100.9".parse().unwrap() };
        fabric.paths[4].via = Via::Direct { gateway: "2001:db8:ffff::9".parse().unwrap() };
        let pass = scene.host.reconcile_as(&fabric, shape).unwrap();
        let mut bad: Vec<_> = pass.failures.iter().filter_map(Failure::subnet).collect();
        bad.dedup();
        assert_eq!(bad, [fabric.paths[1].subnet, fabric.paths[4].subnet], "{pass}");
        let state = scene.state();
        for path in [0, 2, 3, 5] {
            assert!(state.contains(&format!("{} ", fabric.paths[path].subnet)), "{state}");
        }
    }
}

#[test]
fn two_nodes_with_one_mac_are_told_and_the_first_is_served() {
    let mut scene = Scene::enter();
    let mut fabric = tunnelled(Families::V4, &[2, 3, 4]);
    let Via::Tunnel { mac, .. } = fabric.paths[0].via else { unreachable!("it is tunnelled") };
    let endpoint = endpoint(0, 3).parse().unwrap();
    fabric.paths[1].via = Via::Tunnel { mac, endpoint };
    for _ in 0..2 {
        let pass = scene.host.reconcile(&fabric).unwrap();
        let told: Vec<_> = pass.failures.iter().map(ToString::to_string).collect();
        assert_eq!(told, ["route 10.244.3.0/24: another node has the MAC 0e:00:00:00:00:02"]);
    }
    assert!(scene.state().contains("10.244.4.0/24"));
}

#[test]
fn while_the_underlay_is_away_routes_that_stand_stay_and_the_reason_is_told() {
    let mut scene = Scene::enter();
    let mut fabric = direct(Families::V4, &[2]);
    scene.heal(&fabric, Shape::NextHops);
    let whole = scene.state();
    fabric.underlay = None;
    let pass = scene.host.reconcile(&fabric).unwrap();
    assert_eq!(pass.to_string(), "! route 10.244.2.0/24: no link leads to the other nodes\n");
    fabric.underlay = Some("eth7".parse().unwrap());
    let pass = scene.host.reconcile(&fabric).unwrap();
    assert_eq!(pass.to_string(), "! route 10.244.2.0/24: there is no link eth7\n");
    assert_eq!(scene.state(), whole);
    scene.node.sh("ip link set eth0 down");
    let pass = scene.host.reconcile(&direct(Families::V4, &[2])).unwrap();
    assert_eq!(pass.to_string(), "! route 10.244.2.0/24: link eth0 is down\n");
}

#[test]
fn a_link_of_another_kind_keeps_its_name() {
    let mut scene = Scene::enter();
    scene.node.sh("ip link add flannel.1 type bridge");
    let pass = scene.host.reconcile(&tunnelled(Families::Dual, &[2])).unwrap();
    let told = pass.to_string();
    assert!(told.contains("! + device flannel.1: File exists"), "{told}");
    assert!(told.contains("! route 10.244.2.0/24: there is no tunnel for IPv4"), "{told}");
    assert!(told.contains("+ route fd00:10:0:2::/64"), "{told}");
}

#[test]
fn paths_out_of_order_are_put_in_order() {
    let mut scene = Scene::enter();
    let mut fabric = direct(Families::Dual, &[2, 3]);
    fabric.paths.reverse();
    let Path { subnet, via } = fabric.paths[0];
    fabric.paths.push(Path { subnet, via });
    scene.heal(&fabric, Shape::NextHops);
}
