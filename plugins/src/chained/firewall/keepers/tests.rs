//! Who is told, without a machine.

use netstate::IptablesVariant::{self, Legacy, Nft};

use super::*;

const V4: &str = "10.1.0.2";

fn conf(backend: Backend, admin_chain: Option<&str>) -> Conf {
    Conf { backend, admin_chain: admin_chain.map(str::to_owned), zone: "trusted".to_owned(), ingress: None }
}

fn seen(firewalld: bool, heard: &[IptablesVariant], recorded: &[AcceptKeeper]) -> Seen {
    let address = V4.parse().unwrap();
    Seen {
        firewalld,
        heard: vec![(address, heard.to_vec())],
        holding: Vec::new(),
        recorded: recorded.iter().map(|keeper| (address, keeper.clone())).collect(),
    }
}

fn told(conf: &Conf, seen: &Seen) -> Vec<String> {
    let address = V4.parse().unwrap();
    let rule = |keeper| FirewallRule::Accept { address, keeper }.to_string();
    accepting(conf, address, seen).into_iter().map(rule).collect()
}

#[test]
fn without_a_backend_the_one_is_told_that_the_machine_listens_to() {
    let auto = conf(Backend::Auto, None);
    for (seen, wanted) in [
        (seen(true, &[], &[]), vec!["accept 10.1.0.2 firewalld trusted"]),
        (seen(false, &[Nft], &[]), vec!["accept 10.1.0.2 iptables-nft CNI-ADMIN"]),
        (
            seen(false, &[Nft, Legacy], &[]),
            vec!["accept 10.1.0.2 iptables-nft CNI-ADMIN", "accept 10.1.0.2 iptables-legacy CNI-ADMIN"],
        ),
        (seen(false, &[], &[]), vec!["accept 10.1.0.2 nftables"]),
    ] {
        assert_eq!(told(&auto, &seen), wanted, "{seen:?}");
    }
}

#[test]
fn what_add_made_stays_wanted_and_who_drops_since_is_told_too() {
    let auto = conf(Backend::Auto, None);
    let nftables = [AcceptKeeper::Nftables];
    let iptables = [AcceptKeeper::Iptables { variant: Nft, admin_chain: "CNI-ADMIN".to_owned() }];
    let firewalld = [AcceptKeeper::Firewalld { zone: "trusted".to_owned() }];
    for (seen, wanted) in [
        (seen(false, &[], &nftables), vec!["accept 10.1.0.2 nftables"]),
        (
            seen(false, &[Legacy], &nftables),
            vec!["accept 10.1.0.2 nftables", "accept 10.1.0.2 iptables-legacy CNI-ADMIN"],
        ),
        (seen(false, &[], &iptables), vec!["accept 10.1.0.2 iptables-nft CNI-ADMIN"]),
        // It was stopped; a zone of its own is no longer anybody's.
        (seen(false, &[], &firewalld), vec!["accept 10.1.0.2 firewalld trusted"]),
    ] {
        assert_eq!(told(&auto, &seen), wanted, "{seen:?}");
    }
}

#[test]
fn a_bridge_is_separated_where_its_containers_are_let_through() {
    let accept = |keeper| FirewallRule::Accept { address: V4.parse().unwrap(), keeper };
    let iptables = accept(AcceptKeeper::Iptables { variant: Nft, admin_chain: "CNI-ADMIN".to_owned() });
    let nftables = accept(AcceptKeeper::Nftables);
    let port: LinkName = "veth1".parse().unwrap();
    let told = |ingress, accepts: &[FirewallRule]| -> Vec<String> {
        let bridge: LinkName = "br1".parse().unwrap();
        let rule = |keeper| FirewallRule::Separate { bridge: bridge.clone(), ingress, keeper }.to_string();
        separating(ingress, Some(&port), accepts).into_iter().map(rule).collect()
    };
    let (same, isolated) = (Separation::SameBridge, Separation::Isolated);
    assert_eq!(told(same, std::slice::from_ref(&iptables)), ["separate br1 same-bridge iptables-nft IPv4"]);
    assert_eq!(told(same, &[nftables]), ["separate br1 same-bridge nftables veth1"]);
    assert_eq!(
        told(isolated, &[iptables]),
        ["separate br1 isolated iptables-nft IPv4", "separate br1 isolated nftables veth1"]
    );
    assert_eq!(told(same, &[]), ["separate br1 same-bridge nftables veth1"]);
}
