//! 127.0.0.0/8 is the node's own. A link through which mapped ports of 127.0.0.1 lead (`route_localnet`) would carry
//! its packets from and to containers (CVE-2020-8558), but for these rules. They come before any translation, so
//! neither what the node sends to itself nor an answer on its way back is met by them.

use std::net::{IpAddr, Ipv4Addr};

use ipnetwork::{IpNetwork, Ipv4Network};
use netlink_packet_netfilter::nftables::{InetHookNumber, MetaKey, Operator};
use netstate::Family;

use crate::nftables::address::{address_compares, protocol_is, row};
use crate::nftables::expression::{compare, drop, meta};
use crate::nftables::message::BaseChain;
use crate::nftables::structure::{Chain, INET};

/// The index of `lo`, in every network namespace.
const LO: u32 = 1;

/// Before connection tracking.
const RAW: i32 = -300;

/// The addresses that lead to the node itself from the node alone, of which there is a network in IPv4 only: `::1` is
/// never routed, so no port of it can be mapped.
pub(super) fn network(family: Family) -> Option<IpNetwork> {
    match family {
        Family::V4 => Ipv4Network::new(Ipv4Addr::new(127, 0, 0, 0), 8).ok().map(IpNetwork::V4),
        Family::V6 => None,
    }
}

/// `type filter hook prerouting priority raw`
pub(super) fn chain() -> Chain {
    // iif != lo ip daddr 127.0.0.0/8 drop
    // iif != lo ip saddr 127.0.0.0/8 drop
    let row = row(IpAddr::V4(Ipv4Addr::LOCALHOST));
    let rule = |field| {
        let mut rule = vec![meta(MetaKey::Iif), compare(Operator::NotEqual, LO.to_ne_bytes().to_vec())];
        rule.extend(protocol_is(row.protocol));
        rule.extend(
            network(Family::V4).into_iter().flat_map(|own| address_compares(field, Operator::Equal, own)),
        );
        rule.push(drop());
        rule
    };
    Chain {
        table: INET,
        name: "loopback".to_owned(),
        sets: Vec::new(),
        base: Some(BaseChain::at("filter", InetHookNumber::PreRouting, RAW)),
        rules: vec![rule(row.destination), rule(row.source)],
    }
}
