use expect_test::expect;

use super::*;

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn link(name: &str, addresses: &[&str]) -> Link {
    let address = |text: &&str| LinkAddress { address: ip(text), standing: Standing::Permanent };
    Link { name: name.to_owned(), mtu: 1500, addresses: addresses.iter().map(address).collect() }
}

fn route(family: Family, link: &str, metric: u32) -> DefaultRoute {
    DefaultRoute { family, link: link.to_owned(), metric }
}

/// A node with two cards, a bridge for pods, and default routes of both families by the first card.
fn facts() -> Facts {
    Facts {
        links: vec![
            link("lo", &["127.0.0.1", "::1"]),
            link("eth0", &["fe80::1", "192.0.2.1", "192.0.2.100", "2001:db8::1"]),
            link("eth1", &["198.51.100.1", "fe80::2"]),
            link("cni0", &["10.244.1.1", "fd00:0:0:1::1"]),
        ],
        default_routes: vec![route(Family::V4, "eth0", 100), route(Family::V6, "eth0", 1024)],
        reach: None,
    }
}

const V4: &[&str] = &["10.244.0.0/16"];
const DUAL: &[&str] = &["10.244.0.0/16", "fd00::/48"];

fn chosen(wish: &Wish, facts: &Facts, networks: &[&str]) -> Result<Uplink, UplinkError> {
    let networks: Vec<IpNetwork> = networks.iter().map(|text| text.parse().unwrap()).collect();
    choose(wish, facts, &networks)
}

/// `eth0 192.0.2.1 2001:db8::1`; an address that others are told differently as `local→public`.
fn short(uplink: &Result<Uplink, UplinkError>) -> String {
    match uplink {
        Ok(uplink) => uplink.addresses.iter().fold(uplink.link.clone(), |text, own| {
            let public = if own.public == own.local { String::new() } else { format!("→{}", own.public) };
            format!("{text} {}{public}", own.local)
        }),
        Err(error) => error.to_string(),
    }
}

fn asked(interfaces: &[&str]) -> Wish {
    Wish { interfaces: interfaces.iter().map(|text| Selector::named(text)).collect(), ..Wish::default() }
}

fn pattern(text: &str) -> Wish {
    Wish { interfaces: vec![Selector::Pattern(Pattern::new(text).unwrap())], ..Wish::default() }
}

fn public(addresses: &[&str]) -> Wish {
    Wish { public: addresses.iter().map(|text| ip(text)).collect(), ..Wish::default() }
}

#[test]
fn each_way_of_asking_finds_its_interface() {
    let reach = |target| Wish { can_reach: Some(ip(target)), ..Wish::default() };
    let cases: &[(&str, Wish, &[&str], &str)] = &[
        ("the default route", Wish::default(), V4, "eth0 192.0.2.1"),
        ("the default routes", Wish::default(), DUAL, "eth0 192.0.2.1 2001:db8::1"),
        ("IPv6 alone", Wish::default(), &["fd00::/48"], "eth0 2001:db8::1"),
        ("a name", asked(&["eth1"]), V4, "eth1 198.51.100.1"),
        ("the first name that is there", asked(&["eth9", "eth1", "eth0"]), V4, "eth1 198.51.100.1"),
        ("an address", asked(&["198.51.100.1"]), V4, "eth1 198.51.100.1"),
        ("a second address", asked(&["192.0.2.100"]), DUAL, "eth0 192.0.2.100 2001:db8::1"),
        ("a pattern for addresses", pattern(r"^198\."), V4, "eth1 198.51.100.1"),
        ("a pattern that a second address fits", pattern(r"\.100$"), V4, "eth0 192.0.2.100"),
        ("a pattern for names", pattern("^eth1$"), V4, "eth1 198.51.100.1"),
        ("a pattern never takes pods' addresses", pattern(r"^10\.|^eth1"), V4, "eth1 198.51.100.1"),
        ("a pattern for everything", pattern("."), V4, "eth0 192.0.2.1"),
        ("an address to reach", reach("198.51.100.9"), V4, "eth1 198.51.100.1"),
        ("a public address", public(&["198.51.100.1"]), V4, "eth1 198.51.100.1"),
        ("a second public address", public(&["192.0.2.100"]), V4, "eth0 192.0.2.100"),
        (
            "a public address behind NAT, and a name",
            Wish { public: vec![ip("203.0.113.1")], ..asked(&["eth0"]) },
            V4,
            "eth0 192.0.2.1→203.0.113.1",
        ),
        (
            "an address to tell instead",
            Wish { overwrite: vec![ip("203.0.113.1")], ..Wish::default() },
            DUAL,
            "eth0 192.0.2.1→203.0.113.1 2001:db8::1",
        ),
        (
            "an address to tell instead of the public one",
            Wish { overwrite: vec![ip("203.0.113.1")], ..public(&["192.0.2.100"]) },
            V4,
            "eth0 192.0.2.100→203.0.113.1",
        ),
    ];
    let facts = Facts { reach: Some(Reach { link: "eth1".to_owned(), source: None }), ..facts() };
    for (what, wish, networks, wanted) in cases {
        assert_eq!(short(&chosen(wish, &facts, networks)), *wanted, "{what}");
    }
}

#[test]
fn the_address_that_the_kernel_would_use_counts_for_one_to_reach() {
    let wish = Wish { can_reach: Some(ip("192.0.2.9")), ..Wish::default() };
    let reach = Reach { link: "eth0".to_owned(), source: Some(ip("192.0.2.100")) };
    let facts = Facts { reach: Some(reach), ..facts() };
    assert_eq!(short(&chosen(&wish, &facts, DUAL)), "eth0 192.0.2.100 2001:db8::1");
}

#[test]
fn of_several_default_routes_the_lowest_metric_counts() {
    let mut facts = facts();
    facts.default_routes = vec![route(Family::V4, "eth0", 200), route(Family::V4, "eth1", 100)];
    assert_eq!(short(&chosen(&Wish::default(), &facts, V4)), "eth1 198.51.100.1");
}

#[test]
fn an_interface_of_both_families_goes_before_one_that_lacks_some() {
    let mut facts = facts();
    facts.links[2] = link("eth1", &["198.51.100.1"]);
    facts.default_routes = vec![route(Family::V4, "eth1", 100), route(Family::V6, "eth0", 1024)];
    assert_eq!(short(&chosen(&Wish::default(), &facts, DUAL)), "eth0 192.0.2.1 2001:db8::1");
    // Where only the one is asked for, the families that it has are better than none.
    assert_eq!(short(&chosen(&asked(&["eth1"]), &facts, DUAL)), "eth1 198.51.100.1");
}

#[test]
fn of_several_addresses_the_one_that_lasts_counts() {
    let own = |address, standing| LinkAddress { address: ip(address), standing };
    let addresses = [
        own("fe80::1", Standing::Permanent),
        own("2001:db8::dead", Standing::Deprecated),
        own("2001:db8::7e", Standing::Temporary),
        own("2001:db8::d", Standing::Dynamic),
        own("2001:db8::a", Standing::Permanent),
    ];
    let mut found = Vec::new();
    for there in 1..=addresses.len() {
        let link = Link { name: "eth0".to_owned(), mtu: 1500, addresses: addresses[..there].to_vec() };
        let facts =
            Facts { links: vec![link], default_routes: vec![route(Family::V6, "eth0", 1024)], reach: None };
        found.push(short(&chosen(&Wish::default(), &facts, &["fd00::/48"])));
    }
    let wanted = ["fe80::1", "2001:db8::dead", "2001:db8::7e", "2001:db8::d", "2001:db8::a"];
    assert_eq!(found, wanted.map(|address| format!("eth0 {address}")));
}

#[test]
fn an_error_says_what_was_looked_for_and_what_there_is() {
    let mut bare = facts();
    bare.default_routes.clear();
    let reach = Wish { can_reach: Some(ip("198.51.100.9")), ..Wish::default() };
    let mut asked_for = asked(&["eth9", "192.0.2.9"]);
    asked_for.interfaces.push(Selector::Pattern(Pattern::new("^ens").unwrap()));
    let errors = [
        chosen(&asked_for, &bare, V4),
        chosen(&reach, &bare, V4),
        chosen(&public(&["203.0.113.1"]), &bare, V4),
        chosen(&Wish::default(), &bare, V4),
        chosen(
            &asked(&["eth1", "lo"]),
            &Facts { links: vec![link("lo", &["127.0.0.1"]), link("eth1", &[])], ..bare.clone() },
            DUAL,
        ),
        chosen(&Wish::default(), &Facts::default(), DUAL),
    ];
    let text: Vec<_> = errors.iter().map(|error| format!("{}\n", short(error))).collect();
    expect![[r"
        no interface is eth9 or 192.0.2.9 or /^ens/; name one that is there by --iface, or none for that of the default route; there is lo (127.0.0.1, ::1), eth0 (fe80::1, 192.0.2.1, 192.0.2.100, 2001:db8::1), eth1 (198.51.100.1, fe80::2), cni0 (10.244.1.1, fd00:0:0:1::1)
        no interface reaches 198.51.100.9; there is lo (127.0.0.1, ::1), eth0 (fe80::1, 192.0.2.1, 192.0.2.100, 2001:db8::1), eth1 (198.51.100.1, fe80::2), cni0 (10.244.1.1, fd00:0:0:1::1)
        no interface has 203.0.113.1, and neither --iface nor --iface-can-reach says which one is meant; there is lo (127.0.0.1, ::1), eth0 (fe80::1, 192.0.2.1, 192.0.2.100, 2001:db8::1), eth1 (198.51.100.1, fe80::2), cni0 (10.244.1.1, fd00:0:0:1::1)
        no default route tells the interface towards the other nodes (see --iface); there is lo (127.0.0.1, ::1), eth0 (fe80::1, 192.0.2.1, 192.0.2.100, 2001:db8::1), eth1 (198.51.100.1, fe80::2), cni0 (10.244.1.1, fd00:0:0:1::1)
        eth1 or lo has no IPv4 or IPv6 address; there is lo (127.0.0.1), eth1 (no address)
        no default route tells the interface towards the other nodes (see --iface); there is no link
    "]].assert_eq(&text.concat());
}

#[test]
fn annotations_go_before_flags_family_by_family() {
    let flags = public(&["192.0.2.1", "2001:db8::1"]);
    let annotations = [
        ("node-public-ip", "192.0.2.100"),
        ("public-ipv6-overwrite", "2001:db8::ffff"),
        ("node-public-ipv6", "192.0.2.3"),
        ("public-ip-overwrite", ""),
        ("public-ip", "203.0.113.7"),
    ];
    let annotations = annotations.into_iter().collect();
    let (wish, errors) = flags.with_annotations(&annotations);
    assert_eq!(
        wish,
        Wish { overwrite: vec![ip("2001:db8::ffff")], ..public(&["192.0.2.100", "2001:db8::1"]) }
    );
    let errors: Vec<_> = errors.iter().map(ToString::to_string).collect();
    assert_eq!(
        errors,
        ["annotation node-public-ipv6: invalid value \"192.0.2.3\": expected an IPv6 address"]
    );
}
