//! Other base chains at the hook `forward`. An accept in our own chain ends only that chain: a packet must pass each
//! of them.
//!
//! iptables-nft's `FORWARD` gets rules of ours, in the form that iptables-nft itself writes and reads, so that
//! `iptables -S` shows them and `iptables -D` removes them:
//!
//! ```text
//! -A FORWARD -s 10.1.0.0/16 -m comment --comment "trestle routed-agent" -j ACCEPT
//! -A FORWARD -d 10.1.0.0/16 -m comment --comment "trestle routed-agent" -j ACCEPT
//! ```
//!
//! The comment is in the rule's user data, where every iptables-nft 1.8 finds it, and not a match of xtables, which
//! would need another kernel module. Chains of anybody else are only looked at.

use ipnetwork::IpNetwork;
use netlink_packet_netfilter::NetfilterProtoFamily;
use netlink_packet_netfilter::nftables::{Hook, HookNumber, InetHookNumber, Operator};
use netstate::{Family, PodRules};

use super::address::{address_compares, row};
use super::answer::Rule;
use super::blocked::Blocked;
use super::effect::{self, Effect, Side, effect};
use super::error::Error;
use super::expression::{Expression, accept, counter};
use super::inventory::SeenChain;
use super::message::Table;
use super::repair::{Found, Repair};
use super::routed::TABLE;
use super::session::Session;

/// What marks a rule of ours among those of others.
pub(super) const COMMENT: &str = "trestle routed-agent";

/// The chain of iptables at this hook.
const FORWARD: &str = "FORWARD";

/// iptables-nft's tables, in the order of [`Family::ALL`].
const IPTABLES: [Table; 2] = [
    Table { family: NetfilterProtoFamily::IPv4, name: "filter" },
    Table { family: NetfilterProtoFamily::IPv6, name: "filter" },
];

/// A base chain of somebody else, and its rules.
pub(super) struct Hooked {
    chain: SeenChain,
    rules: Vec<Rule>,
}

/// Looks at the base chains of others, where `chains` are those of all tables.
///
/// # Errors
/// What looking meets.
pub(super) fn look(session: &mut Session, chains: &[SeenChain]) -> Result<Vec<Hooked>, Error> {
    let hook = Hook::Number(HookNumber::Inet(InetHookNumber::Forward));
    let others = chains.iter().filter(|chain| {
        chain.is_at(&hook) && !families(chain.family).is_empty() && chain.table != TABLE.name
    });
    others.map(|chain| Ok(Hooked { chain: chain.clone(), rules: session.rules_of(chain)? })).collect()
}

/// The families whose packets come into tables of a family.
fn families(table: NetfilterProtoFamily) -> &'static [Family] {
    match table {
        NetfilterProtoFamily::IPv4 => &[Family::V4],
        NetfilterProtoFamily::IPv6 => &[Family::V6],
        NetfilterProtoFamily::Inet => &Family::ALL,
        _ => &[],
    }
}

impl Hooked {
    /// iptables-nft's table that it is the `FORWARD` of.
    fn iptables(&self) -> Option<(Family, Table)> {
        let table = |family: &Family| (*family, IPTABLES[*family as usize]);
        Family::ALL.iter().map(table).find(|(_, table)| {
            self.chain.family == table.family && self.chain.table == table.name && self.chain.name == FORWARD
        })
    }

    /// What our rules in it lack, if it is iptables-nft's.
    pub(super) fn repair(&self, rules: &PodRules) -> Repair {
        let mut repair = Repair::default();
        let Some((family, table)) = self.iptables() else { return repair };
        let mut ours: Vec<(&Rule, Effect)> = self
            .rules
            .iter()
            .filter(|rule| effect::comment(rule).as_deref() == Some(COMMENT))
            .map(|rule| (rule, effect(rule, family)))
            .collect();
        // Each is inserted before the one that was inserted before it.
        for (side, network) in wanted(rules, family).into_iter().rev() {
            let wanted = Effect::Accepts(side, network);
            if let Some(found) = ours.iter().position(|(_, effect)| *effect == wanted) {
                ours.remove(found);
            } else {
                repair
                    .note(format!("rule {} of {}", specification(side, network), self.chain), Found::Missing);
                repair.changes.push(table.insert_rule(FORWARD, &accepts(side, network), COMMENT));
            }
        }
        for (rule, effect) in ours {
            let object = match effect {
                Effect::Accepts(side, network) => format!("rule {}", specification(side, network)),
                _ => format!("rule \"{COMMENT}\""),
            };
            repair.note(format!("{object} of {}", self.chain), Found::Surplus);
            repair.changes.push(table.delete_rule(FORWARD, rule.handle));
        }
        repair
    }

    /// For which families it keeps pods' packets back, if it is not iptables-nft's.
    pub(super) fn blocked(&self, rules: &PodRules) -> Vec<Blocked> {
        if !rules.forward || self.iptables().is_some() {
            return Vec::new();
        }
        let last = if self.chain.lets_through() { Effect::AcceptsAll } else { Effect::DropsAll };
        let families = families(self.chain.family).iter();
        let networks = families.filter_map(|family| Some((*family, network(rules, *family)?)));
        networks
            .filter(|(family, network)| {
                let effects = self.rules.iter().map(|rule| effect(rule, *family));
                !effect::lets_through(effects, last, *network)
            })
            .map(|(family, network)| Blocked::by_nftables(&self.chain, family, network))
            .collect()
    }
}

/// The rules that `FORWARD` must have.
fn wanted(rules: &PodRules, family: Family) -> Vec<(Side, IpNetwork)> {
    let network = network(rules, family).filter(|_| rules.forward);
    network.map(|network| Side::ALL.map(|side| (side, network)).to_vec()).unwrap_or_default()
}

/// The network of a family's pods, without what an operator may have written behind its prefix.
pub(super) fn network(rules: &PodRules, family: Family) -> Option<IpNetwork> {
    let network =
        rules.networks.iter().map(|pods| pods.network).find(|network| Family::of(network.ip()) == family)?;
    IpNetwork::new(network.network(), network.prefix()).ok()
}

/// `ip saddr 10.1.0.0/16 counter accept`
fn accepts(side: Side, network: IpNetwork) -> Vec<Expression> {
    let row = row(network.ip());
    let field = match side {
        Side::Source => row.source,
        Side::Destination => row.destination,
    };
    let mut rule = address_compares(field, Operator::Equal, network);
    rule.extend([counter(), accept()]);
    rule
}

/// As `iptables -S` has it.
fn specification(side: Side, network: IpNetwork) -> String {
    let option = match side {
        Side::Source => "-s",
        Side::Destination => "-d",
    };
    format!("{option} {network} -j ACCEPT")
}
