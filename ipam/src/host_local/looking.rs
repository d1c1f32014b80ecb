//! The shelf of `cni plan` and STATUS: nothing is locked, nothing is written.

use std::collections::HashSet;
use std::fs::File;
use std::io::ErrorKind;
use std::net::IpAddr;

use host::life::{Life, Witness};

use super::allocate::Shelf;
use super::config::Place;
use super::directory::{Contents, Directory};
use super::error::{At, StoreError};
use super::index::Index;
use super::owner::Owner;
use super::store::{read, sealed};
use super::verdict::Judge;

/// A network's addresses as they are, or as they would be.
pub(crate) struct Looking {
    directory: Directory,
    /// Absent where the network never gave an address.
    index: Option<Index>,
    witness: Witness,
    /// What would be cleared away.
    free: HashSet<IpAddr>,
}

impl Looking {
    pub(crate) fn at(place: &Place) -> Result<Self, StoreError> {
        let directory = Directory::of(place);
        let index = match open(&directory)? {
            Some(network) => Some(Index::of(&network).at("find the path of", directory.path())?),
            None => None,
        };
        Ok(Self { directory, index, witness: Witness::default(), free: HashSet::new() })
    }

    /// The addresses that an attachment holds.
    pub(crate) fn held_by(&self, owner: &Owner) -> Result<Vec<IpAddr>, StoreError> {
        let (Some(index), Some(network)) = (&self.index, open(&self.directory)?) else {
            return Ok(Vec::new());
        };
        let owners = [owner.clone(), owner.bare()];
        let mut addresses = Vec::new();
        if sealed(&network, index)?.is_some() {
            for owner in &owners {
                addresses
                    .extend(index.record(owner)?.map(|(record, _)| record.addresses).unwrap_or_default());
            }
        } else {
            let (mut holdings, _) = read(&self.directory)?;
            addresses.extend(owners.iter().filter_map(|owner| holdings.remove(owner)).flatten());
        }
        Ok(addresses)
    }
}

fn open(directory: &Directory) -> Result<Option<File>, StoreError> {
    match File::open(directory.path()) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        other => other.map(Some).at("open", directory.path()),
    }
}

impl Shelf for Looking {
    fn take(&mut self, address: IpAddr) -> Result<bool, StoreError> {
        Ok(self.free.contains(&address) || !self.directory.is_taken(address)?)
    }

    fn heal(&mut self, address: IpAddr) -> Result<bool, StoreError> {
        let free = match self.directory.contents(address)? {
            Contents::Free | Contents::Empty => true,
            Contents::Held(owner, mark) => match &self.index {
                Some(index) => {
                    let judge = Judge { directory: &self.directory, index, witness: &self.witness };
                    judge.life(&owner, mark)? == Life::Dead
                }
                None => false,
            },
        };
        if free {
            self.free.insert(address);
        }
        Ok(free)
    }

    fn hindrance(&self) -> Option<String> {
        None
    }

    fn taken(&self) -> Result<Vec<IpAddr>, StoreError> {
        if self.index.is_none() { Ok(Vec::new()) } else { self.directory.addresses() }
    }

    fn last_reserved(&self, set: usize) -> Option<IpAddr> {
        self.directory.last_reserved(set)
    }
}
