//! Adjustments: what chained plugins make. Each kind is one file here, one line in [`KINDS`] and one variant of
//! [`Adjustment`]; ADD, CHECK, DEL, GC, undo, restore, records and uninstall reach it from there.

mod firewall;
mod port_chains;
mod ports;
mod route_change;
mod setting;
pub(crate) mod shaping;
pub(crate) mod source_rule;
mod tuned;
pub(crate) mod vrf;

use netstate::{Adjustment, Attachment};

use crate::error::Error;
use crate::machine::Host;
use crate::namespace::Namespace;

/// Every kind. In this order they are restored; within a plan, the plan's order counts.
const KINDS: &[&dyn Kind] = &[
    // One a line.
    &setting::Settings,
    &tuned::Properties,
    &firewall::Rules,
    &shaping::Shapings,
    &ports::MappedPorts,
    &port_chains::Chains,
    &source_rule::SourceRules,
    &route_change::RouteChanges,
    &vrf::VrfMembers,
];

/// Where an adjustment is made, looked for, or taken away.
pub(crate) struct Site<'a> {
    /// The host.
    pub(crate) host: &'a mut Host,
    /// The container: always there in ADD and CHECK; absent in DEL where it is gone, and in GC.
    pub(crate) container: Option<&'a Namespace>,
}

impl Site<'_> {
    /// The container.
    ///
    /// # Errors
    /// [`Error::NoContainer`].
    pub(crate) fn container(&self) -> Result<&Namespace, Error> {
        self.container.ok_or(Error::NoContainer)
    }
}

/// An adjustment that is not as it should be, and what was found: "missing", "is 1500", …
pub(crate) type Amiss = (Adjustment, String);

/// One kind of adjustment: how it is written down, made, compared and taken away.
pub(crate) trait Kind: Sync {
    /// The first word of its lines in a record; no other line of a record begins with it.
    fn word(&self) -> &'static str;

    /// What follows the word; none for an adjustment of another kind. The owner is in the record already.
    fn line(&self, adjustment: &Adjustment) -> Option<String>;

    /// Reads [`Self::line`] back. `owner` is the record's.
    fn parse(&self, rest: &str, owner: &Attachment) -> Option<Adjustment>;

    /// Makes these, which follow each other in a plan. Those that are there already stay.
    ///
    /// # Errors
    /// The first that can't be made; undo is the flow's, by [`Self::remove`].
    fn apply(&self, site: &mut Site<'_>, wanted: &[Adjustment]) -> Result<(), Error>;

    /// Those of them that are not as they should be.
    ///
    /// # Errors
    /// Where the kernel can't be read.
    fn compare(&self, site: &mut Site<'_>, wanted: &[Adjustment]) -> Result<Vec<Amiss>, Error>;

    /// Takes these away, which are the owner's, as far as they are there and still the owner's.
    ///
    /// # Errors
    /// What could not be removed, after all that could was.
    fn remove(&self, site: &mut Site<'_>, owner: &Attachment, made: &[Adjustment]) -> Result<(), Error>;

    /// Brings these back after a flush: all of this kind of every live attachment, in one change. Nothing to do for
    /// what no flush of packet rules takes.
    ///
    /// # Errors
    /// What can't be brought back.
    fn restore(&self, _: &mut Host, _: &[Adjustment]) -> Result<(), Error> {
        Ok(())
    }

    /// Is everything there that these rest on (tables, chains)? Where it is not, somebody flushed it: STATUS answers
    /// 51, and the next ADD restores everybody's.
    ///
    /// # Errors
    /// Where the kernel can't be read.
    fn stands(&self, _: &mut Host, _: &[Adjustment]) -> Result<bool, Error> {
        Ok(true)
    }

    /// Removes what all of this kind rest on, and so all of them (`cni uninstall`).
    ///
    /// # Errors
    /// What can't be removed.
    fn dismantle(&self, _: &mut Host) -> Result<(), Error> {
        Ok(())
    }
}

/// The line of an adjustment in a record.
pub(crate) fn line(adjustment: &Adjustment) -> String {
    let line = |kind: &&dyn Kind| Some(format!("{} {}", kind.word(), kind.line(adjustment)?));
    KINDS.iter().find_map(line).unwrap_or_default()
}

/// Reads a line: none where it tells of no adjustment, none within where it can't be read.
#[expect(clippy::option_option, reason = "a line of another sort, or one that is broken")]
pub(crate) fn parse(line: &str, owner: &Attachment) -> Option<Option<Adjustment>> {
    let (word, rest) = line.split_once(' ')?;
    let kind = KINDS.iter().find(|kind| kind.word() == word)?;
    Some(kind.parse(rest, owner))
}

/// The adjustments in their order, cut where one is of another kind than the one before it.
pub(crate) fn in_order(adjustments: &[Adjustment]) -> Vec<(&'static dyn Kind, Vec<Adjustment>)> {
    let mut runs: Vec<(&'static dyn Kind, Vec<Adjustment>)> = Vec::new();
    for adjustment in adjustments {
        let Some(kind) = kind(adjustment) else { continue };
        match runs.last_mut() {
            Some((last, run)) if last.word() == kind.word() => run.push(adjustment.clone()),
            _ => runs.push((kind, vec![adjustment.clone()])),
        }
    }
    runs
}

fn kind(adjustment: &Adjustment) -> Option<&'static dyn Kind> {
    KINDS.iter().find(|kind| kind.line(adjustment).is_some()).copied()
}

/// Each kind with those of `adjustments` that are of it, in the order of the first ones; kinds without any are left out.
pub(crate) fn by_kind(adjustments: &[Adjustment]) -> Vec<(&'static dyn Kind, Vec<Adjustment>)> {
    let mut groups: Vec<(&'static dyn Kind, Vec<Adjustment>)> = Vec::new();
    for adjustment in adjustments {
        let Some(kind) = kind(adjustment) else { continue };
        match groups.iter_mut().find(|(known, _)| known.word() == kind.word()) {
            Some((_, group)) => group.push(adjustment.clone()),
            None => groups.push((kind, vec![adjustment.clone()])),
        }
    }
    groups
}

impl Host {
    /// Is everything there that these adjustments rest on? Where it is not, somebody flushed the packet rules.
    ///
    /// # Errors
    /// Where the kernel can't be read.
    pub fn stands(&mut self, adjustments: &[Adjustment]) -> Result<bool, Error> {
        for (kind, group) in by_kind(adjustments) {
            if !kind.stands(self, &group)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Removes what adjustments rest on: tables and chains that are ours.
    pub(crate) fn dismantle(&mut self) -> Vec<Error> {
        KINDS.iter().filter_map(|kind| kind.dismantle(self).err()).collect()
    }
}
