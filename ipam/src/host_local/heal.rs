//! Clearing away the dead, on proof.

use std::net::IpAddr;

use host::life::{Life, Witness};
use netstate::Attachment;

use super::delegator::Delegator;
use super::directory::Contents;
use super::error::StoreError;
use super::mark::Mark;
use super::owner::Owner;
use super::reap::{ReapError, reap};
use super::store::Store;
use super::verdict::Judge;

/// Clears away the dead of one network.
pub(crate) struct Healer<'a> {
    store: &'a Store,
    network: &'a str,
    delegator: &'a mut dyn Delegator,
    witness: Witness,
    /// The first of the dead that could not be cleared away.
    pub(crate) hindrance: Option<ReapError>,
}

impl<'a> Healer<'a> {
    pub(crate) fn new(store: &'a Store, network: &'a str, delegator: &'a mut dyn Delegator) -> Self {
        Self { store, network, delegator, witness: Witness::default(), hindrance: None }
    }

    /// Is the address free, or free now?
    pub(crate) fn heal(&mut self, address: IpAddr) -> Result<bool, StoreError> {
        match self.store.directory.contents(address)? {
            Contents::Free => Ok(true),
            Contents::Empty => self.store.directory.release(address).map(|()| true),
            Contents::Held(owner, mark) => self.evict(&owner, mark),
        }
    }

    /// Clears the owner away if it is dead: the whole attachment goes, first what it left in the kernel, then its
    /// addresses. Where the former fails, the latter stay reserved.
    pub(crate) fn evict(&mut self, owner: &Owner, mark: Mark) -> Result<bool, StoreError> {
        let judge =
            Judge { directory: &self.store.directory, index: &self.store.index, witness: &self.witness };
        if judge.life(owner, mark)? != Life::Dead {
            return Ok(false);
        }
        let attachment = Attachment {
            network: self.network.to_owned(),
            container: owner.container.clone(),
            ifname: owner.ifname.clone().unwrap_or_default(),
        };
        let addresses = self.store.held_by(owner)?;
        match reap(self.delegator, &attachment, &addresses) {
            Ok(()) => self.store.release(owner, &addresses).map(|_| true),
            Err(error) => {
                self.hindrance.get_or_insert(error);
                Ok(false)
            }
        }
    }
}
