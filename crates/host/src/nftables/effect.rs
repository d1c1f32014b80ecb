//! What a rule of somebody's does to the packets of a network, as far as that can be told from the rule alone.

use ipnetwork::IpNetwork;
use netlink_packet_core::{DefaultNla, Nla as _};
use netlink_packet_netfilter::nftables::{
    Bitwise, Cmp, DataAttribute, Expressions, Immediate, Meta, MetaKey, Operator, Verdict, VerdictAttribute,
};
use netstate::Family;

use super::address::{ROWS, Row, network};
use super::answer::Rule;
use super::expression::{COUNTER, Expression, NF_DROP, data};
use super::message::NF_ACCEPT;

/// What a rule does to a family's packets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Effect {
    /// Lets through all packets of this network, and no others.
    Accepts(Side, IpNetwork),
    /// Lets through all packets.
    AcceptsAll,
    /// Lets no packet through.
    DropsAll,
    /// Sends all packets to a chain.
    Jumps(String),
    /// Sends all packets back to where they came from.
    Returns,
    /// Anything else.
    Other,
}

/// An end of a packet's way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    /// `ip saddr`
    Source,
    /// `ip daddr`
    Destination,
}

impl Side {
    /// Both.
    pub(super) const ALL: [Self; 2] = [Self::Source, Self::Destination];
}

/// What becomes of all packets that a network's pods send and get, in a chain with these rules and, at its end,
/// `last`?
pub(super) fn lets_through(
    effects: impl IntoIterator<Item = Effect>,
    last: Effect,
    network: IpNetwork,
) -> bool {
    let mut accepted = Vec::new();
    for effect in effects.into_iter().chain([last]) {
        match effect {
            Effect::Accepts(side, of) if covers(of, network) => accepted.push(side),
            Effect::AcceptsAll => return true,
            Effect::DropsAll => return Side::ALL.iter().all(|side| accepted.contains(side)),
            Effect::Accepts(..) | Effect::Jumps(_) | Effect::Returns | Effect::Other => {}
        }
    }
    true
}

fn covers(wide: IpNetwork, narrow: IpNetwork) -> bool {
    wide.prefix() <= narrow.prefix() && wide.contains(narrow.network())
}

/// `NFTA_TARGET_NAME` and `NFTA_MATCH_NAME`.
const XTABLES_NAME: u16 = 1;

/// `NFTA_MATCH_INFO`.
const XTABLES_INFO: u16 = 3;

/// What a rule says so far.
#[derive(Default)]
struct Reading {
    /// The address that register 1 holds some bytes of.
    loaded: Option<(Side, u32)>,
    /// What they were masked with.
    mask: Option<Vec<u8>>,
    /// Register 1 holds the packet's family.
    protocol: bool,
    /// The only condition.
    network: Option<(Side, IpNetwork)>,
}

/// What the rule does to the family's packets.
pub(super) fn effect(rule: &Rule, family: Family) -> Effect {
    let row = &ROWS[family as usize];
    let mut reading = Reading::default();
    for expression in &rule.expressions {
        match reading.read(expression, row) {
            Step::GoOn => {}
            Step::End(ending) => return reading.ends(ending),
            Step::Unknown => return Effect::Other,
        }
    }
    Effect::Other
}

/// What came of an expression.
enum Step {
    GoOn,
    /// This is what the rule does where its conditions are met.
    End(Effect),
    Unknown,
}

impl Reading {
    fn read(&mut self, expression: &Expression, row: &Row) -> Step {
        let step = match data(expression) {
            Some(Expressions::Payload(_)) => self.load(expression, row),
            Some(Expressions::Meta(meta)) => {
                self.protocol = meta.contains(&Meta::Key(MetaKey::Nfproto));
                self.protocol.then_some(Step::GoOn)
            }
            Some(Expressions::Bitwise(bitwise)) => {
                self.mask = bitwise.iter().find_map(|attribute| match attribute {
                    Bitwise::Mask(DataAttribute::Value(mask)) => Some(mask.clone()),
                    _ => None,
                });
                (self.loaded.is_some() && self.mask.is_some()).then_some(Step::GoOn)
            }
            Some(Expressions::Cmp(cmp)) => self.compare(cmp, row),
            Some(Expressions::Immediate(immediate)) => verdict(immediate).map(Step::End),
            Some(Expressions::Other { expression_type, attributes }) => other(expression_type, attributes),
            _ => None,
        };
        step.unwrap_or(Step::Unknown)
    }

    fn load(&mut self, expression: &Expression, row: &Row) -> Option<Step> {
        self.loaded = [(Side::Source, row.source), (Side::Destination, row.destination)]
            .into_iter()
            .find_map(|(side, field)| {
                let length = field.loaded_by(expression)?;
                (length <= field.length()).then_some((side, length))
            });
        self.loaded.map(|_| Step::GoOn)
    }

    fn compare(&mut self, cmp: &[Cmp], row: &Row) -> Option<Step> {
        if !cmp.contains(&Cmp::Op(Operator::Equal)) {
            return None;
        }
        let value = cmp.iter().find_map(|attribute| match attribute {
            Cmp::Data(DataAttribute::Value(value)) => Some(value),
            _ => None,
        })?;
        if self.protocol {
            self.protocol = false;
            return (*value == [row.protocol]).then_some(Step::GoOn);
        }
        let (side, length) = self.loaded.take()?;
        let prefix = match self.mask.take() {
            Some(mask) => ones(&mask)?,
            None => length * 8,
        };
        let mut address = value.clone();
        address.resize(row.source.length() as usize, 0);
        let network = network(&address, u8::try_from(prefix).ok()?)?;
        self.network.replace((side, network)).is_none().then_some(Step::GoOn)
    }

    fn ends(&self, ending: Effect) -> Effect {
        match (self.network, ending) {
            (None, ending) => ending,
            (Some((side, network)), Effect::AcceptsAll) => Effect::Accepts(side, network),
            _ => Effect::Other,
        }
    }
}

fn verdict(immediate: &[Immediate]) -> Option<Effect> {
    let verdict = immediate.iter().find_map(|attribute| match attribute {
        Immediate::Data(DataAttribute::Verdict(verdict)) => Some(verdict),
        _ => None,
    })?;
    let chain = verdict.iter().find_map(|attribute| match attribute {
        VerdictAttribute::Chain(chain) => Some(chain.clone()),
        _ => None,
    });
    verdict.iter().find_map(|attribute| match attribute {
        VerdictAttribute::Code(Verdict::Other(NF_ACCEPT)) => Some(Effect::AcceptsAll),
        VerdictAttribute::Code(Verdict::Other(NF_DROP)) => Some(Effect::DropsAll),
        VerdictAttribute::Code(Verdict::Return) => Some(Effect::Returns),
        VerdictAttribute::Code(Verdict::Jump | Verdict::Goto) => chain.clone().map(Effect::Jumps),
        _ => None,
    })
}

/// Expressions that change nothing, that refuse every packet, and all others.
fn other(name: &str, attributes: &[DefaultNla]) -> Option<Step> {
    match (name, xtables_name(attributes).as_deref()) {
        (COUNTER | "log", _) | ("match", Some("comment")) => Some(Step::GoOn),
        ("reject", _) | ("target", Some("REJECT" | "DROP")) => Some(Step::End(Effect::DropsAll)),
        _ => None,
    }
}

/// The comment that iptables gave the rule, which is in the rule itself or among its expressions.
pub(super) fn comment(rule: &Rule) -> Option<String> {
    rule.comment.clone().or_else(|| {
        rule.expressions.iter().find_map(|expression| match data(expression) {
            Some(Expressions::Other { expression_type, attributes })
                if expression_type == "match" && xtables_name(attributes).as_deref() == Some("comment") =>
            {
                text(attributes, XTABLES_INFO)
            }
            _ => None,
        })
    })
}

/// What xtables calls a match or target.
fn xtables_name(attributes: &[DefaultNla]) -> Option<String> {
    text(attributes, XTABLES_NAME)
}

/// An attribute's text up to its closing zero.
fn text(attributes: &[DefaultNla], kind: u16) -> Option<String> {
    let attribute = attributes.iter().find(|attribute| attribute.kind() == kind)?;
    let mut bytes = vec![0; attribute.value_len()];
    attribute.emit_value(&mut bytes);
    let text = bytes.split(|byte| *byte == 0).next()?;
    Some(String::from_utf8_lossy(text).into_owned())
}

/// How many ones a mask begins with, if no more follow.
pub(super) fn ones(mask: &[u8]) -> Option<u32> {
    let ones = mask
        .iter()
        .position(|byte| *byte != 0xff)
        .map_or(mask.len() * 8, |whole| whole * 8 + mask[whole].leading_ones() as usize);
    let all: u32 = mask.iter().map(|byte| byte.count_ones()).sum();
    u32::try_from(ones).ok().filter(|ones| *ones == all)
}
