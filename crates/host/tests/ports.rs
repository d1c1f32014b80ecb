//! Mapped ports in the real kernel: what `nft` says of them. Each test has a network namespace of its own.

#[path = "ports/asked.rs"]
mod asked;
#[path = "ports/conditions.rs"]
mod conditions;
#[path = "ports/holders.rs"]
mod holders;
#[path = "nftables/network.rs"]
#[expect(dead_code, reason = "shared with the tests of other packet rules")]
mod network;

use host::nftables::{Claim, Nftables, Owner};
use netstate::{PortClass, Ports};

use asked::{owner, ports};
use network::{only, private_network, ruleset, run};

/// What `nft` lists for the container `one`; its key is the digest's.
const GOLDEN: &str = r#"table inet trestle {
	comment "rules of containers on this node, kept by Trestle's CNI plugins"
	map ports-by-address4 {
		type ipv4_addr . inet_proto . inet_service : ipv4_addr . inet_service
		elements = { 192.0.2.1 . udp . 53 comment "KEY net/one/eth0" : 10.1.0.2 . 53 }
	}

	map ports-by-address6 {
		type ipv6_addr . inet_proto . inet_service : ipv6_addr . inet_service
	}

	map ports4 {
		type inet_proto . inet_service : ipv4_addr . inet_service
		elements = { tcp . 8080 comment "KEY net/one/eth0" : 10.1.0.2 . 80 }
	}

	map ports6 {
		type inet_proto . inet_service : ipv6_addr . inet_service
		elements = { tcp . 8080 comment "KEY net/one/eth0" : fd00:1::2 . 80 }
	}

	map port-ranges4 {
		type ipv4_addr . inet_proto . inet_service : ipv4_addr
		flags interval
		elements = { 0.0.0.0/0 . tcp . 9000-9100 comment "KEY net/one/eth0" : 10.1.0.2 }
	}

	map port-ranges6 {
		type ipv6_addr . inet_proto . inet_service : ipv6_addr
		flags interval
		elements = { 2001:db8::1 . sctp . 9000-9100 comment "KEY net/one/eth0" : fd00:1::2 }
	}

	map hairpins4 {
		type ipv4_addr : verdict
		elements = { 10.1.0.2 comment "KEY net/one/eth0" : jump inside-10.1.0.0/24 }
	}

	map hairpins6 {
		type ipv6_addr : verdict
		elements = { fd00:1::2 comment "KEY net/one/eth0" : jump inside-fd00-1--/64 }
	}

	chain inside-10.1.0.0/24 {
		ip saddr 10.1.0.0/24 masquerade
		ip saddr 127.0.0.0/8 masquerade
	}

	chain inside-fd00-1--/64 {
		ip6 saddr fd00:1::/64 masquerade
	}

	chain ports {
		meta nfproto ipv4 meta mark set meta mark | 0x00002000 dnat ip to ip daddr . meta l4proto . th dport map @ports-by-address4
		meta nfproto ipv4 meta mark set meta mark | 0x00002000 dnat ip to meta l4proto . th dport map @ports4
		meta nfproto ipv4 meta mark set meta mark | 0x00002000 dnat ip to ip daddr . meta l4proto . th dport map @port-ranges4
		meta nfproto ipv6 meta mark set meta mark | 0x00002000 dnat ip6 to ip6 daddr . meta l4proto . th dport map @ports-by-address6
		meta nfproto ipv6 meta mark set meta mark | 0x00002000 dnat ip6 to meta l4proto . th dport map @ports6
		meta nfproto ipv6 meta mark set meta mark | 0x00002000 dnat ip6 to ip6 daddr . meta l4proto . th dport map @port-ranges6
	}

	chain ports-prerouting {
		type nat hook prerouting priority dstnat + 1; policy accept;
		fib daddr type local jump ports
	}

	chain ports-output {
		type nat hook output priority -99; policy accept;
		fib daddr type local jump ports
	}

	chain ports-postrouting {
		type nat hook postrouting priority srcnat; policy accept;
		meta mark & 0x00002000 == 0x00002000 ip daddr vmap @hairpins4
		meta mark & 0x00002000 == 0x00002000 ip6 daddr vmap @hairpins6
	}

	chain loopback {
		type filter hook prerouting priority raw; policy accept;
		iif != "lo" ip daddr 127.0.0.0/8 drop
		iif != "lo" ip saddr 127.0.0.0/8 drop
	}
}
"#;

/// One of each sort.
fn one() -> Ports {
    let sorts = [
        "8080/tcp=10.1.0.2:80",
        "192.0.2.1:53/udp=10.1.0.2:53",
        "9000-9100/tcp=10.1.0.2:9000",
        "8080/tcp=[fd00:1::2]:80",
        "[2001:db8::1]:9000-9100/sctp=[fd00:1::2]:9000",
    ];
    ports("one", &sorts)
}

fn golden() -> String {
    GOLDEN.replace("KEY", &owner("one").key())
}

/// The same without elements.
fn golden_structure() -> String {
    only(&golden(), |line| !line.contains("elements"))
}

/// Nobody's claim is void.
pub(crate) fn stands(_: &Owner) -> Claim {
    Claim::Stands
}

/// Nobody else of the container asks for its ports.
pub(crate) fn alone(_: &Owner) -> Vec<Ports> {
    Vec::new()
}

/// Maps ports that nobody holds.
pub(crate) fn add(ports: &Ports) {
    Nftables::new().add_ports(ports, &mut stands).unwrap();
}

/// What is missing of ports that nobody else holds.
pub(crate) fn missing(ports: &Ports) -> Vec<String> {
    Nftables::new().missing_ports(ports, &mut stands).unwrap()
}

#[test]
fn nft_lists_what_was_mapped() {
    private_network();
    add(&one());
    assert_eq!(ruleset(), golden());
    assert_eq!(missing(&one()), [""; 0]);
}

#[test]
fn mapping_again_changes_nothing() {
    private_network();
    add(&one());
    let handles = run("nft --handle list ruleset");
    add(&one());
    assert_eq!(run("nft --handle list ruleset"), handles);
}

#[test]
fn removing_leaves_the_constant_part_and_removing_again_changes_nothing() {
    private_network();
    add(&one());
    let mut nftables = Nftables::new();
    for _ in 0..2 {
        nftables.remove_ports(&one(), &mut alone).unwrap();
        assert_eq!(ruleset(), golden_structure());
    }
}

#[test]
fn nothing_is_made_where_nothing_is_to_be_removed_or_mapped() {
    private_network();
    let mut nftables = Nftables::new();
    nftables.remove_ports(&one(), &mut alone).unwrap();
    nftables.add_ports(&ports("one", &[]), &mut stands).unwrap();
    assert!(nftables.owned_ports().unwrap().is_empty());
    assert!(!nftables.has_port_class(&PortClass::default()).unwrap());
    assert_eq!(ruleset(), "");
}

#[test]
fn what_others_take_away_is_missed_and_comes_back() {
    let chain = "the rules of chain inet trestle ports";
    for (damage, missed) in [
        ("flush ruleset", vec![chain]),
        ("flush chain inet trestle ports", vec![chain]),
        ("flush chain inet trestle ports-prerouting", vec![chain]),
        ("flush chain inet trestle ports-output", vec![chain]),
        ("flush chain inet trestle ports-postrouting", vec![chain]),
        ("flush chain inet trestle inside-10.1.0.0/24", vec![chain]),
        ("flush chain inet trestle loopback", vec![chain]),
        ("insert rule inet trestle ports accept", vec![chain]),
        ("flush map inet trestle ports4", vec!["port 0.0.0.0:8080/tcp"]),
        ("flush map inet trestle ports6", vec!["port [::]:8080/tcp"]),
        ("flush map inet trestle ports-by-address4", vec!["port 192.0.2.1:53/udp"]),
        ("flush map inet trestle port-ranges4", vec!["port 0.0.0.0:9000-9100/tcp"]),
        ("flush map inet trestle port-ranges6", vec!["port [2001:db8::1]:9000-9100/sctp"]),
        ("flush map inet trestle hairpins4", vec!["hairpin inside-10.1.0.0/24"]),
    ] {
        private_network();
        add(&one());
        run(&format!("nft {damage}"));
        assert_eq!(missing(&one()), missed, "{damage}");
        add(&one());
        assert_eq!(missing(&one()), [""; 0], "{damage}");
        assert_eq!(ruleset(), golden(), "{damage}");
    }
}

#[test]
fn a_range_is_one_element_where_its_ports_keep_their_numbers_and_else_an_element_a_port() {
    private_network();
    let kept = ports("kept", &["10000-60000/udp=10.1.0.2:10000"]);
    let moved = ports("moved", &["2000-4999/tcp=10.1.0.3:3000"]);
    add(&kept);
    add(&moved);
    let count = |container| {
        let owned = Nftables::new().owned_ports().unwrap();
        owned.iter().filter(|port| port.owner.is(&owner(container)) && port.from.is_some()).count()
    };
    assert_eq!((count("kept"), count("moved")), (1, 3000));
    let element = "tcp . 4999 comment";
    assert!(ruleset().contains(element) && ruleset().contains(": 10.1.0.3 . 5999"));
    assert_eq!((missing(&kept), missing(&moved)), (vec![], vec![]));
    for ports in [kept, moved] {
        Nftables::new().remove_ports(&ports, &mut alone).unwrap();
    }
    assert!(Nftables::new().owned_ports().unwrap().is_empty());
}

#[test]
fn what_is_owned_is_told_with_its_owner_and_what_others_put_there_is_not() {
    private_network();
    add(&one());
    run("nft add element inet trestle ports4 { tcp . 99 comment \"byhand\" : 10.1.0.9 . 99 }");
    let mut nftables = Nftables::new();
    let owned = nftables.owned_ports().unwrap();
    let mut told: Vec<String> = owned.iter().filter_map(|port| Some(port.from?.to_string())).collect();
    told.sort();
    let mut wanted: Vec<String> = one().mappings.iter().map(|mapping| mapping.from.to_string()).collect();
    wanted.sort();
    assert_eq!(told, wanted);
    assert!(owned.iter().all(|port| port.owner.attachment() == Some(owner("one"))));
    nftables.delete_ports(&owned, &mut alone).unwrap();
    assert!(nftables.owned_ports().unwrap().is_empty());
    assert!(ruleset().contains("byhand"));
}
