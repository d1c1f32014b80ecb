//! Our own table.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Barrier;
use std::thread;

use host::nftables::{Found, RuleDrift};
use netstate::{PodRules, SourcePort, TunnelFilter};
use sandbox::{Node, Place};

use crate::wanted::{PORT, V4, V6, everything, filtered, host, routed, stands, tunnel};

const GOLDEN: &str = r#"table inet trestle-routed {
	comment "rules for all pods of this node, kept by Trestle's routed-agent"
	set dropped4 {
		type ipv4_addr
		size 1024
		flags dynamic,timeout
		timeout 1h
	}

	set dropped6 {
		type ipv6_addr
		size 1024
		flags dynamic,timeout
		timeout 1h
	}

	set endpoints4 {
		type ipv4_addr
		elements = { 192.0.2.7 }
	}

	set endpoints6 {
		type ipv6_addr
		elements = { 2001:db8::7 }
	}

	chain postrouting {
		type nat hook postrouting priority srcnat + 10; policy accept;
		meta mark & 0x00004000 == 0x00004000 return
		ip saddr 10.1.2.0/24 ip daddr 10.1.0.0/16 return
		ip saddr 10.1.0.0/16 ip daddr 10.1.2.0/24 return
		ip saddr != 10.1.0.0/16 ip daddr 10.1.2.0/24 return
		ip saddr 10.1.0.0/16 ip daddr != 224.0.0.0/4 masquerade fully-random
		ip saddr != 10.1.0.0/16 ip daddr 10.1.0.0/16 masquerade fully-random
		ip6 saddr fd00:1:0:2::/64 ip6 daddr fd00:1::/48 return
		ip6 saddr fd00:1::/48 ip6 daddr fd00:1:0:2::/64 return
		ip6 saddr != fd00:1::/48 ip6 daddr fd00:1:0:2::/64 return
		ip6 saddr fd00:1::/48 ip6 daddr != ff00::/8 masquerade fully-random
		ip6 saddr != fd00:1::/48 ip6 daddr fd00:1::/48 masquerade fully-random
	}

	chain forward {
		type filter hook forward priority filter; policy accept;
		ip saddr 10.1.0.0/16 accept
		ip daddr 10.1.0.0/16 accept
		ip6 saddr fd00:1::/48 accept
		ip6 daddr fd00:1::/48 accept
	}

	chain strangers {
		update @dropped4 { ip saddr counter }
		update @dropped6 { ip6 saddr counter }
		drop
	}

	chain input {
		type filter hook input priority raw; policy accept;
		udp dport 8472 ip saddr != @endpoints4 jump strangers
		udp dport 8472 ip6 saddr != @endpoints6 jump strangers
	}
}
"#;

fn ruleset(node: &Node) -> String {
    node.exec(&["nft", "list", "ruleset"]).stdout
}

/// With the handles of all rules, which a rule made anew does not keep.
fn handles(node: &Node) -> String {
    node.exec(&["nft", "--handle", "list", "ruleset"]).stdout
}

#[test]
fn nft_lists_what_was_asked_for() {
    let node = Node::enter();
    host().reconcile_pod_rules(&everything()).unwrap();
    assert_eq!(ruleset(&node), GOLDEN);
}

#[test]
fn a_restarted_agent_that_finds_them_right_changes_nothing() {
    let node = Node::enter();
    host().reconcile_pod_rules(&everything()).unwrap();
    let before = handles(&node);
    assert!(stands(&mut host(), &everything()));
    assert_eq!(handles(&node), before);
}

#[test]
fn each_kind_of_rule_comes_and_goes_alone() {
    let node = Node::enter();
    let mut host = host();
    let all = everything();
    for rules in [
        PodRules { masquerade: None, ..all.clone() },
        PodRules { forward: false, ..all.clone() },
        PodRules { tunnel: None, ..all.clone() },
        PodRules { networks: Vec::new(), ..all.clone() },
        routed(&[V4]),
        routed(&[V6]),
        filtered(&[]),
        PodRules { masquerade: Some(SourcePort::Kept), ..all.clone() },
        PodRules { tunnel: Some(TunnelFilter { port: 4789, ..tunnel(&["192.0.2.9"]) }), ..all.clone() },
        all.clone(),
    ] {
        assert!(!host.reconcile_pod_rules(&rules).unwrap().repaired.is_empty(), "{rules:?}");
        let listed = ruleset(&node);
        assert!(stands(&mut host, &rules), "{rules:?}");
        // The way here leaves no trace.
        host.remove_pod_rules().unwrap();
        host.reconcile_pod_rules(&rules).unwrap();
        assert_eq!(sorted(&ruleset(&node)), sorted(&listed), "{rules:?}");
    }
    assert_eq!(ruleset(&node), GOLDEN);
}

/// nft lists chains in the order in which they were made.
fn sorted(listed: &str) -> Vec<&str> {
    let mut blocks: Vec<&str> = listed.strip_suffix("\n}\n").unwrap_or(listed).split("\n\n").collect();
    blocks.sort_unstable();
    blocks
}

#[test]
fn what_others_spoil_is_named_and_right_again_after_one_pass() {
    for (damage, drift) in [
        ("flush ruleset", "table inet trestle-routed: missing"),
        ("flush table inet trestle-routed", "chain inet trestle-routed postrouting: different"),
        ("flush chain inet trestle-routed input", "chain inet trestle-routed input: different"),
        (
            "insert rule inet trestle-routed forward ip saddr { 10.1.0.1, 10.1.0.2 } drop",
            "chain inet trestle-routed forward: different",
        ),
        (
            "add rule inet trestle-routed postrouting accept",
            "chain inet trestle-routed postrouting: different",
        ),
        (
            "chain inet trestle-routed forward { policy drop; }",
            "chain inet trestle-routed forward: different",
        ),
        ("add chain inet trestle-routed more", "chain inet trestle-routed more: not wanted"),
        ("add set inet trestle-routed more { type mark; }", "set inet trestle-routed more: not wanted"),
        (
            "delete element inet trestle-routed endpoints6 { 2001:db8::7 }",
            "set inet trestle-routed endpoints6: 1 missing, 0 not wanted",
        ),
        (
            "add element inet trestle-routed endpoints4 { 192.0.2.66 }",
            "set inet trestle-routed endpoints4: 0 missing, 1 not wanted",
        ),
        (
            "delete chain inet trestle-routed forward; \
             add chain inet trestle-routed forward { type filter hook forward priority 7; }",
            "chain inet trestle-routed forward: different",
        ),
        (
            "delete table inet trestle-routed; add table inet trestle-routed; \
             add set inet trestle-routed endpoints4 { type ipv4_addr; flags interval; }",
            "set inet trestle-routed endpoints4: different",
        ),
    ] {
        let node = Node::enter();
        let (mut host, all) = (host(), everything());
        host.reconcile_pod_rules(&all).unwrap();
        assert!(stands(&mut host, &all));
        node.exec(&["nft", damage]);
        let named: Vec<String> =
            host.pod_rules_drift(&all).unwrap().iter().map(RuleDrift::to_string).collect();
        assert!(named.iter().any(|named| named == drift), "{damage}: {named:?}");
        let repaired = host.reconcile_pod_rules(&all).unwrap().repaired;
        assert_eq!(repaired.iter().map(RuleDrift::to_string).collect::<Vec<_>>(), named, "{damage}");
        assert!(stands(&mut host, &all), "{damage}");
        assert_eq!(sorted(&ruleset(&node)), sorted(GOLDEN), "{damage}");
    }
}

#[test]
fn thousands_of_endpoints_are_one_change_and_the_next_pass_sends_what_differs() {
    let _node = Node::enter();
    let mut host = host();
    let endpoints = |count: u16| {
        let v4 = (0..count).map(|number| IpAddr::from(Ipv4Addr::from(0x0a00_0000 + u32::from(number))));
        let v6 = (0..count).map(|number| IpAddr::from(Ipv6Addr::from(0xfd00 << 112 | u128::from(number))));
        let filter = TunnelFilter { port: PORT, endpoints: v4.chain(v6).collect() };
        PodRules { tunnel: Some(filter), ..PodRules::default() }
    };
    host.reconcile_pod_rules(&endpoints(5000)).unwrap();
    assert!(stands(&mut host, &endpoints(5000)));
    let repaired = host.reconcile_pod_rules(&endpoints(4990)).unwrap().repaired;
    let fewer = |family| RuleDrift {
        object: format!("set inet trestle-routed endpoints{family}"),
        found: Found::Elements { missing: 0, surplus: 10 },
    };
    assert_eq!(repaired, [fewer(4), fewer(6)]);
    assert!(stands(&mut host, &endpoints(4990)));
}

#[test]
fn removing_takes_what_is_ours_and_nothing_else() {
    let node = Node::enter();
    let mut host = host();
    host.remove_pod_rules().unwrap();
    assert_eq!(ruleset(&node), "");
    node.exec(&["nft", "add table inet trestle; add table ip trestle-routed"]);
    let before = ruleset(&node);
    host.reconcile_pod_rules(&everything()).unwrap();
    host.remove_pod_rules().unwrap();
    assert_eq!(ruleset(&node), before);
    host.remove_pod_rules().unwrap();
}

#[test]
fn agents_that_come_at_the_same_moment_double_nothing() {
    let node = Node::enter();
    node.exec(&["iptables-nft", "-P", "FORWARD", "DROP"]);
    let barrier = Barrier::new(8);
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let mut host = host();
                barrier.wait();
                host.reconcile_pod_rules(&everything()).unwrap();
            });
        }
    });
    assert!(stands(&mut host(), &everything()));
    assert!(ruleset(&node).contains(GOLDEN), "{}", ruleset(&node));
    let shown = node.exec(&["iptables-nft", "-S", "FORWARD"]).stdout;
    assert_eq!(shown.matches("trestle routed-agent").count(), 2, "{shown}");
}
