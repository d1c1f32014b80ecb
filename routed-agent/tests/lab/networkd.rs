//! systemd-networkd on the same host: `deploy/systemd` keeps it off what is ours. It is the real one, of Debian's package systemd;
//! and at the end, NetworkManager.

use std::path::Path;

use sandbox::{Daemon, Place};

use crate::cluster::{Cluster, Member, Shape};
use crate::network_manager;

const NETWORKD: &str = "/lib/systemd/systemd-networkd";

/// What is on our own devices, on the first host.
const OURS: &str = "for link in flannel.1 flannel-v6.1 cni0; do
        ip -br addr show dev $link; ip route show dev $link; ip -6 route show dev $link; ip nexthop show dev $link
    done";

/// Parts of it, which networkd takes away where nobody keeps it off.
const TAKEN: [&str; 3] = ["10.244.1.0/32", "10.244.1.1/24", "10.244.2.0/24"];

/// An administrator's files: the uplink has addresses, and a last file takes whatever link there is.
const FILES: &str = r"
    printf '[Match]\nName=eth0\n[Network]\nAddress=192.0.2.1/24\nAddress=2001:db8:0::1/64\n' >/etc/systemd/network/20-eth0.network
    printf '[Match]\nName=*\n[Network]\nLinkLocalAddressing=no\nIPv6AcceptRA=no\n' >/etc/systemd/network/90-rest.network";

/// Ours, under the names that they say they have.
const KEEP_OFF: [(&str, &str); 2] = [
    ("/etc/systemd/network/05-trestle.network", include_str!("../../../deploy/systemd/05-trestle.network")),
    (
        "/etc/systemd/networkd.conf.d/10-trestle.conf",
        include_str!("../../../deploy/systemd/networkd.conf.d/10-trestle.conf"),
    ),
];

/// Addresses that no file has, on the first link and on the last: when networkd has taken both away, it has seen every link.
const STRANGERS: &str = "ip link add last type bridge; ip link set last up
    for link in eth0 last; do ip addr add 198.51.100.1/24 dev $link; done";

/// Every link as udev would have it.
pub(crate) const READY: &str = "mkdir -p /run/udev/data
    for index in $(cat /sys/class/net/*/ifindex); do echo I:1 >/run/udev/data/n$index; done";

/// A start of networkd: it looks at every link, and makes of it what its files say.
fn start(member: &Member) {
    let machine = &member.machine;
    machine.sh(STRANGERS);
    machine.sh(READY);
    let mut networkd = machine.within(|| {
        Daemon::start(&["env", "SYSTEMD_LOG_TARGET=console", NETWORKD], Path::new("/run/networkd.log"))
    });
    networkd.until("the strangers go", || !machine.sh("ip addr").stdout.contains("198.51.100.1"));
    networkd.terminate();
    machine.sh("ip link del last");
}

#[test]
fn what_is_ours_outlives_restarts_with_networkd_and_with_network_manager_and_only_by_our_files() {
    assert!(Path::new(NETWORKD).exists(), "no {NETWORKD}: make deps installs the package systemd");
    let shape = Shape { backend: r#"{"Type": "vxlan", "DirectRouting": true}"#, ..Shape::VXLAN };
    let mut cluster = Cluster::routed(shape, 3);
    cluster.start();
    let _pod = cluster.pod(1, "a");
    // Whoever mends would hide what is taken away.
    cluster.members[0].kill();
    let member = &mut cluster.members[0];
    // The directories of its own; and the word of udev, which no container has, that links are ready.
    member
        .machine
        .sh("mount -t tmpfs tmpfs /etc/systemd; mkdir -p /etc/systemd/network /etc/systemd/networkd.conf.d");
    member.machine.sh("mkdir -p /run/systemd");
    member.machine.sh(FILES);
    let ours = |member: &Member| member.machine.sh(OURS).stdout;
    let before = ours(member);
    for wanted in TAKEN {
        assert!(before.contains(wanted), "{wanted} is not in\n{before}");
    }

    for (path, text) in KEEP_OFF {
        member.write(path, text);
    }
    for _ in 0..2 {
        start(member);
        assert_eq!(ours(member), before, "{}", member.read("/run/networkd.log").unwrap_or_default());
    }

    // What is on the host's own link networkd has a key for only since 256; the agent has it back at once.
    mended(member);
    member.kill();

    for (path, _) in KEEP_OFF {
        member.machine.sh(&format!("rm {path}"));
    }
    start(member);
    let after = ours(member);
    for taken in TAKEN {
        assert!(!after.contains(taken), "without our files {taken} stays:\n{after}");
    }
    mended(member);
    member.kill();
    network_manager::leaves_ours_alone(member, || ours(member));
}

fn mended(member: &mut Member) {
    member.start();
    member.wait_ready();
    member.wait_routes(|routes| routes.contains("10.244.2.0/24") && routes.contains("10.244.3.0/24"));
}
