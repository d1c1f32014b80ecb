//! What somebody spoils is whole again within a second, without a restart.

use std::time::{Duration, Instant};

use sandbox::{Attached, PATIENCE, Place, eventually};

use crate::cluster::{Cluster, Shape};

/// Two nodes with a pod each.
struct Pair {
    cluster: Cluster,
    pods: [Attached; 2],
}

impl Pair {
    fn of(shape: Shape) -> Self {
        let mut cluster = Cluster::new(shape, 2);
        cluster.start();
        let pods = [cluster.pod(1, "a"), cluster.pod(2, "b")];
        let pair = Self { cluster, pods };
        pair.assert_whole("at first");
        pair
    }

    fn assert_whole(&self, when: &str) {
        let [a, b] = &self.pods;
        let whole = eventually(PATIENCE, || b.addresses.iter().all(|address| a.pod.reaches(address)));
        let member = &self.cluster.members[0];
        assert!(whole, "{when}: {:?} are not reached\n{}\n{}", b.addresses, member.routes(), member.log());
    }

    /// Spoils the first node by a line of shell; what then must hold is told by another, which succeeds.
    fn spoil(&self, script: &str, whole: &str) {
        let machine = &self.cluster.members[0].machine;
        machine.sh(script);
        let start = Instant::now();
        let mended = eventually(PATIENCE, || machine.try_exec(&["sh", "-ec", whole]).code == 0);
        assert!(
            mended,
            "after {script}: not {whole}\n{}\n{}",
            machine.sh("ip -d link show type vxlan; ip route; ip -6 route; ip nexthop; ip neigh; nft list ruleset").stdout,
            self.cluster.members[0].log()
        );
        tell(script, start.elapsed());
        self.assert_whole(script);
        let differs = self.cluster.members[0].agent(&["diff"]);
        assert_eq!((differs.code, differs.stdout.as_str()), (0, ""), "after {script}");
    }
}

/// For whoever reads the test's output: the time until the state was back.
#[expect(clippy::print_stderr, reason = "a test speaks on stderr")]
fn tell(what: &str, time: Duration) {
    eprintln!("mended after {} ms: {what}", time.as_millis());
}

const TUNNEL: &str = "ip route show 10.244.2.0/24 | grep -q 'dev flannel.1' && ip -6 route show fd00:10:244:2::/64 | grep -q 'dev flannel-v6.1'";

#[test]
fn a_tunnel_that_was_deleted() {
    Pair::of(Shape::VXLAN).spoil("ip link del flannel.1; ip link del flannel-v6.1", TUNNEL);
}

#[test]
fn a_tunnel_that_was_set_down() {
    Pair::of(Shape::VXLAN).spoil("ip link set flannel.1 down; ip link set flannel-v6.1 down", TUNNEL);
}

#[test]
fn flushed_routes() {
    let pair = Pair::of(Shape::VXLAN);
    pair.spoil("ip route del 10.244.2.0/24; ip -6 route del fd00:10:244:2::/64", TUNNEL);
    pair.spoil("ip nexthop flush proto 116", TUNNEL);
}

#[test]
fn flushed_neighbours_and_forwarding_entries() {
    let pair = Pair::of(Shape::VXLAN);
    let neighbour = "ip neigh show 10.244.2.0 dev flannel.1 | grep -q PERMANENT";
    pair.spoil("ip neigh flush dev flannel.1 nud permanent", neighbour);
    let entry = "bridge fdb show dev flannel.1 | grep -q 'dst 192.0.2.2'";
    pair.spoil(
        "bridge fdb show dev flannel.1 | while read mac rest; do bridge fdb del $mac dev flannel.1; done",
        entry,
    );
}

#[test]
fn a_route_replaced_by_a_wrong_one_or_a_black_hole() {
    let pair = Pair::of(Shape::VXLAN);
    pair.spoil("ip route replace blackhole 10.244.2.0/24", TUNNEL);
    pair.spoil("ip route replace 10.244.2.0/24 via 192.0.2.99 dev eth0", TUNNEL);
}

#[test]
fn flushed_packet_rules() {
    Pair::of(Shape::VXLAN).spoil("nft flush ruleset", "nft list table inet trestle-routed");
}

#[test]
fn forwarding_that_was_switched_off() {
    let pair = Pair::of(Shape::VXLAN);
    pair.spoil(
        "echo 0 >/proc/sys/net/ipv4/ip_forward; echo 0 >/proc/sys/net/ipv6/conf/all/forwarding",
        "grep -q 1 /proc/sys/net/ipv4/ip_forward && grep -q 1 /proc/sys/net/ipv6/conf/all/forwarding",
    );
}

/// A pod's own `/proc/sys` is read-only; our manifests mount the node's beside it.
#[test]
fn forwarding_that_was_switched_off_under_an_agent_in_a_pod() {
    let pair = Pair::of(Shape::VXLAN);
    let machine = &pair.cluster.members[0].machine;
    machine.sh("mkdir -p /run/host/proc/sys/net; mount --bind /proc/sys/net /run/host/proc/sys/net");
    machine.sh("mount --bind /proc/sys /proc/sys; mount -o remount,bind,ro /proc/sys");
    pair.spoil(
        "echo 0 >/run/host/proc/sys/net/ipv4/ip_forward",
        "! touch /proc/sys/net/ipv4/ip_forward; grep -q 1 /proc/sys/net/ipv4/ip_forward",
    );
}

#[test]
fn an_interface_that_bounced() {
    let pair = Pair::of(Shape::HOST_GW);
    let back = "ip route show 10.244.2.0/24 | grep -q 'dev eth0' && ip -6 route show fd00:10:244:2::/64 | grep -q 'dev eth0'";
    pair.spoil(
        "ip link set eth0 down; ip link set eth0 up; ip addr replace 2001:db8::1/64 dev eth0 nodad",
        back,
    );
}

#[test]
fn a_tunnels_settings() {
    let pair = Pair::of(Shape::VXLAN);
    pair.spoil("ip link set flannel.1 mtu 1300", "ip link show flannel.1 | grep -q 'mtu 1450'");
    let mac = pair.cluster.members[0].machine.exec(&["cat", "/sys/class/net/flannel.1/address"]).stdout;
    pair.spoil(
        "ip link set flannel.1 address 0e:00:00:00:00:01",
        &format!("ip link show flannel.1 | grep -q {}", mac.trim()),
    );
}

#[test]
fn an_uplink_with_a_smaller_mtu() {
    let pair = Pair::of(Shape::VXLAN);
    pair.spoil(
        "ip link set eth0 mtu 1400",
        "ip link show flannel.1 | grep -q 'mtu 1350' && grep -q FLANNEL_MTU=1330 /run/flannel/subnet.env && ip link show cni0 | grep -q 'mtu 1330'",
    );
}

#[test]
fn an_own_address_that_changed() {
    let pair = Pair::of(Shape::VXLAN);
    let member = &pair.cluster.members[0];
    member.machine.sh("ip addr del 192.0.2.1/24 dev eth0; ip addr add 192.0.2.77/24 dev eth0");
    let mut entries = pair.cluster.entries();
    entries[0]["addresses"] = serde_json::json!(["192.0.2.77", "2001:db8::1"]);
    pair.cluster.tell(&entries);
    let local = "ip -d link show flannel.1 | grep -q 'local 192.0.2.77'";
    assert!(
        eventually(PATIENCE, || member.machine.try_exec(&["sh", "-c", local]).code == 0),
        "{}",
        member.log()
    );
    pair.assert_whole("with another address");
}

#[test]
fn what_is_undone_again_and_again_is_told_and_mended_more_slowly() {
    let pair = Pair::of(Shape::HOST_GW);
    let member = &pair.cluster.members[0];
    let told = eventually(PATIENCE, || {
        member.machine.sh("nft flush ruleset");
        let back = "nft list table inet trestle-routed";
        assert!(
            eventually(PATIENCE, || member.machine.try_exec(&["sh", "-c", back]).code == 0),
            "{}",
            member.log()
        );
        member.log().contains("undone again and again")
    });
    assert!(told, "{}", member.log());
}

#[test]
fn a_drop_in_iptables_forward_does_not_keep_pods_apart() {
    let pair = Pair::of(Shape::VXLAN);
    let machine = &pair.cluster.members[0].machine;
    machine.sh("iptables-nft -P FORWARD DROP; ip6tables-nft -P FORWARD DROP");
    pair.assert_whole("with iptables -P FORWARD DROP");
}
