//! What others let through between links.

use host::nftables::{Blocked, RuleDrift};
use netstate::{Family, PodRules};
use sandbox::{Node, Place as _};

use crate::network::{Addresses, Network, families, ip, seen};
use crate::wanted::{V4, V6, host, routed, stands};

/// iptables' program of each family, in the order of [`Family::ALL`].
const NFT: [&str; 2] = ["iptables-nft", "ip6tables-nft"];
const LEGACY: [&str; 2] = ["iptables-legacy", "ip6tables-legacy"];

fn drop_by_policy(node: &Node, programs: [&str; 2]) {
    for program in programs {
        node.exec(&[program, "-w", "-P", "FORWARD", "DROP"]);
    }
}

fn shown(node: &Node, program: &str) -> String {
    node.exec(&[program, "-S", "FORWARD"]).stdout
}

/// What `iptables -S FORWARD` prints with our rules for a network.
fn with_ours(network: &str) -> String {
    let rule = |side| {
        format!("-A FORWARD {side} {network} -m comment --comment \"trestle routed-agent\" -j ACCEPT\n")
    };
    format!("-P FORWARD DROP\n{}{}", rule("-s"), rule("-d"))
}

fn no_pod_reaches_out(Network { pod, .. }: &Network) {
    for (family, Addresses { remote_pod, .. }) in families() {
        assert!(!pod.reaches(remote_pod), "{family}");
    }
}

/// Pods reach others and are reached.
fn pods_are_connected(Network { pod, neighbour, .. }: &Network) {
    for (_, Addresses { pod: ours, remote_pod, .. }) in families() {
        assert_eq!(seen((pod, ours), (neighbour, remote_pod)), ip(ours));
        assert_eq!(seen((neighbour, remote_pod), (pod, ours)), ip(remote_pod));
    }
}

#[test]
fn pods_get_through_an_iptables_that_drops() {
    let network = Network::new();
    drop_by_policy(&network.node, NFT);
    no_pod_reaches_out(&network);
    let mut host = host();
    let rules = routed(&[V4, V6]);
    assert_eq!(host.reconcile_pod_rules(&rules).unwrap().blocked, []);
    pods_are_connected(&network);
    for (program, (all, _)) in NFT.into_iter().zip([V4, V6]) {
        assert_eq!(shown(&network.node, program), with_ours(all));
    }
    assert!(stands(&mut host, &rules));
}

#[test]
fn our_rules_in_iptables_come_back_and_are_never_doubled() {
    let node = Node::enter();
    drop_by_policy(&node, NFT);
    let (mut host, rules) = (host(), routed(&[V4, V6]));
    host.reconcile_pod_rules(&rules).unwrap();
    for damage in [
        "iptables-nft -F FORWARD",
        "iptables-nft -D FORWARD -d 10.1.0.0/16 -m comment --comment 'trestle routed-agent' -j ACCEPT",
        "iptables-nft -A FORWARD -d 10.1.0.0/16 -m comment --comment 'trestle routed-agent' -j ACCEPT",
        "iptables-nft -A FORWARD -p tcp -m comment --comment 'trestle routed-agent' -j ACCEPT",
        "iptables-nft -R FORWARD 1 -s 10.2.0.0/16 -m comment --comment 'trestle routed-agent' -j ACCEPT",
        "nft flush ruleset; iptables-nft -P FORWARD DROP; ip6tables-nft -P FORWARD DROP",
    ] {
        node.sh(damage);
        assert!(!host.reconcile_pod_rules(&rules).unwrap().repaired.is_empty(), "{damage}");
        assert!(stands(&mut host, &rules), "{damage}");
        let mut listed: Vec<String> = shown(&node, NFT[0]).lines().map(str::to_owned).collect();
        listed.sort();
        let mut wanted: Vec<String> = with_ours(V4.0).lines().map(str::to_owned).collect();
        wanted.sort();
        assert_eq!(listed, wanted, "{damage}");
    }
    // What iptables wrote itself is ours as well.
    node.sh("iptables-nft-save >/run/rules; nft flush table ip filter; iptables-nft-restore /run/rules");
    assert_eq!(host.pod_rules_drift(&rules).unwrap(), []);
}

#[test]
fn our_rules_in_iptables_follow_the_network_and_leave_with_us() {
    let node = Node::enter();
    drop_by_policy(&node, NFT);
    node.exec(&["iptables-nft", "-A", "FORWARD", "-s", "10.7.0.0/16", "-j", "ACCEPT"]);
    let before: Vec<String> = NFT.map(|program| shown(&node, program)).into();
    let mut host = host();
    host.reconcile_pod_rules(&routed(&[V4, V6])).unwrap();
    let rules = routed(&[("10.2.0.7/15", "10.2.3.0/24"), ("fd00::/17", "fd00:2::/64")]);
    host.reconcile_pod_rules(&rules).unwrap();
    assert!(stands(&mut host, &rules));
    let theirs = "-A FORWARD -s 10.7.0.0/16 -j ACCEPT\n";
    let policy = "-P FORWARD DROP\n";
    assert_eq!(shown(&node, NFT[0]), with_ours("10.2.0.0/15").replace(policy, &format!("{policy}{theirs}")));
    assert_eq!(shown(&node, NFT[1]), with_ours("fd00::/17"));
    let named: Vec<String> = host
        .pod_rules_drift(&PodRules { forward: false, ..rules.clone() })
        .unwrap()
        .iter()
        .map(RuleDrift::to_string)
        .collect();
    let rule = "rule -s 10.2.0.0/15 -j ACCEPT of ip filter FORWARD: not wanted";
    assert!(named.iter().any(|named| named == rule), "{named:?}");
    host.remove_pod_rules().unwrap();
    assert_eq!(NFT.map(|program| shown(&node, program)).to_vec(), before);
}

#[test]
fn our_rules_stand_before_what_drops_everything_and_behind_what_drops_single_packets() {
    let network = Network::new();
    let node = &network.node;
    let single = "-A FORWARD -p tcp -m tcp --dport 25 -j DROP\n";
    for all in
        ["-A FORWARD -j DROP\n", "-A FORWARD -m comment --comment last -j REJECT\n", "-A FORWARD -j LAST\n"]
    {
        for program in NFT {
            node.sh(&format!(
                "{program} -P FORWARD DROP; {program} -F FORWARD; {program} -N LAST 2>/dev/null || {program} -F LAST
                {program} -A LAST -m conntrack --ctstate INVALID -j DROP; {program} -A LAST -j REJECT
                {program} {single}{program} {all}"
            ));
        }
        let (mut host, rules) = (host(), routed(&[V4, V6]));
        let check = |text: String| {
            let places = [single.trim(), "-s 10.1.0.0/16 ", "-d 10.1.0.0/16 ", all.trim()]
                .map(|rule| text.find(rule).unwrap_or_else(|| panic!("{rule} is not in {text}")));
            assert!(places.is_sorted(), "{text}");
        };
        host.reconcile_pod_rules(&rules).unwrap();
        // REJECT is shown with what it answers.
        check(shown(node, NFT[0]));
        assert!(stands(&mut host, &rules));
        pods_are_connected(&network);
        for program in NFT {
            node.sh(&format!("{program} -I FORWARD 2 -j DROP"));
        }
        assert_eq!(host.reconcile_pod_rules(&rules).unwrap().repaired.len(), 8, "{all}");
        check(shown(node, NFT[0]));
        assert!(stands(&mut host, &rules));
        pods_are_connected(&network);
    }
}

#[test]
fn nothing_is_put_where_iptables_is_not_in_use() {
    let node = Node::enter();
    host().reconcile_pod_rules(&routed(&[V4, V6])).unwrap();
    let tables = node.exec(&["nft", "list", "tables"]).stdout;
    assert_eq!(tables, "table inet trestle-routed\n");
    for list in ["ip_tables_names", "ip6_tables_names"] {
        assert_eq!(node.sh(&format!("cat /proc/net/{list} 2>/dev/null || true")).stdout, "");
    }
}

/// What the operator was told to do.
fn obey(node: &Node, blocked: &[Blocked]) {
    for blocked in blocked {
        node.sh(&blocked.command);
    }
}

#[test]
fn a_chain_of_others_that_drops_is_reported_until_the_operator_did_as_told() {
    let network = Network::new();
    let firewall = "add table inet firewalld; \
        add chain inet firewalld filter_FORWARD { type filter hook forward priority filter + 10; policy";
    for chain in [
        format!("{firewall} drop; }}"),
        format!(
            "{firewall} accept; }}; add rule inet firewalld filter_FORWARD ct state established accept; \
            add rule inet firewalld filter_FORWARD reject with icmpx admin-prohibited"
        ),
        format!("{firewall} accept; }}; add rule inet firewalld filter_FORWARD log prefix no counter drop"),
        format!(
            "{firewall} accept; }}; add chain inet firewalld last; add rule inet firewalld last drop; \
            add rule inet firewalld filter_FORWARD jump last"
        ),
    ] {
        let (mut host, rules) = (host(), routed(&[V4, V6]));
        network.node.exec(&["nft", &chain]);
        let blocked = host.reconcile_pod_rules(&rules).unwrap().blocked;
        assert_eq!(
            blocked[0],
            Blocked {
                family: Family::V4,
                chain: "inet firewalld filter_FORWARD".to_owned(),
                command: "nft insert rule inet firewalld filter_FORWARD ip saddr 10.1.0.0/16 accept && \
                          nft insert rule inet firewalld filter_FORWARD ip daddr 10.1.0.0/16 accept"
                    .to_owned(),
            }
        );
        assert_eq!((blocked.len(), blocked[1].family), (2, Family::V6));
        assert_eq!(host.reconcile_pod_rules(&rules).unwrap().blocked, blocked);
        no_pod_reaches_out(&network);
        obey(&network.node, &blocked);
        assert_eq!(host.reconcile_pod_rules(&rules).unwrap().blocked, []);
        pods_are_connected(&network);
        network.node.exec(&["nft", "flush", "ruleset"]);
    }
}

#[test]
fn a_chain_of_others_that_drops_only_some_packets_is_not_reported() {
    let node = Node::enter();
    node.exec(&[
        "nft",
        "add table inet other; add chain inet other forward { type filter hook forward priority 0; }; \
         add rule inet other forward ip saddr 10.1.0.0/16 drop; add rule inet other forward tcp dport 25 reject; \
         add rule inet other forward meta nfproto ipv6 counter; \
         add chain inet other some; add rule inet other some tcp dport 25 drop; \
         add rule inet other some return; add rule inet other some drop; \
         add rule inet other forward jump some; \
         add chain inet other input { type filter hook input priority 0; policy drop; }",
    ]);
    let pass = host().reconcile_pod_rules(&routed(&[V4, V6])).unwrap();
    assert_eq!(pass.blocked, []);
}

#[test]
fn a_legacy_chain_that_drops_is_reported_until_the_operator_did_as_told() {
    let network = Network::new();
    let node = &network.node;
    let (mut host, rules) = (host(), routed(&[V4, V6]));
    assert_eq!(host.reconcile_pod_rules(&rules).unwrap().blocked, []);
    for (policy, rule) in [("DROP", ""), ("ACCEPT", "REJECT"), ("ACCEPT", "DROP"), ("ACCEPT", "LAST")] {
        for program in LEGACY {
            node.sh(&format!("{program} -w -F FORWARD; {program} -w -P FORWARD {policy}"));
            node.sh(&format!("{program} -w -A FORWARD -i lo -j ACCEPT"));
            node.sh(&format!("{program} -w -A FORWARD -m conntrack --ctstate INVALID -j DROP"));
            node.sh(&format!("{program} -w -N LAST 2>/dev/null || {program} -w -F LAST"));
            node.sh(&format!("{program} -w -A LAST -p tcp -j RETURN; {program} -w -A LAST -j REJECT"));
            if !rule.is_empty() {
                node.sh(&format!("{program} -w -A FORWARD -m comment --comment last -j {rule}"));
            }
        }
        no_pod_reaches_out(&network);
        // The second pass has nothing else to do, but the operator may have acted.
        for _ in 0..2 {
            let blocked = host.reconcile_pod_rules(&rules).unwrap().blocked;
            let legacy = |family: Family, network| {
                let program = LEGACY[family as usize];
                Blocked {
                    family,
                    chain: format!("{program} filter FORWARD"),
                    command: format!(
                        "{program} -I FORWARD -s {network} -j ACCEPT && {program} -I FORWARD -d {network} -j ACCEPT"
                    ),
                }
            };
            assert_eq!(blocked, [legacy(Family::V4, V4.0), legacy(Family::V6, V6.0)], "{policy} {rule}");
        }
        let blocked = host.reconcile_pod_rules(&rules).unwrap().blocked;
        obey(node, &blocked);
        assert_eq!(host.reconcile_pod_rules(&rules).unwrap().blocked, [], "{policy} {rule}");
        pods_are_connected(&network);
    }
}
