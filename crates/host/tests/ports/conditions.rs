//! Conditions, and marks, of one network.

use host::nftables::Nftables;
use netstate::{Condition, Family, MarkBit, PortClass, Ports};

use crate::asked::ports;
use crate::network::{only, private_network, ruleset};
use crate::{add, missing};

/// The class of a network with conditions.
fn class(v4: &str, v6: &str) -> PortClass {
    let parsed = |text, family| Condition::parse_all(text, family).expect(text);
    PortClass { conditions: [parsed(v4, Family::V4), parsed(v6, Family::V6)], ..PortClass::default() }
}

/// The rules that let a class's packets in, as `nft` lists them.
fn gates(class: PortClass) -> Vec<String> {
    private_network();
    add(&Ports { class, ..ports("one", &["80/tcp=10.1.0.2:80", "80/tcp=[fd00:1::2]:80"]) });
    let lines = only(&ruleset(), |line| line.contains("jump ports-"));
    let lines: Vec<&str> = lines.lines().map(|line| line.split(" fib ").next().unwrap().trim()).collect();
    let (prerouting, output) = lines.split_at(lines.len() / 2);
    assert_eq!(prerouting, output);
    prerouting.iter().map(ToString::to_string).collect()
}

#[test]
fn nft_lists_conditions_as_they_were_written() {
    for (v4, v6, rules) in [
        ("ip saddr 10.0.0.0/8", "", vec!["ip saddr 10.0.0.0/8", "meta nfproto ipv6"]),
        (
            "ip saddr != { 10.0.0.0/8, 192.0.2.1 }",
            "",
            vec!["ip saddr != 10.0.0.0/8 ip saddr != 192.0.2.1", "meta nfproto ipv6"],
        ),
        (
            "",
            "ip6 daddr { fd00::1, fd00::2 }",
            vec!["meta nfproto ipv4", "ip6 daddr fd00::1", "ip6 daddr fd00::2"],
        ),
        (
            "iifname \"eth0\"",
            "iifname != \"eth*\"",
            vec!["meta nfproto ipv4 iifname \"eth0\"", "meta nfproto ipv6 iifname != \"eth*\""],
        ),
        (
            "mark 7",
            "mark & 0xff != 7",
            vec![
                "meta nfproto ipv4 meta mark 0x00000007",
                "meta nfproto ipv6 meta mark & 0x000000ff != 0x00000007",
            ],
        ),
    ] {
        assert_eq!(gates(class(v4, v6)), rules, "{v4} {v6}");
    }
}

#[test]
fn each_class_has_its_own_maps_and_all_classes_share_the_ports_of_the_host() {
    private_network();
    let usual = ports("one", &["80/tcp=10.1.0.2:80"]);
    let marked = PortClass { mark: MarkBit::try_from(5).unwrap(), ..PortClass::default() };
    let marked = Ports { class: marked, ..ports("two", &["81/tcp=10.1.0.3:81"]) };
    let conditional =
        Ports { class: class("ip saddr 192.0.2.0/24", ""), ..ports("three", &["82/tcp=10.1.0.4:82"]) };
    for ports in [&usual, &marked, &conditional] {
        add(ports);
    }
    assert!(ruleset().contains("meta mark & 0x00000020 == 0x00000020 ip daddr vmap @hairpins4-"));
    assert_eq!(ruleset().matches("chain inside-10.1.0.0/24").count(), 1);
    for ports in [&usual, &marked, &conditional] {
        assert_eq!(missing(ports), [""; 0]);
        let other =
            Ports { owner: crate::asked::owner("other"), class: PortClass::default(), ..ports.clone() };
        assert!(missing(&other)[0].contains("is taken by net/"), "{:?}", missing(&other));
    }
    let mut nftables = Nftables::new();
    assert_eq!(nftables.owned_ports().unwrap().len(), 6);
    for ports in [&usual, &marked, &conditional] {
        assert!(nftables.has_port_class(&ports.class).unwrap());
        nftables.remove_ports(ports, &mut crate::alone).unwrap();
    }
    assert!(nftables.owned_ports().unwrap().is_empty());
}
