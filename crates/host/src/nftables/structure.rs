//! What is constant: two tables, their sets and maps, and rules that never change. One more chain for each subnet.

use std::fmt;

use ipnetwork::IpNetwork;
use netlink_packet_netfilter::NetfilterProtoFamily;
use netlink_packet_netfilter::nftables::{InetHookNumber, MetaKey, Operator, Register};
use netstate::{RuleKind, SourcePort};

use super::address::{ROWS, Row, address_compares, protocol_is, row};
use super::answer::Rule;
use super::expression::{Expression, drop, is_in, is_not_in, leave_chain, masquerade, meta, verdict_of};
use super::field::Field;
use super::message::{BaseChain, Change, Table};
use super::set::{ByteOrder, Holds, SetType};

/// The table that masquerades.
pub(super) const INET: Table = Table { family: NetfilterProtoFamily::Inet, name: "trestle" };

/// The table that guards against forged MACs.
pub(super) const BRIDGE: Table = Table { family: NetfilterProtoFamily::Bridge, name: "trestle" };

/// Both.
pub(super) const TABLES: [Table; 2] = [INET, BRIDGE];

/// The one that holds rules of this kind.
pub(super) fn table(kind: RuleKind) -> Table {
    match kind {
        RuleKind::Masquerade => INET,
        RuleKind::MacGuard => BRIDGE,
    }
}

/// What `nft list tables` says of them.
pub(super) const COMMENT: &str = "rules of containers on this node, kept by Trestle's CNI plugins";

/// The set of links whose frames need a permit.
pub(super) const GUARDED: &str = "guarded";

/// The set of permits: a link and the MAC that may send by it.
pub(super) const PERMITTED: &str = "permitted";

const POSTROUTING: &str = "postrouting";
const PREROUTING: &str = "prerouting";

/// `TYPE_VERDICT` of nft's data types.
pub(super) const VERDICT: u32 = 0xffff_ff00;

/// `TYPE_IFNAME` and `TYPE_ETHERADDR`; a concatenation has 6 bits for each.
const IFNAME: u32 = 41;
const ETHERADDR: u32 = 9;

/// A chain as it must be.
pub(super) struct Chain {
    /// Its table.
    pub(super) table: Table,
    /// Its name.
    pub(super) name: String,
    /// The sets that its rules look into.
    pub(super) sets: Vec<(&'static str, SetType)>,
    /// Where it is hooked in, if it is a base chain.
    pub(super) base: Option<BaseChain>,
    /// Its rules.
    pub(super) rules: Vec<Vec<Expression>>,
}

/// `type nat hook postrouting priority srcnat`, where every pod address finds its subnet's chain.
pub(super) fn postrouting() -> Chain {
    Chain {
        table: INET,
        name: POSTROUTING.to_owned(),
        sets: ROWS
            .iter()
            .map(|row| {
                let length = row.source.length();
                (
                    row.map,
                    SetType {
                        key: row.address_type,
                        length,
                        order: ByteOrder::Network,
                        holds: Holds::Verdicts(VERDICT),
                    },
                )
            })
            .collect(),
        base: Some(BaseChain::at("nat", InetHookNumber::PostRouting, 100)),
        // ip saddr vmap @masquerade4
        // ip6 saddr vmap @masquerade6
        rules: ROWS
            .iter()
            .map(|row| {
                [
                    protocol_is(row.protocol).as_slice(),
                    &[row.source.load(Register::Reg1), verdict_of(row.map)],
                ]
                .concat()
            })
            .collect(),
    }
}

/// The chain that masquerades what leaves a subnet.
pub(super) fn outside(subnet: IpNetwork) -> Chain {
    let row = row(subnet.ip());
    // ip daddr 10.1.0.0/24 return
    // ip daddr 224.0.0.0/4 return
    // masquerade
    Chain {
        table: INET,
        name: outside_name(subnet),
        sets: Vec::new(),
        base: None,
        rules: vec![returns(row, subnet), returns(row, row.multicast), vec![masquerade(SourcePort::Kept)]],
    }
}

/// Its name: `-` stands where an IPv6 address has `:`, which nft takes in no name.
pub(super) fn outside_name(subnet: IpNetwork) -> String {
    format!("outside-{}/{}", subnet.network(), subnet.prefix()).replace(':', "-")
}

/// `type filter hook prerouting priority -300` of bridges: no frame with a forged source MAC.
pub(super) fn prerouting() -> Chain {
    Chain {
        table: BRIDGE,
        name: PREROUTING.to_owned(),
        sets: vec![
            (GUARDED, SetType { key: IFNAME, length: 16, order: ByteOrder::Host, holds: Holds::Keys }),
            (
                PERMITTED,
                SetType {
                    key: IFNAME << 6 | ETHERADDR,
                    length: 24,
                    order: ByteOrder::Mixed,
                    holds: Holds::Keys,
                },
            ),
        ],
        base: Some(BaseChain::at("filter", InetHookNumber::PreRouting, -300)),
        // iifname @guarded iifname . ether saddr != @permitted drop
        rules: vec![vec![
            meta(MetaKey::Iifname),
            is_in(GUARDED),
            meta(MetaKey::Iifname),
            Field::ETHER_SOURCE.load(Register::Reg2),
            is_not_in(PERMITTED),
            drop(),
        ]],
    }
}

impl fmt::Display for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "chain {} {}", self.table, self.name)
    }
}

impl Chain {
    /// Are these, among the rules of its table, the rules of this chain? Then chain, sets and table stand too: the
    /// kernel keeps none of them from under a rule.
    pub(super) fn stands(&self, table: &[Rule]) -> bool {
        let found: Vec<&Rule> = table.iter().filter(|rule| rule.chain == self.name).collect();
        found.len() == self.rules.len()
            && self.rules.iter().zip(found).all(|(wanted, found)| found.says(wanted))
    }

    /// What makes it as it must be, whatever is there.
    pub(super) fn build(&self, table: &[Rule]) -> Vec<Change> {
        let mut changes = vec![self.table.create(COMMENT)];
        changes.extend(self.sets.iter().map(|(set, kind)| self.table.create_set(set, kind)));
        changes.push(self.create());
        changes.extend(self.fill(table));
        changes
    }

    /// Makes the chain, where it is not there.
    pub(super) fn create(&self) -> Change {
        self.table.create_chain(&self.name, self.base.as_ref())
    }

    /// Puts its rules in the place of those that it has among the rules of its table.
    pub(super) fn fill(&self, table: &[Rule]) -> Vec<Change> {
        let mut changes = Vec::new();
        if table.iter().any(|rule| rule.chain == self.name) {
            changes.push(self.table.flush_chain(&self.name));
        }
        changes.extend(self.rules.iter().map(|rule| self.table.append_rule(&self.name, rule)));
        changes
    }
}

/// `ip daddr network return`
fn returns(row: &Row, network: IpNetwork) -> Vec<Expression> {
    let mut rule = protocol_is(row.protocol).to_vec();
    rule.extend(address_compares(row.destination, Operator::Equal, network));
    rule.push(leave_chain());
    rule
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_subnet_has_a_name_of_its_own() {
        for (subnet, name) in [
            ("10.1.0.7/24", "outside-10.1.0.0/24"),
            ("10.1.0.0/25", "outside-10.1.0.0/25"),
            ("fd00:1::5/64", "outside-fd00-1--/64"),
            ("::/0", "outside---/0"),
        ] {
            assert_eq!(outside_name(subnet.parse().unwrap()), name);
        }
    }
}
