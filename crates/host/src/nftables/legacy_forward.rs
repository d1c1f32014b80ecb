//! The `FORWARD` of xtables-legacy: its rules stand before, and apart from, all of `nf_tables`, and only its own
//! programs can change them. What they do is read from the kernel itself (`linux/netfilter_ipv4/ip_tables.h`), for
//! an agent's image has none of those programs.

use std::io;

use ipnetwork::IpNetwork;
use netstate::{Family, PodRules};

use super::address;
use super::blocked::Blocked;
use super::effect::{Effect, Side, lets_through, ones};
use super::error::Error;
use super::forward::network;
use super::legacy_table::{LegacyTable, Row as Table, XTABLES_DATA, name, number, offset, row};

/// `NF_INET_FORWARD`.
const FORWARD: usize = 2;

/// `-NF_ACCEPT - 1`, `-NF_DROP - 1` and `XT_RETURN`.
const ACCEPT: i32 = -2;
const DROP: i32 = -1;
const RETURN: i32 = -5;

/// So deep are chains followed.
const DEPTH: usize = 8;

/// A family's `struct ipt_entry`, which begins with what the rule asks of the IP header.
struct Row {
    /// How tables are read.
    table: &'static Table,
    /// Bytes of an address.
    address: usize,
    /// Bytes of what is asked of the header; source, destination, and their masks come first.
    header: usize,
    /// Bytes of the whole entry: matches and target follow.
    entry: usize,
}

impl Row {
    fn of(family: Family) -> Self {
        let table = row(family);
        match family {
            Family::V4 => Self { table, address: 4, header: 84, entry: 112 },
            Family::V6 => Self { table, address: 16, header: 136, entry: 168 },
        }
    }
}

/// For which families it keeps pods' packets back, in the calling thread's network namespace.
///
/// # Errors
/// [`Error::Legacy`], where the kernel can't be asked.
pub(super) fn blocked(rules: &PodRules) -> Result<Vec<Blocked>, Error> {
    let mut blocked = Vec::new();
    for family in Family::ALL {
        let Some(network) = network(rules, family).filter(|_| rules.forward) else { continue };
        if drops(network)? {
            blocked.push(Blocked::by_legacy(row(family).program, family, network));
        }
    }
    Ok(blocked)
}

/// Does it drop packets that this network sends or gets?
///
/// # Errors
/// [`Error::Legacy`], where the kernel can't be asked.
pub(crate) fn drops(network: IpNetwork) -> Result<bool, Error> {
    let family = Family::of(network.ip());
    let unread = |source| Error::Legacy { program: row(family).tables.to_owned(), source };
    let effects = effects(family).map_err(unread)?;
    Ok(!lets_through(effects, Effect::AcceptsAll, network))
}

/// What each rule of `FORWARD` does, its policy last; none where the table is not in use.
fn effects(family: Family) -> io::Result<Vec<Effect>> {
    let Some(table) = LegacyTable::read(family, "filter")? else { return Ok(Vec::new()) };
    let (first, last) = table.built_in(FORWARD);
    let entries = Entries { row: &Row::of(family), bytes: table.entries(), depth: DEPTH };
    Ok(entries.walk(first, last))
}

/// A table's rules, and how deep chains are still followed to chains that every packet is sent to.
struct Entries<'a> {
    row: &'a Row,
    bytes: &'a [u8],
    depth: usize,
}

/// What a rule does where its conditions are met.
enum Ending {
    Here(Effect),
    /// The packet goes through the chain that begins at this place.
    Chain(usize),
}

impl Entries<'_> {
    /// What the rules of a chain do, from its first to its last, or to where every packet goes back.
    fn walk(&self, first: usize, last: usize) -> Vec<Effect> {
        let (mut at, mut effects) = (first, Vec::new());
        while at <= last {
            let Some(entry) = self.bytes.get(at..) else { break };
            match ending(self.row, entry) {
                Ending::Here(Effect::Returns) => break,
                Ending::Here(effect) => effects.push(effect),
                Ending::Chain(_) if self.depth == 0 => effects.push(Effect::Other),
                Ending::Chain(first) => {
                    let inner = Entries { depth: self.depth - 1, ..*self };
                    // A chain of somebody's own ends with a rule that sends every packet back.
                    effects.extend(inner.walk(first, usize::MAX));
                }
            }
            match self.row.table.next(entry) {
                0 => break,
                next => at += next,
            }
        }
        effects
    }
}

/// What a rule does to all packets, or to those of one network.
fn ending(row: &Row, entry: &[u8]) -> Ending {
    const OTHER: Ending = Ending::Here(Effect::Other);
    let target = row.table.target(entry);
    let (Some(header), Some(ending)) =
        (entry.get(..row.header), verdict(entry.get(target..).unwrap_or_default()))
    else {
        return OTHER;
    };
    if !only_comments(entry.get(row.entry..target).unwrap_or_default()) {
        return OTHER;
    }
    let length = row.address;
    let (addresses, rest) = header.split_at(4 * length);
    if rest.iter().any(|byte| *byte != 0) {
        return OTHER;
    }
    let condition = |side: usize| {
        let (address, mask) = (&addresses[side * length..], &addresses[(2 + side) * length..]);
        network_of(&address[..length], &mask[..length])
    };
    let (Some(source), Some(destination)) = (condition(0), condition(1)) else { return OTHER };
    match (source.prefix(), destination.prefix(), ending) {
        (0, 0, ending) => ending,
        (_, 0, Ending::Here(Effect::AcceptsAll)) => Ending::Here(Effect::Accepts(Side::Source, source)),
        (0, _, Ending::Here(Effect::AcceptsAll)) => {
            Ending::Here(Effect::Accepts(Side::Destination, destination))
        }
        _ => OTHER,
    }
}

fn network_of(bytes: &[u8], mask: &[u8]) -> Option<IpNetwork> {
    address::network(bytes, u8::try_from(ones(mask)?).ok()?)
}

/// What the target does.
fn verdict(target: &[u8]) -> Option<Ending> {
    // `XT_STANDARD_TARGET` holds the place of a chain, or a verdict, less than 0.
    match (name(target)?, number(target, XTABLES_DATA).cast_signed()) {
        (b"", ACCEPT) => Some(Ending::Here(Effect::AcceptsAll)),
        (b"", DROP) | (b"REJECT", _) => Some(Ending::Here(Effect::DropsAll)),
        (b"", RETURN) => Some(Ending::Here(Effect::Returns)),
        (b"", place) => usize::try_from(place).ok().map(Ending::Chain),
        _ => None,
    }
}

/// Is there nothing among the matches that a packet could fail?
fn only_comments(mut matches: &[u8]) -> bool {
    while !matches.is_empty() {
        if name(matches) != Some(b"comment") {
            return false;
        }
        matches = matches.get(offset(matches, 0).max(XTABLES_DATA)..).unwrap_or_default();
    }
    true
}
