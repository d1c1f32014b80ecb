//! Who holds which leases, on disk: a daemon that ends, in whatever way, leaves the next one all it needs.
//!
//! ```text
//! /var/lib/cni/trestle/dhcp/
//!     lock                     the daemon's, as long as it lives
//!     <key>.json               one attachment: its wish, its leases, and a proof of life
//! ```

use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use netstate::Attachment;
use serde::{Deserialize, Serialize};

use super::config::Wish;
use super::error::StoreError;
use super::lease::Lease;

/// Where they are, below the host's root.
const DIRECTORY: &str = "var/lib/cni/trestle/dhcp";

const LOCK: &str = "lock";

/// How a record's file is called until it is whole: its name with this extension.
const UNFINISHED: &str = "new";

/// An attachment and its leases.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Record {
    network: String,
    container: String,
    ifname: String,
    /// `CNI_NETNS`.
    pub(super) netns: PathBuf,
    /// [`host::life::Proof`] as text.
    pub(super) proof: String,
    pub(super) wish: Wish,
    pub(super) leases: Vec<Lease>,
    /// What ADD told of, where a server changed its mind since.
    #[serde(default)]
    told: Vec<Lease>,
}

impl Record {
    /// A record without leases.
    pub(super) fn new(owner: &Attachment, netns: &Path, wish: Wish) -> Self {
        Self {
            network: owner.network.clone(),
            container: owner.container.clone(),
            ifname: owner.ifname.clone(),
            netns: netns.to_owned(),
            proof: String::new(),
            wish,
            leases: Vec::new(),
            told: Vec::new(),
        }
    }

    /// The leases that the last ADD told of.
    pub(super) fn told(&self) -> &[Lease] {
        if self.told.is_empty() { &self.leases } else { &self.told }
    }

    /// The runtime is being told of the leases as they are now. Was it told something else before?
    pub(super) fn tell(&mut self) -> bool {
        !std::mem::take(&mut self.told).is_empty()
    }

    /// Has these leases in place of those it had.
    pub(super) fn keep(&mut self, leases: Vec<Lease>) {
        let changed = leases.len() != self.leases.len()
            || leases.iter().zip(&self.leases).any(|(new, old)| new.differs(old));
        let old = std::mem::replace(&mut self.leases, leases);
        if changed && self.told.is_empty() {
            self.told = old;
        }
    }

    /// Whose it is.
    pub(super) fn owner(&self) -> Attachment {
        Attachment {
            network: self.network.clone(),
            container: self.container.clone(),
            ifname: self.ifname.clone(),
        }
    }
}

/// The directory.
#[derive(Debug, Clone)]
pub(super) struct Store {
    root: PathBuf,
    directory: PathBuf,
}

/// Names the file in an error.
trait At<T> {
    fn at(self, verb: &'static str, path: &Path) -> Result<T, StoreError>;
}

impl<T> At<T> for io::Result<T> {
    fn at(self, verb: &'static str, path: &Path) -> Result<T, StoreError> {
        self.map_err(|source| StoreError { verb, path: path.to_owned(), source })
    }
}

impl Store {
    /// The directory below `root`, whether or not it is there.
    pub(super) fn below(root: &Path) -> Self {
        Self { root: root.to_owned(), directory: root.join(DIRECTORY) }
    }

    /// The host's root.
    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// Makes the directory, and locks it as long as the file is open. None where another daemon did.
    pub(super) fn lock(&self) -> Result<Option<File>, StoreError> {
        fs::create_dir_all(&self.directory).at("create", &self.directory)?;
        let path = self.directory.join(LOCK);
        let file = File::options().create(true).append(true).open(&path).at("open", &path)?;
        match file.try_lock() {
            Ok(()) => self.forget_unfinished().map(|()| Some(file)),
            Err(fs::TryLockError::WouldBlock) => Ok(None),
            Err(fs::TryLockError::Error(error)) => Err(error).at("lock", &path),
        }
    }

    /// Removes what a killed daemon left: records that never got their name.
    fn forget_unfinished(&self) -> Result<(), StoreError> {
        for entry in fs::read_dir(&self.directory).at("list", &self.directory)? {
            let path = entry.at("list", &self.directory)?.path();
            if path.extension().is_some_and(|extension| extension == UNFINISHED) {
                unless_gone(fs::remove_file(&path)).at("remove", &path)?;
            }
        }
        Ok(())
    }

    /// The record of an attachment. One that can't be read is none: a server takes its lease back in time.
    pub(super) fn read(&self, owner: &Attachment) -> Result<Option<Record>, StoreError> {
        let record = parse(&self.path(owner))?;
        Ok(record.filter(|record| record.owner() == *owner))
    }

    /// The file of an attachment's record, for a witness.
    pub(super) fn open(&self, owner: &Attachment) -> Result<Option<File>, StoreError> {
        let path = self.path(owner);
        unless_gone(File::open(&path)).at("open", &path)
    }

    /// Writes a record, whole or not at all.
    pub(super) fn write(&self, record: &Record) -> Result<(), StoreError> {
        let path = self.path(&record.owner());
        let new = path.with_extension(UNFINISHED);
        let written = || -> io::Result<()> {
            fs::create_dir_all(&self.directory)?;
            File::create(&new)?.write_all(&serde_json::to_vec(record)?)?;
            fs::rename(&new, &path)
        };
        written().at("write", &path)
    }

    /// Forgets an attachment.
    pub(super) fn remove(&self, owner: &Attachment) -> Result<(), StoreError> {
        let path = self.path(owner);
        unless_gone(fs::remove_file(&path)).at("remove", &path).map(drop)
    }

    /// Every record.
    pub(super) fn all(&self) -> Result<Vec<Record>, StoreError> {
        let Some(entries) = unless_gone(fs::read_dir(&self.directory)).at("list", &self.directory)? else {
            return Ok(Vec::new());
        };
        let mut records = Vec::new();
        for entry in entries {
            let path = entry.at("list", &self.directory)?.path();
            if path.extension().is_some_and(|extension| extension == "json") {
                records.extend(parse(&path)?);
            }
        }
        Ok(records)
    }

    fn path(&self, owner: &Attachment) -> PathBuf {
        self.directory.join(owner.key()).with_extension("json")
    }
}

fn parse(path: &Path) -> Result<Option<Record>, StoreError> {
    let bytes = unless_gone(fs::read(path)).at("read", path)?;
    Ok(bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()))
}

fn unless_gone<T>(done: io::Result<T>) -> io::Result<Option<T>> {
    match done {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        other => other.map(Some),
    }
}
