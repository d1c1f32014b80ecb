//! Ports that are given back. Where their container asks for one by another of its interfaces, too, it leads there from
//! the same moment on.

use netstate::Ports;

use super::class::Class;
use super::entry::{self, PortEntry, Sharing};
use super::{Claim, OwnedPort, wanted};
use crate::nftables::Nftables;
use crate::nftables::answer::Entry;
use crate::nftables::error::Error;
use crate::nftables::message::Change;
use crate::nftables::owner::Owner;
use crate::nftables::session::Session;

/// Says what the container of an owner asks for by its other interfaces.
pub type Heirs<'a> = dyn FnMut(&Owner) -> Vec<Ports> + 'a;

impl Nftables {
    /// Removes the owner's elements among these, in one batch, and gives those that its container shares to the heirs.
    /// What is not there, or belongs to another, is nothing to do: a late DEL takes nothing of a later owner of the port.
    ///
    /// # Errors
    /// [`Error`]; then nothing was removed.
    pub fn remove_ports(&mut self, ports: &Ports, heirs: &mut Heirs<'_>) -> Result<(), Error> {
        if ports.mappings.is_empty() || !self.available()? {
            return Ok(());
        }
        let entries = entry::of(&Class::of(&ports.class), ports);
        let owner = Owner::of(&ports.owner);
        self.give_back(&entries, &owner, heirs)
    }

    /// Removes those of these that still belong to whom they are said to belong, as [`Self::remove_ports`].
    ///
    /// # Errors
    /// [`Error`].
    pub fn delete_ports(&mut self, owned: &[OwnedPort], heirs: &mut Heirs<'_>) -> Result<(), Error> {
        let mut owners: Vec<&Owner> = owned.iter().map(|owned| &owned.owner).collect();
        owners.dedup();
        for owner in owners {
            let theirs = owned.iter().filter(|owned| owned.owner == *owner);
            let entries: Vec<PortEntry> = theirs.map(|owned| owned.entry.clone()).collect();
            self.give_back(&entries, owner, heirs)?;
        }
        Ok(())
    }

    fn give_back(
        &mut self,
        entries: &[PortEntry],
        owner: &Owner,
        heirs: &mut Heirs<'_>,
    ) -> Result<(), Error> {
        self.session()?.change("remove mapped ports", |session| -> Result<Vec<Change>, Error> {
            let found = session.find_each(entries.iter().map(PortEntry::question))?;
            let theirs = |(entry, found): (&PortEntry, Option<Entry>)| {
                let found = found?;
                let comment = found.comment.as_deref()?;
                let (said, _) = Owner::parse(comment)?;
                let shared = Owner::is_of_shared(comment);
                (entry.is_keyed(&found) && said.key() == owner.key()).then(|| (entry.clone(), shared))
            };
            let theirs: Vec<(PortEntry, bool)> = entries.iter().zip(found).filter_map(theirs).collect();
            let shared = theirs.iter().any(|(_, shared)| *shared);
            let mut old: Vec<PortEntry> = theirs.into_iter().map(|(entry, _)| entry).collect();
            if !shared {
                return Ok(entry::deletions(&old));
            }
            let (built, new) = inherit(session, &mut old, owner, &heirs(owner))?;
            let mut changes = built;
            changes.extend(entry::deletions(&old));
            changes.extend(entry::additions(&new));
            Ok(changes)
        })
    }
}

/// What the heirs get: what it rests on, and its elements. Those in their way, which are the owner's, join the `old`.
fn inherit(
    session: &mut Session,
    old: &mut Vec<PortEntry>,
    owner: &Owner,
    heirs: &[Ports],
) -> Result<(Vec<Change>, Vec<PortEntry>), Error> {
    let sharing = if heirs.len() > 1 { Sharing::Shared } else { Sharing::Alone };
    let (mut built, mut new): (Vec<Change>, Vec<PortEntry>) = (Vec::new(), Vec::new());
    for heir in heirs {
        let class = Class::of(&heir.class);
        let mut judge =
            |holder: &Owner| if holder.key() == owner.key() { Claim::Void } else { Claim::Shared };
        let (void, wanted) = match wanted(session, &class, heir, &mut judge) {
            // Somebody's hand was quicker; nobody's end waits for that.
            Err(Error::PortTaken { .. }) => continue,
            seen => seen?,
        };
        built.extend(class.broken(session, &heir.hairpins)?);
        for entry in wanted {
            let overlaps = |other: &PortEntry| match (&other.from, &entry.from) {
                (Some(one), Some(other)) => one.overlaps(other),
                _ => other.is_same(&entry),
            };
            if !new.iter().any(overlaps) {
                let sharing = if entry.sharing == Sharing::Shared { Sharing::Shared } else { sharing };
                new.push(PortEntry { sharing, ..entry });
            }
        }
        for entry in void {
            if !old.iter().any(|known| known.is_same(&entry)) {
                old.push(entry);
            }
        }
    }
    Ok((built, new))
}
