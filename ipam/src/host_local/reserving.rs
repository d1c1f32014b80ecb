//! ADD's shelf: addresses are reserved for good.

use std::net::IpAddr;

use host::draft::Draft;
use host::life::{Life, Witness};
use netstate::Attachment;

use super::allocate::Shelf;
use super::delegator::Delegator;
use super::directory::Contents;
use super::error::StoreError;
use super::mark::Mark;
use super::owner::Owner;
use super::store::Store;
use super::verdict::Judge;

/// Takes addresses from a store for one owner.
pub(crate) struct Reserving<'a> {
    store: &'a Store,
    owner: &'a Owner,
    mark: Mark,
    /// Written and not yet used.
    draft: Option<Draft>,
    healer: Healer<'a>,
    /// What was taken, in the order of the sets.
    pub(crate) reserved: Vec<IpAddr>,
}

/// Clears away the dead.
pub(crate) struct Healer<'a> {
    pub(crate) network: &'a str,
    pub(crate) delegator: &'a mut dyn Delegator,
    pub(crate) witness: Witness,
}

impl<'a> Reserving<'a> {
    /// Every file that it writes says `owner` and bears `mark`.
    pub(crate) fn new(store: &'a Store, owner: &'a Owner, mark: Mark, healer: Healer<'a>) -> Self {
        Self { store, owner, mark, draft: None, healer, reserved: Vec::new() }
    }

    /// Gives back what was taken.
    pub(crate) fn undo(&self) -> Result<(), StoreError> {
        self.reserved.iter().try_for_each(|address| self.store.directory.release(*address))
    }
}

impl Shelf for Reserving<'_> {
    fn take(&mut self, address: IpAddr) -> Result<bool, StoreError> {
        let draft = match self.draft.take() {
            Some(draft) => draft,
            None => self.store.directory.draft(self.owner, self.mark)?,
        };
        let taken = self.store.directory.reserve(address, &draft)?;
        if taken {
            self.reserved.push(address);
        } else {
            self.draft = Some(draft);
        }
        Ok(taken)
    }

    fn heal(&mut self, address: IpAddr) -> Result<bool, StoreError> {
        self.healer.heal(self.store, address)
    }

    fn taken(&self) -> Result<Vec<IpAddr>, StoreError> {
        self.store.directory.addresses()
    }

    fn last_reserved(&self, set: usize) -> Option<IpAddr> {
        self.store.directory.last_reserved(set)
    }
}

impl Healer<'_> {
    /// The whole attachment goes, with all of its addresses: first what it left in the kernel, then its files. Where it
    /// can't be taken away, its addresses stay reserved.
    fn heal(&mut self, store: &Store, address: IpAddr) -> Result<bool, StoreError> {
        let (owner, mark) = match store.directory.contents(address)? {
            Contents::Free => return Ok(true),
            Contents::Empty => return store.directory.release(address).map(|()| true),
            Contents::Held(owner, mark) => (owner, mark),
        };
        let judge = Judge { directory: &store.directory, index: &store.index, witness: &self.witness };
        if judge.life(&owner, mark)? != Life::Dead {
            return Ok(false);
        }
        let mut addresses = store.held_by(&owner)?;
        if !addresses.contains(&address) {
            addresses.push(address);
        }
        let attachment = Attachment {
            network: self.network.to_owned(),
            container: owner.container.clone(),
            ifname: owner.ifname.clone().unwrap_or_default(),
        };
        if self.delegator.reap(&attachment, &addresses).is_err() {
            return Ok(false);
        }
        store.release(&owner, &addresses).map(|_| true)
    }
}
