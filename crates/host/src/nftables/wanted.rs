//! What must be in the kernel for some masquerades and guards, and what is lacking there.

use ipnetwork::IpNetwork;
use netstate::{Mac, MacGuard, Masquerade};

use super::answer::{Entry, Rule};
use super::element::{self, Element};
use super::error::Error;
use super::message::Change;
use super::owner::Owner;
use super::session::Session;
use super::set::{Leads, NewEntry};
use super::structure::{self, Chain, TABLES};

/// Chains and elements, the chains in the order in which they can be made.
#[derive(Default)]
pub(super) struct Wanted {
    chains: Vec<Chain>,
    entries: Vec<WantedEntry>,
}

struct WantedEntry {
    element: Element,
    owner: Owner,
    /// Where a verdict map's element leads to.
    chain: Option<String>,
    /// The MAC that the comment of a guarded link tells, so that its permit is found without a search.
    mac: Option<Mac>,
}

impl Wanted {
    /// What these need.
    pub(super) fn of(masquerades: &[Masquerade], guards: &[MacGuard]) -> Self {
        let mut wanted = Self::default();
        for masquerade in masquerades {
            wanted.masquerade(masquerade);
        }
        if !masquerades.is_empty() {
            wanted.chains.push(structure::postrouting());
        }
        for guard in guards {
            wanted.guard(guard);
        }
        if !guards.is_empty() {
            wanted.chains.push(structure::prerouting());
        }
        wanted
    }

    fn masquerade(&mut self, masquerade: &Masquerade) {
        let chain = self.outside(masquerade.subnet);
        self.entries.push(WantedEntry {
            element: Element::Masquerade(masquerade.source),
            owner: Owner::of(&masquerade.owner),
            chain: Some(chain),
            mac: None,
        });
    }

    fn outside(&mut self, subnet: IpNetwork) -> String {
        let name = structure::outside_name(subnet);
        if !self.chains.iter().any(|chain| chain.name == name) {
            self.chains.push(structure::outside(subnet));
        }
        name
    }

    fn guard(&mut self, guard: &MacGuard) {
        let owner = Owner::of(&guard.owner);
        let (permitted, guarded) =
            (Element::Permitted(guard.link.clone(), guard.mac), Element::Guarded(guard.link.clone()));
        self.entries.push(WantedEntry { element: permitted, owner: owner.clone(), chain: None, mac: None });
        self.entries.push(WantedEntry { element: guarded, owner, chain: None, mac: Some(guard.mac) });
    }

    /// Is all of it there?
    ///
    /// # Errors
    /// What looking meets.
    pub(super) fn stands(&self, session: &mut Session) -> Result<bool, Error> {
        Ok(self.broken_chains(session)?.is_empty()
            && self.find(session)?.iter().all(|(wanted, found)| wanted.is(found.as_ref())))
    }

    /// What must be changed so that it is. Where an element belongs to somebody else, that is a dead predecessor of
    /// the address or link, whose permit goes with it.
    ///
    /// # Errors
    /// What looking meets.
    pub(super) fn changes(&self, session: &mut Session) -> Result<Vec<Change>, Error> {
        let mut changes: Vec<Change> = self.broken_chains(session)?;
        let (mut old, mut new) = (Vec::new(), Vec::new());
        for (wanted, found) in self.find(session)? {
            if wanted.is(found.as_ref()) {
                continue;
            }
            if let Some(found) = found {
                old.extend(wanted.permit_of(&found));
                old.push(wanted.element.clone());
            }
            new.push(wanted.addition());
        }
        changes.extend(element::deletions(&element::present(session, old)?));
        changes.extend(new);
        Ok(changes)
    }

    fn broken_chains(&self, session: &mut Session) -> Result<Vec<Change>, Error> {
        let mut changes = Vec::new();
        for table in TABLES {
            let chains: Vec<&Chain> = self.chains.iter().filter(|chain| chain.table == table).collect();
            let rules: Vec<Rule> = if chains.is_empty() { Vec::new() } else { session.rules(table, None)? };
            changes.extend(
                chains.iter().filter(|chain| !chain.stands(&rules)).flat_map(|chain| chain.build(&rules)),
            );
        }
        Ok(changes)
    }

    fn find(&self, session: &mut Session) -> Result<Vec<(&WantedEntry, Option<Entry>)>, Error> {
        let found = session.find(self.entries.iter().map(|wanted| &wanted.element))?;
        Ok(self.entries.iter().zip(found).collect())
    }
}

impl WantedEntry {
    fn is(&self, found: Option<&Entry>) -> bool {
        found.is_some_and(|found| {
            found.comment.as_deref() == Some(&self.owner.comment(self.mac)) && found.chain == self.chain
        })
    }

    /// The permit of another MAC that the guarded link had before.
    fn permit_of(&self, found: &Entry) -> Option<Element> {
        let (_, mac) = Owner::parse(found.comment.as_deref()?)?;
        match (&self.element, mac) {
            (Element::Guarded(link), Some(mac)) if self.mac != Some(mac) => {
                Some(Element::Permitted(link.clone(), mac))
            }
            _ => None,
        }
    }

    fn addition(&self) -> Change {
        let (table, set) = self.element.set();
        table.add_element(
            set,
            NewEntry {
                name: self.element.to_string(),
                key: self.element.key().into(),
                leads: self.chain.clone().map_or(Leads::Nowhere, Leads::Chain),
                comment: self.owner.comment(self.mac),
            },
        )
    }
}
