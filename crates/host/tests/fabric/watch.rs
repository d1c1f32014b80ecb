//! What wakes, and what does not.

use std::os::fd::AsFd;

use host::watch::{Followed, Part, Topic, Wake, Watch};
use sandbox::{PATIENCE, Place, eventually};

use host::fabric::Shape;

use crate::scene::{Families, Scene, direct, tunnelled};

/// What has been said by now: a notification is there when the change's answer is, as a rule.
fn heard(watch: &mut Watch) -> Wake {
    watch.drain().expect("a socket").unwrap_or_default()
}

/// The links that the agent follows.
fn followed(scene: &mut Scene) -> [Followed<'static>; 2] {
    let parts = [("flannel.1", Part::WithNeighbours), ("eth0", Part::Itself)];
    parts.map(|(name, part)| {
        let found = scene.host.find(&name.parse().unwrap()).unwrap();
        Followed { name, index: found.map(|link| link.index), part }
    })
}

#[test]
fn each_change_that_counts_wakes() {
    let mut scene = Scene::enter();
    let mut watch = Watch::network().unwrap();
    scene.heal(&tunnelled(Families::Dual, &[2]), Shape::NextHops);
    watch.follow(followed(&mut scene));
    heard(&mut watch);
    for (change, topic) in [
        ("ip link set flannel.1 mtu 1300", Topic::Link),
        ("ip link set eth0 mtu 1400", Topic::Link),
        ("ip addr add 192.0.2.77/24 dev eth0", Topic::Address),
        ("ip addr add 2001:db8::77/64 dev eth0 nodad", Topic::Address),
        ("ip route add 10.9.0.0/16 via 192.0.2.9", Topic::Route),
        ("ip -6 route add fd00:9::/64 via 2001:db8::9", Topic::Route),
        ("ip nexthop add id 5 via 192.0.2.9 dev eth0", Topic::NextHop),
        ("ip neigh del 10.244.2.0 dev flannel.1", Topic::Neighbour),
        ("bridge fdb del 0e:00:00:00:00:02 dev flannel.1", Topic::Neighbour),
        ("echo 1 >/proc/sys/net/ipv4/ip_forward", Topic::Forwarding),
        ("echo 0 >/proc/sys/net/ipv4/ip_forward", Topic::Forwarding),
        ("echo 1 >/proc/sys/net/ipv6/conf/all/forwarding", Topic::Forwarding),
        ("ip link del flannel.1", Topic::Link),
    ] {
        scene.node.sh(change);
        // An IPv6 address is ready, and told, some time after it was given.
        let told = eventually(PATIENCE, || heard(&mut watch).touches(topic));
        assert!(told, "{change}");
    }
}

#[test]
fn what_pods_do_wakes_nobody() {
    let mut scene = Scene::enter();
    scene.heal(&tunnelled(Families::Dual, &[2]), Shape::NextHops);
    scene.node.sh("ip link add cni0 type bridge; ip addr add 10.244.1.1/24 dev cni0; ip link set cni0 up");
    let mut watch = Watch::network().unwrap();
    watch.follow(followed(&mut scene));
    let quiet = eventually(PATIENCE, || heard(&mut watch) == Wake::default());
    assert!(quiet, "it never stands still");
    scene.node.sh("
        ip link add veth7 type veth peer name veth8
        ip link set veth7 master cni0 up; ip link set veth8 up
        ip neigh add 10.244.1.7 lladdr 0e:00:00:00:00:07 dev cni0
        bridge fdb add 0e:00:00:00:00:08 dev veth7 master
        ip neigh add 192.0.2.99 lladdr 0e:00:00:00:00:07 dev eth0
        ip link del veth7
    ");
    let wake = heard(&mut watch);
    assert_eq!(wake, Wake::default(), "{wake}");
}

#[test]
fn a_pass_that_changes_nothing_wakes_nobody() {
    let mut scene = Scene::enter();
    let fabric = tunnelled(Families::Dual, &[2, 3]);
    scene.heal(&fabric, Shape::NextHops);
    let mut watch = Watch::network().unwrap();
    // The kernel tells some of the first pass's changes later.
    let quiet = eventually(PATIENCE, || {
        heard(&mut watch);
        scene.reconcile(&fabric);
        heard(&mut watch) == Wake::default()
    });
    assert!(quiet, "it never stands still");
}

#[test]
fn what_is_lost_is_told() {
    let mut scene = Scene::enter();
    let mut watch = Watch::network().unwrap();
    let buffer = nix::sys::socket::sockopt::RcvBuf;
    nix::sys::socket::setsockopt(&watch.as_fd(), buffer, &4096).unwrap();
    scene.heal(&direct(Families::Dual, &[2, 3, 4, 5, 6, 7, 8]), Shape::NextHops);
    let wake = heard(&mut watch);
    assert!(wake.to_string().contains("lost") && wake.touches(Topic::Rules), "{wake}");
    scene.node.sh("ip route add 10.9.0.0/16 via 192.0.2.9");
    assert_eq!(heard(&mut watch).to_string(), "route");
}

#[test]
fn changed_tables_of_packet_rules_wake_where_they_are_followed() {
    let scene = Scene::enter();
    let mut watch = Watch::rules(&["ours"]).unwrap();
    for (change, counts) in [
        (
            "nft add table inet theirs; nft add chain inet theirs one; nft add rule inet theirs one accept",
            false,
        ),
        ("nft add table inet ours", true),
        ("nft add set inet ours s '{ type ipv4_addr; }'", true),
        ("nft add element inet ours s '{ 10.1.1.1 }'", true),
        ("nft add chain inet ours one; nft add rule inet ours one accept", true),
        ("nft flush chain inet ours one", true),
        ("nft flush ruleset", true),
    ] {
        scene.node.sh(change);
        assert_eq!(heard(&mut watch).touches(Topic::Rules), counts, "{change}");
    }
}
