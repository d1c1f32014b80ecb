//! ADD's shelf: addresses are reserved for good.

use std::net::IpAddr;

use host::draft::Draft;

use super::allocate::Shelf;
use super::error::StoreError;
use super::heal::Healer;
use super::mark::Mark;
use super::owner::Owner;
use super::store::Store;

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

impl<'a> Reserving<'a> {
    /// Every file that it writes says `owner` and bears `mark`.
    pub(crate) fn new(healer: Healer<'a>, store: &'a Store, owner: &'a Owner, mark: Mark) -> Self {
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
        self.healer.heal(address)
    }

    fn hindrance(&self) -> Option<String> {
        self.healer.hindrance.as_ref().map(ToString::to_string)
    }

    fn taken(&self) -> Result<Vec<IpAddr>, StoreError> {
        self.store.directory.addresses()
    }

    fn last_reserved(&self, set: usize) -> Option<IpAddr> {
        self.store.directory.last_reserved(set)
    }
}
