//! The agent's table: what packets of pods may and may not, whichever pod it is.
//!
//! ```text
//! table inet trestle-routed {
//!     set endpoints4 { type ipv4_addr; elements = { 192.0.2.7 } }
//!     set endpoints6 { type ipv6_addr; }
//!     set dropped4 { type ipv4_addr; size 1024; flags dynamic,timeout; timeout 1h; }
//!     set dropped6 { type ipv6_addr; size 1024; flags dynamic,timeout; timeout 1h; }
//!     chain postrouting { type nat hook postrouting priority srcnat + 10; … }
//!     chain forward { type filter hook forward priority filter; … }
//!     chain strangers { … drop; }
//!     chain input { type filter hook input priority raw; … }
//! }
//! ```
//!
//! It masquerades as flannel does with iptables. flannel appends its jump to `POSTROUTING`, so that rules of others
//! come first; `srcnat + 10` does the same among base chains, of which the first that translates a connection has
//! decided. A `return` is no decision: the chains of kube-proxy, or of an operator's own SNAT, are still asked.

use std::collections::BTreeSet;
use std::net::IpAddr;

use netlink_packet_netfilter::NetfilterProtoFamily;
use netlink_packet_netfilter::nftables::{InetHookNumber, MetaKey, Operator, Register};
use netstate::{Family, PodNetwork, PodRules, SourcePort, TunnelFilter};

use super::address::{ROWS, Row, address_compares, protocol_is, row};
use super::expression::{
    Expression, accept, count_in, drop, equals, is_not_in, jump_to, leave_chain, mask, masquerade, meta,
};
use super::field::Field;
use super::message::{BaseChain, Table};
use super::set::{Bounds, ByteOrder, Holds, SetType};
use super::structure::Chain;

/// The agent's table.
pub(super) const TABLE: Table = Table { family: NetfilterProtoFamily::Inet, name: "trestle-routed" };

/// What `nft list tables` says of it.
pub(super) const COMMENT: &str = "rules for all pods of this node, kept by Trestle's routed-agent";

/// The sets of those who may send tunnel packets, in the order of [`Family::ALL`].
const ENDPOINTS: [&str; 2] = ["endpoints4", "endpoints6"];

/// The sets of those whose tunnel packets were dropped, in the same order.
pub(super) const DROPPED: [&str; 2] = ["dropped4", "dropped6"];

/// So many strangers are told apart, for an hour each; the packets of the others are dropped without a count.
const STRANGERS: Bounds = Bounds { size: 1024, timeout: 60 * 60 * 1000 };

/// The chain that counts and drops.
const DROP: &str = "strangers";

/// kube-proxy's mark on packets that it masquerades itself.
const KUBE_MARK: u32 = 0x4000;

/// `IPPROTO_UDP`.
const UDP: u8 = 17;

/// The table as it must be: no chain means no table.
pub(super) struct Routed {
    /// Its chains, in the order in which their rules can be made.
    pub(super) chains: Vec<Chain>,
    /// Sets that hold exactly these addresses.
    pub(super) members: Vec<(&'static str, BTreeSet<IpAddr>)>,
}

impl Routed {
    /// What the rules need.
    pub(super) fn of(rules: &PodRules) -> Self {
        let mut chains = Vec::new();
        if !rules.networks.is_empty() {
            chains.extend(rules.masquerade.map(|port| postrouting(&rules.networks, port)));
            chains.extend(rules.forward.then(|| forward(&rules.networks)));
        }
        let mut members = Vec::new();
        if let Some(filter) = &rules.tunnel {
            chains.extend([strangers(), input(filter.port)]);
            members.extend(Family::ALL.map(|family| (ENDPOINTS[family as usize], endpoints(filter, family))));
        }
        Self { chains, members }
    }
}

fn endpoints(filter: &TunnelFilter, family: Family) -> BTreeSet<IpAddr> {
    filter.endpoints.iter().copied().filter(|endpoint| Family::of(*endpoint) == family).collect()
}

fn postrouting(networks: &[PodNetwork], port: SourcePort) -> Chain {
    // meta mark & 0x4000 == 0x4000 return
    let mark = KUBE_MARK.to_ne_bytes().to_vec();
    let mut rules = vec![vec![meta(MetaKey::Mark), mask(mark.clone()), equals(mark), leave_chain()]];
    rules.extend(networks.iter().flat_map(|network| masquerades(network, port)));
    Chain {
        table: TABLE,
        name: "postrouting".to_owned(),
        sets: Vec::new(),
        base: Some(BaseChain::at("nat", InetHookNumber::PostRouting, 110)),
        rules,
    }
}

fn masquerades(PodNetwork { network, subnet }: &PodNetwork, port: SourcePort) -> [Vec<Expression>; 5] {
    let row = row(network.ip());
    let (is, is_not) = (Operator::Equal, Operator::NotEqual);
    let from = |operator, network| address_compares(row.source, operator, network);
    let to = |operator, network| address_compares(row.destination, operator, network);
    let rule = |source: Vec<_>, destination: Vec<_>, verdict| {
        [protocol_is(row.protocol).to_vec(), source, destination, vec![verdict]].concat()
    };
    [
        // ip saddr 10.1.2.0/24 ip daddr 10.1.0.0/16 return
        rule(from(is, *subnet), to(is, *network), leave_chain()),
        // ip saddr 10.1.0.0/16 ip daddr 10.1.2.0/24 return
        rule(from(is, *network), to(is, *subnet), leave_chain()),
        // ip saddr != 10.1.0.0/16 ip daddr 10.1.2.0/24 return
        rule(from(is_not, *network), to(is, *subnet), leave_chain()),
        // ip saddr 10.1.0.0/16 ip daddr != 224.0.0.0/4 masquerade fully-random
        rule(from(is, *network), to(is_not, row.multicast), masquerade(port)),
        // ip saddr != 10.1.0.0/16 ip daddr 10.1.0.0/16 masquerade fully-random
        rule(from(is_not, *network), to(is, *network), masquerade(port)),
    ]
}

fn forward(networks: &[PodNetwork]) -> Chain {
    let rules = networks.iter().flat_map(|PodNetwork { network, .. }| {
        let row = row(network.ip());
        // ip saddr 10.1.0.0/16 accept
        // ip daddr 10.1.0.0/16 accept
        [row.source, row.destination].map(|field| {
            let side = address_compares(field, Operator::Equal, *network);
            [protocol_is(row.protocol).to_vec(), side, vec![accept()]].concat()
        })
    });
    Chain {
        table: TABLE,
        name: "forward".to_owned(),
        sets: Vec::new(),
        base: Some(BaseChain::at("filter", InetHookNumber::Forward, 0)),
        rules: rules.collect(),
    }
}

fn input(port: u16) -> Chain {
    // udp dport 8472 ip saddr != @endpoints4 jump strangers
    // udp dport 8472 ip6 saddr != @endpoints6 jump strangers
    let rule = |(row, set): (&Row, &str)| {
        let mut rule = vec![
            meta(MetaKey::L4Proto),
            equals(vec![UDP]),
            Field::UDP_DESTINATION.load(Register::Reg1),
            equals(port.to_be_bytes().to_vec()),
        ];
        rule.extend(protocol_is(row.protocol));
        rule.extend([row.source.load(Register::Reg1), is_not_in(set), jump_to(DROP)]);
        rule
    };
    Chain {
        table: TABLE,
        name: "input".to_owned(),
        sets: sets(ENDPOINTS, Holds::Keys),
        base: Some(BaseChain::at("filter", InetHookNumber::LocalIn, -300)),
        rules: ROWS.iter().zip(ENDPOINTS).map(rule).collect(),
    }
}

/// Counting is a rule apart: where the set is full it breaks off the rule that it is in.
fn strangers() -> Chain {
    // update @dropped4 { ip saddr counter }
    // update @dropped6 { ip6 saddr counter }
    let count = ROWS.iter().zip(DROPPED).map(|(row, set)| {
        let mut rule = protocol_is(row.protocol).to_vec();
        rule.extend([row.source.load(Register::Reg1), count_in(set)]);
        rule
    });
    Chain {
        table: TABLE,
        name: DROP.to_owned(),
        sets: sets(DROPPED, Holds::Seen(STRANGERS)),
        base: None,
        // drop
        rules: count.chain([vec![drop()]]).collect(),
    }
}

/// A set of addresses for each family.
fn sets(names: [&'static str; 2], holds: Holds) -> Vec<(&'static str, SetType)> {
    let kind = |(row, name): (&Row, _)| {
        let kind =
            SetType { key: row.address_type, length: row.source.length(), order: ByteOrder::Network, holds };
        (name, kind)
    };
    ROWS.iter().zip(names).map(kind).collect()
}
