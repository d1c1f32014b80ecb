//! What packets meet.

use host::nftables::Nftables;

use crate::network::{Elsewhere, eventually, private_network, run};
use crate::rules::{guard, link, masquerade, owner};

/// A pod behind the thread's namespace and a machine on the other side, which knows no way back to pods.
fn pod_and_outside() -> (Elsewhere, Elsewhere) {
    private_network();
    let (pod, outside) = (Elsewhere::new(), Elsewhere::new());
    for (name, there, host, peer) in [
        ("vpod", &pod, ["10.1.0.1/24", "fd00:1::1/64"], ["10.1.0.2/24", "fd00:1::2/64"]),
        ("vout", &outside, ["192.0.2.1/24", "2001:db8::1/64"], ["192.0.2.2/24", "2001:db8::2/64"]),
    ] {
        run(&format!("ip link add {name} type veth peer name eth0 netns {}", there.id()));
        run(&format!("ip link set {name} up"));
        there.run("ip link set eth0 up");
        for (host, peer) in host.iter().zip(peer) {
            run(&format!("ip address add {host} dev {name} {}", nodad(host)));
            there.run(&format!("ip address add {peer} dev eth0 {}", nodad(peer)));
        }
    }
    pod.run("ip route add default via 10.1.0.1");
    pod.run("ip route add default via fd00:1::1");
    run("sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1");
    (pod, outside)
}

fn nodad(address: &str) -> &str {
    if address.contains(':') { "nodad" } else { "" }
}

const OUTSIDE: [&str; 2] = ["192.0.2.2", "2001:db8::2"];

#[test]
fn what_a_pod_sends_outside_its_subnet_comes_back() {
    let (pod, _outside) = pod_and_outside();
    for address in OUTSIDE {
        assert!(
            !pod.succeeds(&format!("ping -c 1 -W 0.3 {address}")),
            "{address} answers without masquerade"
        );
    }
    let mut nftables = Nftables::new();
    nftables
        .add(
            &[masquerade("10.1.0.2", "10.1.0.0/24", "one"), masquerade("fd00:1::2", "fd00:1::/64", "one")],
            &[],
        )
        .unwrap();
    for address in OUTSIDE {
        pod.run(&format!("ping -c 1 -W 10 {address}"));
    }
}

#[test]
fn what_a_pod_sends_within_its_subnet_keeps_its_address() {
    let (pod, _outside) = pod_and_outside();
    let mut nftables = Nftables::new();
    // The whole of the outside counts as the pod's own subnet.
    nftables
        .add(
            &[masquerade("10.1.0.2", "192.0.2.0/24", "one"), masquerade("fd00:1::2", "2001:db8::/64", "one")],
            &[],
        )
        .unwrap();
    for address in OUTSIDE {
        assert!(!pod.succeeds(&format!("ping -c 1 -W 0.3 {address}")), "{address} answers: masqueraded");
    }
}

#[test]
fn a_forged_mac_is_dropped_on_its_link_only() {
    private_network();
    let pods = [Elsewhere::new(), Elsewhere::new()];
    run("ip link add br0 type bridge");
    run("ip link set br0 up");
    run("ip address add 10.1.0.1/24 dev br0");
    for (number, pod) in pods.iter().enumerate() {
        run(&format!("ip link add veth{number} type veth peer name eth0 netns {}", pod.id()));
        run(&format!("ip link set veth{number} up master br0"));
        pod.run(&format!("ip link set eth0 address 0a:58:0a:01:00:1{number} up"));
        pod.run(&format!("ip address add 10.1.0.1{number}/24 dev eth0"));
    }
    let mut nftables = Nftables::new();
    nftables.add(&[], &[guard("veth0", "0a:58:0a:01:00:10", "one")]).unwrap();
    for pod in &pods {
        pod.run("ping -c 1 -W 10 10.1.0.1");
        pod.run("ip link set eth0 address 0a:58:0a:01:00:ff");
    }
    assert!(!pods[0].succeeds("ping -c 1 -W 0.3 10.1.0.1"), "a forged MAC got through");
    pods[1].run("ping -c 1 -W 10 10.1.0.1");

    nftables.remove(&owner("one"), &[], Some(&link("veth0"))).unwrap();
    pods[1].run("ip link set eth0 address 0a:58:0a:01:00:11");
    // Its kernel may just be giving up the question that was dropped; what waits for that fails with it.
    eventually("an answer without a guard", || pods[0].succeeds("ping -c 1 -W 1 10.1.0.1"));
}
