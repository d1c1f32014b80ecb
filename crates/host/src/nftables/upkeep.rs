//! The agent's table against the kernel's.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::address::bytes;
use super::answer::Rule;
use super::error::Error;
use super::inventory::{Member, SeenChain, SeenSet};
use super::message::Change;
use super::repair::{Found, Repair};
use super::routed::{COMMENT, Routed, TABLE};
use super::session::Session;
use super::set::SetType;
use super::structure::Chain;

/// The agent's table as the kernel has it.
#[derive(Default)]
pub(super) struct Seen {
    /// The table itself is there.
    exists: bool,
    chains: Vec<SeenChain>,
    sets: Vec<SeenSet>,
    rules: Vec<Rule>,
    members: Vec<(&'static str, BTreeSet<IpAddr>)>,
}

impl Seen {
    /// Looks, where `chains` are those of all tables.
    ///
    /// # Errors
    /// What looking meets.
    pub(super) fn look(session: &mut Session, chains: &[SeenChain], wanted: &Routed) -> Result<Self, Error> {
        if !session.has_table(TABLE)? {
            return Ok(Self::default());
        }
        let ours = |chain: &&SeenChain| chain.family == TABLE.family && chain.table == TABLE.name;
        let mut members = Vec::new();
        for (set, _) in &wanted.members {
            let found = session.members(TABLE, set)?;
            members.push((*set, found.iter().map(|Member { address, .. }| *address).collect()));
        }
        Ok(Self {
            exists: true,
            chains: chains.iter().filter(ours).cloned().collect(),
            sets: session.sets(TABLE)?,
            rules: session.rules(TABLE, None)?,
            members,
        })
    }

    fn chain(&self, name: &str) -> Option<&SeenChain> {
        self.chains.iter().find(|chain| chain.name == name)
    }

    fn set(&self, name: &str) -> Option<&SeenSet> {
        self.sets.iter().find(|set| set.name == name)
    }

    fn members(&self, set: &str) -> Option<&BTreeSet<IpAddr>> {
        self.members.iter().find(|(name, _)| *name == set).map(|(_, members)| members)
    }
}

impl Routed {
    /// What is wrong with the kernel's table, and what makes it right. Rules of a chain are replaced in one step; a
    /// chain or set that can't be changed into what is wanted takes the whole table with it.
    pub(super) fn repair(&self, seen: &Seen) -> Repair {
        let mut repair = Repair::default();
        if !seen.exists {
            if !self.chains.is_empty() {
                repair.note(format!("table {TABLE}"), Found::Missing);
                repair.changes = self.build(seen).changes;
            }
            return repair;
        }
        if self.chains.is_empty() {
            repair.note(format!("table {TABLE}"), Found::Surplus);
            repair.changes.push(TABLE.delete());
            return repair;
        }
        self.note_misfits(seen, &mut repair);
        if repair.drift.is_empty() {
            return self.build(seen);
        }
        repair.changes.push(TABLE.delete());
        repair.changes.extend(self.build(&Seen::default()).changes);
        repair
    }

    fn sets(&self) -> impl Iterator<Item = &(&'static str, SetType)> {
        self.chains.iter().flat_map(|chain| &chain.sets)
    }

    fn note_misfits(&self, seen: &Seen, repair: &mut Repair) {
        for chain in &self.chains {
            if seen.chain(&chain.name).is_some_and(|found| !found.is_hooked_as(chain.base.as_ref())) {
                repair.note(chain, Found::Different);
            }
        }
        for (name, kind) in self.sets() {
            if seen.set(name).is_some_and(|found| !found.is(kind)) {
                repair.note(set(name), Found::Different);
            }
        }
    }

    /// Brings what is there, all of which can be changed into what is wanted, to what is wanted.
    fn build(&self, seen: &Seen) -> Repair {
        let mut repair = Repair::default();
        if !seen.exists {
            repair.changes.push(TABLE.create(COMMENT));
        }
        for (name, kind) in self.sets().filter(|(name, _)| seen.set(name).is_none()) {
            repair.note(set(name), Found::Missing);
            repair.changes.push(TABLE.create_set(name, kind));
        }
        self.build_chains(seen, &mut repair);
        self.clear(seen, &mut repair);
        self.fill(seen, &mut repair);
        repair
    }

    fn build_chains(&self, seen: &Seen, repair: &mut Repair) {
        let mut broken: Vec<&Chain> = Vec::new();
        for chain in &self.chains {
            let found = match seen.chain(&chain.name) {
                None => Found::Missing,
                Some(found) if !found.lets_through() || !chain.stands(&seen.rules) => Found::Different,
                Some(_) => continue,
            };
            repair.note(chain, found);
            broken.push(chain);
        }
        repair.changes.extend(broken.iter().map(|chain| chain.create()));
        repair.changes.extend(broken.iter().flat_map(|chain| chain.fill(&seen.rules)));
    }

    /// Takes away what else is in the table: rules first, for they keep chains and sets.
    fn clear(&self, seen: &Seen, repair: &mut Repair) {
        let wanted = |name: &str| self.chains.iter().any(|chain| chain.name == name);
        let chains: Vec<_> = seen.chains.iter().filter(|chain| !wanted(&chain.name)).collect();
        let wanted = |name: &str| self.sets().any(|(wanted, _)| *wanted == name);
        let sets: Vec<_> = seen.sets.iter().filter(|set| !set.is_of_a_rule() && !wanted(&set.name)).collect();
        for chain in &chains {
            repair.note(format!("chain {chain}"), Found::Surplus);
        }
        for surplus in &sets {
            repair.note(set(&surplus.name), Found::Surplus);
        }
        repair.changes.extend(chains.iter().map(|chain| TABLE.flush_chain(&chain.name)));
        repair.changes.extend(chains.iter().map(|chain| TABLE.delete_chain(&chain.name)));
        repair.changes.extend(sets.iter().map(|set| TABLE.delete_set(&set.name)));
    }

    fn fill(&self, seen: &Seen, repair: &mut Repair) {
        let none = BTreeSet::new();
        for (name, wanted) in &self.members {
            let found = seen.members(name).unwrap_or(&none);
            let keys = |some: Vec<&IpAddr>| some.into_iter().map(|address| bytes(*address)).collect();
            let missing: Vec<Vec<u8>> = keys(wanted.difference(found).collect());
            let surplus: Vec<Vec<u8>> = keys(found.difference(wanted).collect());
            if seen.set(name).is_some() && !(missing.is_empty() && surplus.is_empty()) {
                let (missing, surplus) = (missing.len(), surplus.len());
                repair.note(set(name), Found::Elements { missing, surplus });
            }
            let additions: Vec<Change> = TABLE.add_elements(name, &missing);
            repair.changes.extend(additions);
            repair.changes.extend(TABLE.delete_elements(name, &surplus));
        }
    }
}

fn set(name: &str) -> String {
    format!("set {TABLE} {name}")
}
