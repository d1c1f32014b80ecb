//! A network's addresses: upstream's directory, and our index of it, under one lock.
//!
//! # The seal
//! Upstream knows nothing of the index. At the end of each of our operations the network's directory gets a [`Mark`]
//! and the index's directory its twin. Whoever makes or removes a file in either of them changes its time, so two that
//! go together say that nobody did, and the index is right. Otherwise (upstream, an administrator, another mount
//! namespace's index, our own SIGKILL) upstream's files are read once and the index is made anew.
//!
//! # Order of writes
//! ADD: record with its proof, address files, addresses into the record, seal. DEL: address files, record, seal. A
//! crash anywhere leaves the seal broken, so the next operation sees every address file, whose owner DEL and GC know
//! by its text, and drops records without files. A proof is never lost before the files that it speaks of: they
//! bear the mark that the record names.

use std::collections::{BTreeMap, HashSet};
use std::fs::File;
use std::io::ErrorKind;
use std::net::IpAddr;

use host::files::{Purpose, open};

use super::config::Place;
use super::directory::{Contents, Directory};
use super::error::{At, StoreError};
use super::index::Index;
use super::mark::Mark;
use super::owner::Owner;
use super::record::Record;

/// Who holds which addresses.
pub(crate) type Holdings = BTreeMap<Owner, Vec<IpAddr>>;

/// An open store. Its lock ends with it.
pub(crate) struct Store {
    pub(crate) directory: Directory,
    pub(crate) index: Index,
    network: File,
    records: Records,
    _lock: File,
}

/// What tells who holds what.
enum Records {
    /// The index, which is sealed.
    Index(File),
    /// Upstream's files, which have just been read; and the index, if it could be made anew from them.
    Files(Holdings, Result<File, StoreError>),
}

impl Store {
    /// Opens a network's store, and creates it where it isn't there.
    pub(crate) fn create(place: &Place) -> Result<Self, StoreError> {
        let directory = Directory::of(place);
        if let Some(store) = Self::open(&directory)? {
            return store.with_index();
        }
        directory.create()?;
        let gone = || std::io::Error::from(ErrorKind::NotFound);
        Self::open(&directory)?.ok_or_else(gone).at("open", directory.path())?.with_index()
    }

    /// No address without a record: an ADD fails where there can be no index.
    fn with_index(self) -> Result<Self, StoreError> {
        match self.records {
            Records::Files(_, Err(error)) => Err(error),
            records => Ok(Self { records, ..self }),
        }
    }

    /// Opens a network's store; `None` where it never gave an address.
    pub(crate) fn existing(place: &Place) -> Result<Option<Self>, StoreError> {
        Self::open(&Directory::of(place))
    }

    fn open(directory: &Directory) -> Result<Option<Self>, StoreError> {
        let network = match open(directory.path(), Purpose::Read) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            other => other.at("open", directory.path())?,
        };
        let lock = directory.lock()?;
        let index = Index::of(&network).at("find the path of", directory.path())?;
        let records = match sealed(&network, &index)? {
            Some(file) => Records::Index(file),
            None => scan(directory, &index)?,
        };
        Ok(Some(Self { directory: directory.clone(), index, network, records, _lock: lock }))
    }

    /// The addresses that an owner holds.
    pub(crate) fn held_by(&self, owner: &Owner) -> Result<Vec<IpAddr>, StoreError> {
        match &self.records {
            Records::Index(_) => {
                Ok(self.index.record(owner)?.map(|(record, _)| record.addresses).unwrap_or_default())
            }
            Records::Files(holdings, _) => Ok(holdings.get(owner).cloned().unwrap_or_default()),
        }
    }

    /// Gives back what the owner holds, and says what that was.
    pub(crate) fn release_all(&self, owner: &Owner) -> Result<Vec<IpAddr>, StoreError> {
        let addresses = self.held_by(owner)?;
        if addresses.is_empty() { Ok(addresses) } else { self.release(owner, &addresses) }
    }

    /// Gives these addresses of the owner's back, and forgets the owner. Another's address stays, whatever the index
    /// says.
    pub(crate) fn release(&self, owner: &Owner, addresses: &[IpAddr]) -> Result<Vec<IpAddr>, StoreError> {
        let mut released = Vec::new();
        for &address in addresses {
            if matches!(self.directory.contents(address)?, Contents::Held(holder, _) if holder == *owner) {
                self.directory.release(address)?;
                released.push(address);
            }
        }
        if !matches!(self.records, Records::Files(_, Err(_))) {
            self.index.remove(owner)?;
        }
        Ok(released)
    }

    /// Is there nothing to seal, if nothing was changed?
    pub(crate) fn is_sealed(&self) -> bool {
        matches!(self.records, Records::Index(_))
    }

    /// Everyone who holds an address, by upstream's files.
    pub(crate) fn holdings(&self) -> Result<Holdings, StoreError> {
        match &self.records {
            Records::Files(holdings, _) => Ok(holdings.clone()),
            Records::Index(_) => read(&self.directory).map(|(holdings, _)| holdings),
        }
    }

    /// Ends a change: the index is right from here on. Where that can't be said, the next operation reads all of
    /// upstream's files again, which is no error.
    pub(crate) fn seal(&self) {
        if let Records::Index(index) | Records::Files(_, Ok(index)) = &self.records {
            let mark = Mark::random();
            let _ = mark.twin().put(index).and_then(|()| mark.put(&self.network));
        }
    }
}

/// The index's directory, if its mark is that of the network's.
pub(crate) fn sealed(network: &File, index: &Index) -> Result<Option<File>, StoreError> {
    // An index that can't be opened is made anew, if it can be.
    let Ok(file) = index.open() else { return Ok(None) };
    let [one, other] = [network, &file].map(|file| file.metadata().map(|metadata| Mark::of(&metadata)));
    let mark = one.at("look at", index.path())?;
    let twin = other.at("look at", index.path())?;
    Ok((mark.is_precise() && mark.twin() == twin).then_some(file))
}

/// Reads upstream's files and makes the index anew. An index that can't be written keeps an ADD from being sealed, and
/// no DEL from giving addresses back.
fn scan(directory: &Directory, index: &Index) -> Result<Records, StoreError> {
    let (holdings, empty) = read(directory)?;
    for address in empty {
        // Whoever writes holds the lock, which is ours now: its writer is dead.
        directory.release(address)?;
    }
    let make_anew = || {
        let file = index.create().at("create", index.path())?;
        for (owner, addresses) in &holdings {
            let known = index.record(owner)?.map(|(record, _)| record);
            if known.as_ref().is_none_or(|record| record.addresses != *addresses) {
                let evidence = known.and_then(|record| record.evidence);
                index.write(owner, &Record { evidence, addresses: addresses.clone() })?;
            }
        }
        let keys: HashSet<String> = holdings.keys().map(Index::key).collect();
        index.retain(|name| keys.contains(name))?;
        Ok(file)
    };
    let rebuilt = make_anew();
    Ok(Records::Files(holdings, rebuilt))
}

/// Reads all of upstream's files: who holds what, and which addresses have a file that says nothing. What can't be
/// read is no reservation of host-local's.
pub(crate) fn read(directory: &Directory) -> Result<(Holdings, Vec<IpAddr>), StoreError> {
    let (mut holdings, mut empty) = (Holdings::new(), Vec::new());
    let mut addresses = directory.addresses()?;
    addresses.sort_unstable();
    for address in addresses {
        match directory.contents(address) {
            Ok(Contents::Held(owner, _)) => holdings.entry(owner).or_default().push(address),
            Ok(Contents::Empty) => empty.push(address),
            Ok(Contents::Free) | Err(_) => {}
        }
    }
    Ok((holdings, empty))
}
