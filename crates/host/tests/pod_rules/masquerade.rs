//! Whose address packets have.

use netstate::{PodRules, SourcePort};
use sandbox::Place as _;

use crate::network::{Addresses, Network, families, ip, seen};
use crate::wanted::{V4, V6, host, routed};

/// What flannel's rules for iptables make of each way that a packet can go.
fn is_as_with_flannel(network: &Network, addresses: &Addresses) {
    let Network { node, pod, neighbour } = network;
    let Addresses { pod: ours, node: nodes, other, neighbour: next, remote_pod, stranger } = addresses;
    assert_eq!(seen((pod, ours), (neighbour, next)), ip(nodes), "a pod's to the world");
    assert_eq!(seen((pod, ours), (neighbour, stranger)), ip(nodes), "a pod's to the world, further on");
    assert_eq!(seen((pod, ours), (neighbour, remote_pod)), ip(ours), "a pod's to another node's pod");
    assert_eq!(seen((neighbour, remote_pod), (pod, ours)), ip(remote_pod), "another node's pod's to ours");
    assert_eq!(seen((neighbour, next), (pod, ours)), ip(next), "the world's to our pod");
    assert_eq!(seen((node, other), (neighbour, remote_pod)), ip(nodes), "the node's to another node's pod");
    assert_eq!(seen((node, other), (neighbour, next)), ip(other), "the node's to the world");
}

#[test]
fn packets_are_masqueraded_as_flannel_does_with_iptables() {
    let network = Network::new();
    host().reconcile_pod_rules(&routed(&[V4, V6])).unwrap();
    for (_, addresses) in families() {
        is_as_with_flannel(&network, addresses);
    }
}

#[test]
fn one_family_alone_is_masqueraded_and_the_other_is_not() {
    let network = Network::new();
    let Network { pod, neighbour, .. } = &network;
    let mut host = host();
    for (family, addresses) in families() {
        host.reconcile_pod_rules(&routed(&[[V4, V6][family as usize]])).unwrap();
        for (each, Addresses { pod: ours, node, neighbour: next, .. }) in families() {
            let expected = if each == family { node } else { ours };
            assert_eq!(seen((pod, ours), (neighbour, next)), ip(expected), "{each}");
        }
        is_as_with_flannel(&network, addresses);
    }
}

#[test]
fn what_kube_proxy_marked_is_left_to_kube_proxy() {
    let Network { node, pod, neighbour } = Network::new();
    host().reconcile_pod_rules(&routed(&[V4, V6])).unwrap();
    // Other bits beside kube-proxy's own change nothing.
    node.exec(&[
        "nft",
        "add table inet marks; add chain inet marks prerouting { type filter hook prerouting priority mangle; }; \
         add rule inet marks prerouting iifname vpod meta mark set 0x4001",
    ]);
    for (_, Addresses { pod: ours, neighbour: next, .. }) in families() {
        assert_eq!(seen((&pod, ours), (&neighbour, next)), ip(ours));
    }
    node.exec(&["nft", "flush chain inet marks prerouting"]);
    for (_, Addresses { pod: ours, node: nodes, neighbour: next, .. }) in families() {
        assert_eq!(seen((&pod, ours), (&neighbour, next)), ip(nodes));
    }
}

#[test]
fn an_operators_own_translation_comes_first_whenever_it_was_made() {
    let Network { node, pod, neighbour } = Network::new();
    let snat = |family: &str, other: &str| {
        format!(
            "add table {family} operator; add chain {family} operator post {{ type nat hook postrouting priority srcnat; }}; \
             add rule {family} operator post oifname up0 snat to {other}"
        )
    };
    let translations: Vec<_> =
        families().zip(["ip", "ip6"]).map(|((_, addresses), name)| snat(name, addresses.other)).collect();
    let mut host = host();
    for before in [true, false] {
        if before {
            node.exec(&["nft", &translations.join("; ")]);
        }
        host.reconcile_pod_rules(&routed(&[V4, V6])).unwrap();
        if !before {
            node.exec(&["nft", &translations.join("; ")]);
        }
        for (_, Addresses { pod: ours, other, neighbour: next, .. }) in families() {
            assert_eq!(seen((&pod, ours), (&neighbour, next)), ip(other), "made before: {before}");
        }
        node.exec(&["nft", "flush", "ruleset"]);
    }
}

#[test]
fn a_new_subnet_takes_the_old_ones_place() {
    let Network { pod, neighbour, .. } = Network::new();
    let mut host = host();
    let elsewhere = [(V4.0, "10.1.9.0/24"), (V6.0, "fd00:1:0:9::/64")];
    host.reconcile_pod_rules(&routed(&elsewhere)).unwrap();
    // The world's to a pod that is not ours is masqueraded; to one that is, it isn't.
    for (_, Addresses { pod: ours, neighbour: next, .. }) in families() {
        assert_ne!(seen((&neighbour, next), (&pod, ours)), ip(next));
    }
    let repaired = host.reconcile_pod_rules(&routed(&[V4, V6])).unwrap().repaired;
    assert_eq!(repaired.len(), 1, "{repaired:?}");
    for (_, Addresses { pod: ours, neighbour: next, .. }) in families() {
        assert_eq!(seen((&neighbour, next), (&pod, ours)), ip(next));
    }
}

#[test]
fn without_masquerade_pods_go_out_as_themselves() {
    let Network { pod, neighbour, .. } = Network::new();
    let mut host = host();
    for (masquerade, forward) in [(Some(SourcePort::Kept), true), (None, true), (None, false)] {
        host.reconcile_pod_rules(&PodRules { masquerade, forward, ..routed(&[V4, V6]) }).unwrap();
        for (_, Addresses { pod: ours, node, neighbour: next, .. }) in families() {
            let expected = if masquerade.is_some() { node } else { ours };
            assert_eq!(seen((&pod, ours), (&neighbour, next)), ip(expected));
        }
    }
}
