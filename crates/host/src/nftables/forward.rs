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
//! They stand where they are needed, before the first rule that would drop every packet, and otherwise last: what
//! others decide on single packets before (network policies, kube-proxy's drop of invalid packets, an operator's
//! `DOCKER-USER`) stays decided. The comment is in the rule's user data, where every iptables-nft 1.8 finds it, and
//! not a match of xtables, which would need another kernel module. Chains of anybody else are only looked at.

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
use super::message::{CommentedRule, Table};
use super::repair::{Found, Repair};
use super::routed::TABLE;
use super::session::Session;

/// What marks a rule of ours among those of others.
pub(super) const COMMENT: &str = "trestle routed-agent";

/// The chain of iptables at this hook.
const FORWARD: &str = "FORWARD";

/// iptables-nft's tables, in the order of [`Family::ALL`].
pub(super) const IPTABLES: [Table; 2] = [
    Table { family: NetfilterProtoFamily::IPv4, name: "filter" },
    Table { family: NetfilterProtoFamily::IPv6, name: "filter" },
];

/// So deep are chains followed to chains that every packet is sent to.
const DEPTH: usize = 8;

/// A base chain of somebody else.
pub(super) struct Hooked {
    chain: SeenChain,
    rules: Vec<Rule>,
    /// What each rule does to each family's packets that come here.
    effects: Vec<(Family, Vec<Vec<Effect>>)>,
}

/// Looks at the base chains of others, where `chains` are those of all tables.
///
/// # Errors
/// What looking meets.
pub(super) fn look(session: &mut Session, chains: &[SeenChain]) -> Result<Vec<Hooked>, Error> {
    let hook = Hook::Number(HookNumber::Inet(InetHookNumber::Forward));
    let mut hooked = Vec::new();
    for chain in chains.iter().filter(|chain| chain.is_at(&hook) && chain.table != TABLE.name) {
        let rules = session.rules_of(chain)?;
        let mut effects = Vec::new();
        for family in families(chain.family) {
            effects.push((*family, follow(session, (chain, &rules), *family, DEPTH)?));
        }
        hooked.push(Hooked { chain: chain.clone(), rules, effects });
    }
    Ok(hooked)
}

/// What each rule of a chain does, where a jump of every packet does what its chain does.
fn follow(
    session: &mut Session,
    (chain, rules): (&SeenChain, &[Rule]),
    family: Family,
    depth: usize,
) -> Result<Vec<Vec<Effect>>, Error> {
    let mut effects = Vec::with_capacity(rules.len());
    for rule in rules {
        effects.push(match effect(rule, family) {
            Effect::Jumps(target) if depth > 0 => {
                let target = chain.sibling(target);
                let rules = session.rules_of(&target)?;
                let inner = follow(session, (&target, &rules), family, depth - 1)?.into_iter().flatten();
                inner.take_while(|effect| *effect != Effect::Returns).collect()
            }
            effect => vec![effect],
        });
    }
    Ok(effects)
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

    /// Is it the `FORWARD` of iptables-nft for this family?
    pub(super) fn is_iptables(&self, family: Family) -> bool {
        self.iptables().is_some_and(|(of, _)| of == family)
    }

    /// Does it let through what a network sends and gets?
    pub(super) fn passes(&self, network: IpNetwork) -> bool {
        let last = if self.chain.lets_through() { Effect::AcceptsAll } else { Effect::DropsAll };
        let effects = self.effects(Family::of(network.ip())).iter().flatten().cloned();
        effect::lets_through(effects, last, network)
    }

    /// The chain's name, if it drops whatever an address sends and gets, beyond doubt: before a drop of everything stands
    /// nothing that could let a packet of it through, or that can't be read.
    pub(super) fn drops(&self, address: IpNetwork) -> Option<String> {
        let last = if self.chain.lets_through() { Effect::AcceptsAll } else { Effect::DropsAll };
        let effects = self.effects.iter().find(|(of, _)| *of == Family::of(address.ip()));
        let (_, effects) = effects?;
        let elsewhere =
            |effect: &&Effect| matches!(effect, Effect::Accepts(_, of) if !of.contains(address.ip()));
        let decisive = effects.iter().flatten().find(|effect| !elsewhere(effect)).unwrap_or(&last);
        (*decisive == Effect::DropsAll).then(|| self.chain.to_string())
    }

    fn effects(&self, family: Family) -> &[Vec<Effect>] {
        self.effects.iter().find(|(of, _)| *of == family).map_or(&[], |(_, effects)| effects)
    }

    /// The first rule that drops every packet that comes to it.
    fn end(&self, family: Family) -> Option<usize> {
        let ends = |effect: &Effect| matches!(effect, Effect::DropsAll | Effect::AcceptsAll);
        let effects = self.effects(family);
        let end = effects.iter().position(|effects| effects.iter().any(ends))?;
        (effects[end].iter().find(|effect| ends(effect)) == Some(&Effect::DropsAll)).then_some(end)
    }

    /// What our rules in it lack, if it is iptables-nft's.
    pub(super) fn repair(&self, rules: &PodRules) -> Repair {
        let mut repair = Repair::default();
        let Some((family, table)) = self.iptables() else { return repair };
        let end = self.end(family);
        let mut ours: Vec<(usize, &Rule, &[Effect])> = self
            .rules
            .iter()
            .zip(self.effects(family))
            .enumerate()
            .filter(|(_, (rule, _))| effect::comment(rule).as_deref() == Some(COMMENT))
            .map(|(place, (rule, effects))| (place, rule, effects.as_slice()))
            .collect();
        for (side, network) in wanted(rules, family) {
            let wanted = Effect::Accepts(side, network);
            let stands = |(place, _, effects): &(usize, &Rule, &[Effect])| {
                *effects == [wanted.clone()] && end.is_none_or(|end| *place < end)
            };
            if let Some(found) = ours.iter().position(stands) {
                ours.remove(found);
                continue;
            }
            repair.note(format!("rule {} of {}", specification(side, network), self.chain), Found::Missing);
            let rule = CommentedRule { expressions: accepts(side, network), comment: COMMENT };
            let before = end.map(|end| self.rules[end].handle);
            repair.changes.push(table.place_rule(FORWARD, &rule, before));
        }
        for (_, rule, effects) in ours {
            let object = match effects {
                [Effect::Accepts(side, network)] => format!("rule {}", specification(*side, *network)),
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
        let families = self.effects.iter();
        let networks = families.filter_map(|(family, _)| Some((*family, network(rules, *family)?)));
        networks
            .filter(|(_, network)| !self.passes(*network))
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
