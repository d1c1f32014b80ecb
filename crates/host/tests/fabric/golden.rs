//! What `ip` and `bridge` show.

use host::fabric::Shape;
use netstate::Fabric;
use sandbox::Place;

use crate::flannel;
use crate::scene::{Families, Scene, direct, tunnelled};

/// Two nodes through tunnels, in both families.
const TUNNELLED: &str = "\
id 1946157056 via 10.244.2.0 dev flannel.1 proto 116 onlink
id 1946157057 via fd00:10:0:2:: dev flannel-v6.1 proto 116 onlink
10.244.2.0/24 nhid 1946157056 via 10.244.2.0 dev flannel.1 proto 116 onlink
fd00:10:0:2::/64 nhid 1946157057 via fd00:10:0:2:: dev flannel-v6.1 proto 116 metric 1024 onlink pref medium
flannel-v6.1 UNKNOWN fd00:10:0:1::/128
fd00:10:0:2:: lladdr 0e:00:00:00:01:02 PERMANENT
0e:00:00:00:01:02 dst 2001:db8::2 self permanent
flannel.1 UNKNOWN 10.244.1.0/32
10.244.2.0 lladdr 0e:00:00:00:00:02 PERMANENT
0e:00:00:00:00:02 dst 192.0.2.2 self permanent
";

/// The same without.
const DIRECT: &str = "\
id 1946157056 via 192.0.2.2 dev eth0 proto 116
id 1946157057 via 2001:db8::2 dev eth0 proto 116
10.244.2.0/24 nhid 1946157056 via 192.0.2.2 dev eth0 proto 116
fd00:10:0:2::/64 nhid 1946157057 via 2001:db8::2 dev eth0 proto 116 metric 1024 pref medium
";

#[test]
fn tunnels_are_a_device_a_neighbour_an_entry_a_next_hop_and_a_route() {
    let mut scene = Scene::enter();
    let pass = scene.heal(&tunnelled(Families::Dual, &[2]), Shape::NextHops);
    assert_eq!(scene.state(), TUNNELLED);
    let done = "\
+ device flannel.1
+ address 10.244.1.0/32 dev flannel.1
+ device flannel-v6.1
+ address fd00:10:0:1::/128 dev flannel-v6.1
+ neighbour 10.244.2.0 lladdr 0e:00:00:00:00:02 dev flannel.1
+ fdb 0e:00:00:00:00:02 dst 192.0.2.2 dev flannel.1
+ neighbour fd00:10:0:2:: lladdr 0e:00:00:00:01:02 dev flannel-v6.1
+ fdb 0e:00:00:00:01:02 dst 2001:db8::2 dev flannel-v6.1
+ nexthop id 1946157056 via 10.244.2.0 dev flannel.1
+ nexthop id 1946157057 via fd00:10:0:2:: dev flannel-v6.1
+ route 10.244.2.0/24 via 10.244.2.0 dev flannel.1
+ route fd00:10:0:2::/64 via fd00:10:0:2:: dev flannel-v6.1
";
    assert_eq!(pass.to_string(), done);
}

#[test]
fn direct_paths_are_a_next_hop_and_a_route() {
    let mut scene = Scene::enter();
    scene.heal(&direct(Families::Dual, &[2]), Shape::NextHops);
    assert_eq!(scene.state(), DIRECT);
}

#[test]
fn in_flannels_shape_nothing_tells_it_from_flannel() {
    for families in Families::ALL {
        let theirs = Scene::enter();
        theirs.node.sh(&flannel::tunnelled(families, &[2, 3]));
        let theirs = everything(&theirs);
        let mut ours = Scene::enter();
        ours.heal(&tunnelled(families, &[2, 3]), Shape::Flannel);
        assert_eq!(everything(&ours), theirs, "{families:?}");

        let theirs = Scene::enter();
        theirs.node.sh(&flannel::direct(families, &[2, 3]));
        let theirs = everything(&theirs);
        let mut ours = Scene::enter();
        ours.heal(&direct(families, &[2, 3]), Shape::Flannel);
        assert_eq!(everything(&ours), theirs, "{families:?}");
    }
}

/// With the devices' every setting.
fn everything(scene: &Scene) -> String {
    scene.state() + &scene.node.sh("ip -d link show type vxlan").stdout
}

#[test]
fn what_would_be_done_is_told_and_not_done() {
    let mut scene = Scene::enter();
    let fabric = tunnelled(Families::Dual, &[2, 3]);
    let told = scene.host.drift(&fabric, Shape::NextHops).unwrap();
    assert_eq!(scene.state(), "");
    let done = scene.reconcile(&fabric).to_string();
    // A device comes with its address.
    let but_addresses: Vec<_> = done.lines().filter(|line| !line.contains("address")).collect();
    assert_eq!(told.to_string().lines().collect::<Vec<_>>(), but_addresses);
    let nothing = scene.host.drift(&fabric, Shape::NextHops).unwrap();
    assert!(nothing.is_clean(), "{nothing}");
    scene.node.sh("ip route del 10.244.2.0/24; ip neigh flush dev flannel.1 nud permanent");
    let told = scene.host.drift(&fabric, Shape::NextHops).unwrap().to_string();
    assert_eq!(scene.reconcile(&fabric).to_string(), told);
}

#[test]
fn nothing_is_left_of_what_is_no_longer_wanted() {
    for families in Families::ALL {
        let mut scene = Scene::enter();
        let before = all_but_whose_dad_goes_on(&scene);
        for fabric in [tunnelled(families, &[2, 3]), direct(families, &[4, 5])] {
            scene.heal(&fabric, Shape::NextHops);
        }
        scene.heal(&tunnelled(families, &[4]), Shape::Plain);
        scene.heal(&Fabric::default(), Shape::NextHops);
        assert_eq!(all_but_whose_dad_goes_on(&scene), before);
    }
}

fn all_but_whose_dad_goes_on(scene: &Scene) -> String {
    scene.node.sh("ip addr; ip route; ip -6 route; ip nexthop").stdout.replace(" tentative", "")
}

#[test]
fn the_nodes_are_reached() {
    let mut scene = Scene::enter();
    scene.beyond.sh(
        "ip addr add 10.244.2.1/24 dev lo; ip addr add fd00:10:0:2::1/64 dev lo nodad; ip link set lo up",
    );
    scene.reconcile(&direct(Families::Dual, &[2]));
    scene.node.ping("10.244.2.1");
    scene.node.ping("fd00:10:0:2::1");
}
