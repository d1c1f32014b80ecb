//! Packet rules in the real kernel: what `nft` and packets say of them. Each test has network namespaces of its own.

#[path = "nftables/network.rs"]
mod network;
#[path = "nftables/packets.rs"]
mod packets;
#[path = "nftables/parallel.rs"]
mod parallel;
#[path = "nftables/reference.rs"]
mod reference;
#[path = "nftables/rules.rs"]
mod rules;

use std::net::IpAddr;

use host::nftables::{Element, Nftables, Owned, Owner};
use netstate::{Mac, Object, RuleKind};

use network::{only, private_network, ruleset, run};
use rules::{guard, link, masquerade, owner};

/// What `nft` lists for the container `one`; its key is the digest's.
const GOLDEN: &str = r#"table inet trestle {
	comment "rules of containers on this node, kept by Trestle's CNI plugins"
	map masquerade4 {
		type ipv4_addr : verdict
		elements = { 10.1.0.2 comment "KEY net/one/eth0" : jump outside-10.1.0.0/24 }
	}

	map masquerade6 {
		type ipv6_addr : verdict
		elements = { fd00:1::2 comment "KEY net/one/eth0" : jump outside-fd00-1--/64 }
	}

	chain outside-10.1.0.0/24 {
		ip daddr 10.1.0.0/24 return
		ip daddr 224.0.0.0/4 return
		masquerade
	}

	chain outside-fd00-1--/64 {
		ip6 daddr fd00:1::/64 return
		ip6 daddr ff00::/8 return
		masquerade
	}

	chain postrouting {
		type nat hook postrouting priority srcnat; policy accept;
		ip saddr vmap @masquerade4
		ip6 saddr vmap @masquerade6
	}
}
table bridge trestle {
	comment "rules of containers on this node, kept by Trestle's CNI plugins"
	set guarded {
		type ifname
		elements = { "veth1" comment "KEY 0a:58:0a:01:00:02 net/one/eth0" }
	}

	set permitted {
		type ifname . ether_addr
		elements = { "veth1" . 0a:58:0a:01:00:02 comment "KEY net/one/eth0" }
	}

	chain prerouting {
		type filter hook prerouting priority dstnat; policy accept;
		iifname @guarded iifname . ether saddr != @permitted drop
	}
}
"#;

/// The rules of a container with both families and a guard, as in [`GOLDEN`].
fn add(nftables: &mut Nftables, container: &str) {
    nftables
        .add(
            &[
                masquerade("10.1.0.2", "10.1.0.1/24", container),
                masquerade("fd00:1::2", "fd00:1::/64", container),
            ],
            &[guard("veth1", "0a:58:0a:01:00:02", container)],
        )
        .unwrap();
}

fn addresses() -> [IpAddr; 2] {
    ["10.1.0.2", "fd00:1::2"].map(|address| address.parse().unwrap())
}

fn remove(nftables: &mut Nftables, container: &str) {
    nftables.remove(&owner(container), &addresses(), Some(&link("veth1"))).unwrap();
}

fn golden() -> String {
    GOLDEN.replace("KEY", &owner("one").key())
}

/// The same without elements.
fn golden_structure() -> String {
    only(&golden(), |line| !line.contains("elements"))
}

#[test]
fn nft_lists_what_was_added() {
    private_network();
    add(&mut Nftables::new(), "one");
    assert_eq!(ruleset(), golden());
}

#[test]
fn adding_again_changes_nothing() {
    private_network();
    let mut nftables = Nftables::new();
    add(&mut nftables, "one");
    let handles = run("nft --handle list ruleset");
    add(&mut nftables, "one");
    assert_eq!(run("nft --handle list ruleset"), handles);
}

#[test]
fn removing_leaves_the_constant_part_and_removing_again_changes_nothing() {
    private_network();
    let mut nftables = Nftables::new();
    add(&mut nftables, "one");
    remove(&mut nftables, "one");
    assert_eq!(ruleset(), golden_structure());
    remove(&mut nftables, "one");
    assert_eq!(ruleset(), golden_structure());
}

#[test]
fn nothing_is_made_where_nothing_is_to_be_removed() {
    private_network();
    let mut nftables = Nftables::new();
    remove(&mut nftables, "one");
    nftables.remove_tables().unwrap();
    assert_eq!(nftables.owned().unwrap(), []);
    assert!(nftables.available().unwrap() && !nftables.has_tables(&[RuleKind::Masquerade]).unwrap());
    nftables.require().unwrap();
    assert_eq!(ruleset(), "");
}

#[test]
fn an_element_of_a_dead_owner_is_replaced() {
    private_network();
    let mut nftables = Nftables::new();
    nftables
        .add(
            &[masquerade("10.1.0.2", "10.2.0.0/16", "dead"), masquerade("fd00:1::2", "fd00:1::/64", "dead")],
            &[guard("veth1", "0e:00:00:00:00:01", "dead")],
        )
        .unwrap();
    add(&mut nftables, "one");
    let elements = only(&golden(), |line| line.contains("elements"));
    let listed = only(&ruleset(), |line| line.contains("elements"));
    assert_eq!(listed, elements);
}

#[test]
fn a_late_remove_takes_nothing_of_the_new_owner() {
    private_network();
    let mut nftables = Nftables::new();
    add(&mut nftables, "dead");
    let of_the_dead = nftables.owned().unwrap();
    add(&mut nftables, "one");
    remove(&mut nftables, "dead");
    nftables.delete(&of_the_dead).unwrap();
    assert_eq!(ruleset(), golden());
}

#[test]
fn what_others_take_away_is_missed_and_comes_back() {
    let masquerades =
        [masquerade("10.1.0.2", "10.1.0.0/24", "one"), masquerade("fd00:1::2", "fd00:1::/64", "one")];
    let guards = [guard("veth1", "0a:58:0a:01:00:02", "one")];
    let [v4, v6] = masquerades.clone().map(Object::Masquerade);
    let mac = Object::MacGuard(guards[0].clone());
    let all = vec![v4.clone(), v6.clone(), mac.clone()];
    let both = vec![v4.clone(), v6];
    for (damage, missed) in [
        ("flush ruleset", all.clone()),
        ("flush table inet trestle", both.clone()),
        ("flush chain inet trestle postrouting", both.clone()),
        ("insert rule inet trestle postrouting accept", both),
        ("flush chain inet trestle outside-10.1.0.0/24", vec![v4.clone()]),
        ("insert rule inet trestle outside-10.1.0.0/24 ip daddr 10.0.0.0/8 return", vec![v4.clone()]),
        ("delete element inet trestle masquerade4 { 10.1.0.2 }", vec![v4]),
        ("delete table bridge trestle", vec![mac.clone()]),
        ("flush chain bridge trestle prerouting", vec![mac.clone()]),
        ("delete element bridge trestle guarded { veth1 }", vec![mac.clone()]),
        ("flush set bridge trestle permitted", vec![mac]),
    ] {
        private_network();
        let mut nftables = Nftables::new();
        assert_eq!(nftables.missing(&masquerades, &guards).unwrap(), all, "before");
        nftables.add(&masquerades, &guards).unwrap();
        assert_eq!(nftables.missing(&masquerades, &guards).unwrap(), [], "after");
        run(&format!("nft {damage}"));
        assert_eq!(nftables.missing(&masquerades, &guards).unwrap(), missed, "{damage}");
        nftables.add(&masquerades, &guards).unwrap();
        assert_eq!(nftables.missing(&masquerades, &guards).unwrap(), [], "{damage}");
        assert_eq!(ruleset(), golden(), "{damage}");
    }
}

#[test]
fn what_is_owned_is_told_with_its_owner_and_what_others_put_there_is_not() {
    private_network();
    let mut nftables = Nftables::new();
    add(&mut nftables, "one");
    run(
        "nft add element inet trestle masquerade4 { 10.1.0.9 comment \"byhand\" : jump outside-10.1.0.0/24 }",
    );
    let mac: Mac = "0a:58:0a:01:00:02".parse().unwrap();
    let elements = [
        Element::Masquerade(addresses()[0]),
        Element::Masquerade(addresses()[1]),
        Element::Guarded(link("veth1")),
        Element::Permitted(link("veth1"), mac),
    ];
    let owner_one = Owner::of(&owner("one"));
    let wanted = elements.map(|element| Owned { owner: owner_one.clone(), element });
    let owned = nftables.owned().unwrap();
    assert_eq!(owned, wanted);
    assert_eq!(owned[0].owner.attachment(), Some(owner("one")));
    nftables.delete(&owned).unwrap();
    assert_eq!(nftables.owned().unwrap(), []);
    assert!(ruleset().contains("10.1.0.9"));
}

#[test]
fn thousands_of_elements_are_told_and_deleted() {
    private_network();
    let mut nftables = Nftables::new();
    for hundred in 0..12 {
        let some: Vec<_> = (0..100)
            .map(|number| {
                masquerade(
                    &format!("10.1.{hundred}.{number}"),
                    "10.1.0.0/16",
                    &format!("c{hundred}-{number}"),
                )
            })
            .collect();
        nftables.add(&some, &[]).unwrap();
    }
    let owned = nftables.owned().unwrap();
    assert_eq!(owned.len(), 1200);
    nftables.delete(&owned).unwrap();
    assert_eq!(nftables.owned().unwrap(), []);
}

#[test]
fn our_tables_are_removed_and_no_others() {
    private_network();
    run("nft add table inet other");
    let mut nftables = Nftables::new();
    add(&mut nftables, "one");
    assert!(nftables.has_tables(&[RuleKind::Masquerade, RuleKind::MacGuard]).unwrap());
    nftables.remove_tables().unwrap();
    assert_eq!(ruleset(), "table inet other {\n}\n");
    assert!(!nftables.has_tables(&[RuleKind::MacGuard]).unwrap());
}

#[test]
fn subnets_of_every_size_can_be_read() {
    private_network();
    let mut nftables = Nftables::new();
    for (number, prefix) in [1, 8, 9, 23, 31, 32].into_iter().enumerate() {
        let source = format!("10.0.0.{number}");
        nftables.add(&[masquerade(&source, &format!("10.0.0.0/{prefix}"), "one")], &[]).unwrap();
        let network = if prefix == 1 { "0.0.0.0" } else { "10.0.0.0" };
        let shown = if prefix == 32 { network.to_owned() } else { format!("{network}/{prefix}") };
        assert!(ruleset().contains(&format!("ip daddr {shown} return")), "{}", ruleset());
    }
    for (number, prefix) in [3, 48, 65, 128].into_iter().enumerate() {
        let source = format!("fd00::{number}");
        nftables.add(&[masquerade(&source, &format!("fd00::/{prefix}"), "one")], &[]).unwrap();
        let network = if prefix == 3 { "e000::" } else { "fd00::" };
        let shown = if prefix == 128 { network.to_owned() } else { format!("{network}/{prefix}") };
        assert!(ruleset().contains(&format!("ip6 daddr {shown} return")), "{}", ruleset());
    }
}
