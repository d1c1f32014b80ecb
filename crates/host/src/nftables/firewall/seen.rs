//! What the kernel has of the firewall, and what is to be changed about it.

use netstate::Separation;

use super::part::{Element, Part, implied};
use super::structure::{
    self, ACCEPTED, BRIDGE, INET, ISOLATED, SAME_BRIDGE, SEPARATED, WITHIN, bridged, forward,
};
use crate::nftables::answer::{Entry, Rule};
use crate::nftables::error::Error;
use crate::nftables::message::{Change, Table};
use crate::nftables::owner::Owner;
use crate::nftables::session::Session;
use crate::nftables::set::{Leads, NewEntry};

/// `IFNAMSIZ`
const NAME: usize = 16;

/// Sets whose elements have owners.
const OWNED: [(Table, &str); 5] =
    [(INET, ACCEPTED[0]), (INET, ACCEPTED[1]), (INET, SAME_BRIDGE), (INET, ISOLATED), (BRIDGE, ISOLATED)];

/// Sets whose elements stay as long as those of others imply them.
const IMPLIED: [&str; 2] = [SEPARATED, WITHIN];

/// Both tables.
pub(super) struct Seen {
    /// The rules of each.
    rules: [Vec<Rule>; 2],
    /// The elements of each set in [`OWNED`].
    owned: [Vec<Entry>; OWNED.len()],
    /// The keys of each set in [`IMPLIED`].
    implied: [Vec<Vec<u8>>; IMPLIED.len()],
}

impl Seen {
    /// Looks at everything.
    ///
    /// # Errors
    /// What looking meets.
    pub(super) fn look(session: &mut Session) -> Result<Self, Error> {
        let mut seen = Self::of_rules(session)?;
        for (entries, (table, set)) in seen.owned.iter_mut().zip(OWNED) {
            *entries = session.entries(table, set)?;
        }
        for (keys, set) in seen.implied.iter_mut().zip(IMPLIED) {
            *keys = session.entries(INET, set)?.into_iter().map(|entry| entry.key).collect();
        }
        Ok(seen)
    }

    /// Looks at the rules, and of the elements at those alone that these parts need: as quick among many containers as
    /// among few.
    ///
    /// # Errors
    /// What looking meets.
    pub(super) fn look_for(session: &mut Session, parts: &[Part]) -> Result<Self, Error> {
        let mut seen = Self::of_rules(session)?;
        let elements = || parts.iter().map(|part| &part.element);
        let implied: Vec<(&str, Vec<u8>)> = elements().flat_map(Element::implied).collect();
        let questions = elements()
            .map(|element| (element.set(), element.key()))
            .chain(implied.iter().map(|(set, key)| ((INET, *set), key.clone())))
            .map(|((table, set), key)| table.get_element(set, &key));
        let mut found = session.find_each(questions)?.into_iter();
        for (element, found) in elements().zip(found.by_ref()) {
            if let Some(at) = place(element) {
                seen.owned[at].extend(found);
            }
        }
        for ((set, _), found) in implied.iter().zip(found) {
            if let Some(at) = IMPLIED.iter().position(|known| known == set) {
                seen.implied[at].extend(found.map(|entry| entry.key));
            }
        }
        Ok(seen)
    }

    fn of_rules(session: &mut Session) -> Result<Self, Error> {
        let rules = [session.rules(INET, None)?, session.rules(BRIDGE, None)?];
        Ok(Self { rules, owned: Default::default(), implied: Default::default() })
    }

    /// Is all of it there, and each part its owner's?
    pub(super) fn has(&self, parts: &[Part]) -> bool {
        parts.is_empty()
            || (self.broken().is_empty()
                && parts.iter().all(|part| {
                    let owned = self.find(&part.element).is_some_and(|entry| is_of(entry, &part.owner));
                    owned && part.element.implied().iter().all(|(set, key)| self.implies(set, key))
                }))
    }

    /// What must be changed so that it is.
    pub(super) fn additions(&self, wanted: &[Part]) -> Vec<Change> {
        let mut changes = self.broken();
        let mut implied: Vec<(&str, Vec<u8>)> = Vec::new();
        for Part { element, owner } in wanted {
            implied.extend(element.implied().into_iter().filter(|(set, key)| !self.implies(set, key)));
            let ((table, set), found) = (element.set(), self.find(element));
            if found.is_some_and(|entry| is_of(entry, owner)) {
                continue;
            }
            if found.is_some() {
                changes.extend(table.delete_elements(set, &[element.key()]));
            }
            let (name, key) = (element.to_string(), element.key().into());
            let entry = NewEntry { name, key, leads: Leads::Nowhere, comment: owner.comment(None) };
            changes.push(table.add_element(set, entry));
        }
        for set in IMPLIED {
            let mut keys: Vec<Vec<u8>> =
                implied.iter().filter(|(of, _)| *of == set).map(|(_, key)| key.clone()).collect();
            keys.sort_unstable();
            keys.dedup();
            changes.extend(INET.add_elements(set, &keys));
        }
        changes
    }

    /// What must be changed so that nothing is left of the owners that `gone` picks.
    pub(super) fn removals(&self, gone: impl Fn(&Owner) -> bool) -> Vec<Change> {
        let leaves = |entry: &Entry| owner(entry).is_some_and(|owner| gone(&owner));
        let mut changes = Vec::new();
        let mut kept: Vec<(&str, Vec<u8>)> = Vec::new();
        for ((table, set), entries) in OWNED.into_iter().zip(&self.owned) {
            let (leaving, staying): (Vec<&Entry>, Vec<&Entry>) =
                entries.iter().partition(|entry| leaves(entry));
            let keys: Vec<Vec<u8>> = leaving.iter().map(|entry| entry.key.clone()).collect();
            changes.extend(table.delete_elements(set, &keys));
            if let Some(ingress) = counts(table, set) {
                let bridges = staying.iter().filter_map(|entry| entry.key.get(..NAME));
                kept.extend(bridges.flat_map(|bridge| implied(bridge, ingress)));
            }
        }
        for (set, keys) in IMPLIED.into_iter().zip(&self.implied) {
            let stays = |key: &Vec<u8>| kept.iter().any(|(of, kept)| *of == set && kept == key);
            let surplus: Vec<Vec<u8>> = keys.iter().filter(|key| !stays(key)).cloned().collect();
            changes.extend(INET.delete_elements(set, &surplus));
        }
        changes
    }

    /// What mends chains and tables.
    fn broken(&self) -> Vec<Change> {
        let mut changes = Vec::new();
        for (chain, rules) in [forward(), bridged()].into_iter().zip(&self.rules) {
            if !chain.stands(rules) {
                changes.extend(chain.build(rules));
            }
        }
        changes
    }

    fn find(&self, element: &Element) -> Option<&Entry> {
        let key = element.key();
        self.owned[place(element)?].iter().find(|entry| entry.key == key)
    }

    fn implies(&self, set: &str, key: &[u8]) -> bool {
        let keys = IMPLIED.iter().position(|known| *known == set).and_then(|at| self.implied.get(at));
        keys.is_some_and(|keys| keys.iter().any(|found| found == key))
    }
}

/// Which of [`OWNED`] holds it.
fn place(element: &Element) -> Option<usize> {
    OWNED.iter().position(|owned| *owned == element.set())
}

/// Who wants a bridge separated, and how, if the set tells of that.
fn counts(table: Table, set: &str) -> Option<Separation> {
    match set {
        SAME_BRIDGE => Some(Separation::SameBridge),
        structure::ISOLATED if table == INET => Some(Separation::Isolated),
        _ => None,
    }
}

fn owner(entry: &Entry) -> Option<Owner> {
    Some(Owner::parse(entry.comment.as_deref()?)?.0)
}

fn is_of(entry: &Entry, wanted: &Owner) -> bool {
    entry.comment.as_deref() == Some(&wanted.comment(None))
}
