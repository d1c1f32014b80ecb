//! A network's directory, exactly as the reference host-local keeps it, so that both may work on it at once:
//! a file for each address in use, named by it; `last_reserved_ip.<set>`; and `lock`.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read};
use std::net::IpAddr;
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use host::draft::Draft;
use host::files::{Purpose, open};

use super::config::Place;
use super::error::{At, StoreError};
use super::mark::Mark;
use super::owner::Owner;

const LOCK: &str = "lock";
const LAST_RESERVED: &str = "last_reserved_ip";

/// Longer files are none of host-local's: a container ID and an interface name are shorter.
const LONGEST: usize = 4096;

/// What an address's file says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Contents {
    /// There is no file: the address is free.
    Free,
    /// Nothing: its writer died between creating and writing it.
    Empty,
    /// Whose the address is, and the mark that tells who wrote so.
    Held(Owner, Mark),
}

/// The directory of one network.
#[derive(Debug, Clone)]
pub(crate) struct Directory {
    path: PathBuf,
}

impl Directory {
    /// The directory, whether or not it is there.
    pub(crate) fn of(place: &Place) -> Self {
        Self { path: place.data_dir.join(&place.network) }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn create(&self) -> Result<(), StoreError> {
        fs::DirBuilder::new().recursive(true).mode(0o755).create(&self.path).at("create", &self.path)
    }

    /// Waits until nobody else, the reference included, is at work here. The lock ends with the file.
    pub(crate) fn lock(&self) -> Result<File, StoreError> {
        let path = self.path.join(LOCK);
        let file = match open(&path, Purpose::Read) {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                OpenOptions::new().write(true).create(true).truncate(false).mode(0o750).open(&path)
            }
            other => other,
        };
        let file = file.at("open", &path)?;
        loop {
            match file.lock() {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                other => return other.map(|()| file).at("lock", &path),
            }
        }
    }

    fn file(&self, address: IpAddr) -> PathBuf {
        self.path.join(address.to_string())
    }

    /// Reads an address's file. A directory of that name counts as free: nothing is reserved by it.
    pub(crate) fn contents(&self, address: IpAddr) -> Result<Contents, StoreError> {
        let path = self.file(address);
        let opened = match open(&path, Purpose::Read) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Contents::Free),
            other => other.at("open", &path)?,
        };
        let text = text(&opened).at("read", &path)?;
        match Owner::parse(&text) {
            Some(owner) => Ok(Contents::Held(owner, Mark::of(&opened.metadata().at("read", &path)?))),
            None => Ok(Contents::Empty),
        }
    }

    /// Has an address a file?
    pub(crate) fn is_taken(&self, address: IpAddr) -> Result<bool, StoreError> {
        let path = self.file(address);
        path.try_exists().at("look for", &path)
    }

    /// A file for an address of `owner`, written but not yet in place.
    pub(crate) fn draft(&self, owner: &Owner, mark: Mark) -> Result<Draft, StoreError> {
        Draft::new(&self.path, owner.to_string().as_bytes(), mark.times()).at("write to", &self.path)
    }

    /// Reserves the address; `false` where it is taken.
    pub(crate) fn reserve(&self, address: IpAddr, draft: &Draft) -> Result<bool, StoreError> {
        let path = self.file(address);
        match draft.publish(&path) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(false),
            other => other.map(|()| true).at("create", &path),
        }
    }

    /// Gives an address back.
    pub(crate) fn release(&self, address: IpAddr) -> Result<(), StoreError> {
        let path = self.file(address);
        unless_gone(fs::remove_file(&path)).at("remove", &path)
    }

    /// The addresses in use, as far as file names tell.
    pub(crate) fn addresses(&self) -> Result<Vec<IpAddr>, StoreError> {
        let mut addresses = Vec::new();
        for entry in fs::read_dir(&self.path).at("list", &self.path)? {
            let name = entry.at("list", &self.path)?.file_name();
            let Some(name) = name.to_str() else { continue };
            addresses.extend(name.parse().ok().filter(|address: &IpAddr| address.to_string() == name));
        }
        Ok(addresses)
    }

    /// The address that a set gave last. Not critical: where it can't be read, the round begins anew.
    pub(crate) fn last_reserved(&self, set: usize) -> Option<IpAddr> {
        let file = open(&self.path.join(format!("{LAST_RESERVED}.{set}")), Purpose::Read).ok()?;
        text(&file).ok()?.parse().ok()
    }

    /// Remembers the address that a set gave last. Written over what was there: to truncate a file first costs a
    /// discard on file systems that pass it on.
    pub(crate) fn set_last_reserved(&self, set: usize, address: IpAddr) -> Result<(), StoreError> {
        let path = self.path.join(format!("{LAST_RESERVED}.{set}"));
        let write = || -> io::Result<()> {
            let file = open(&path, Purpose::Update(0o600))?;
            let text = address.to_string();
            let length = u64::try_from(text.len()).map_err(io::Error::other)?;
            if file.metadata()?.len() > length {
                file.set_len(length)?;
            }
            file.write_all_at(text.as_bytes(), 0)
        };
        write().at("write", &path)
    }
}

/// A small file as text: one read in place of a look at its size first. A regular file gives all that it has at once.
pub(crate) fn text(mut file: &File) -> io::Result<String> {
    let mut bytes = [0; LONGEST];
    loop {
        match file.read(&mut bytes) {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            other => return Ok(String::from_utf8_lossy(&bytes[..other?]).into_owned()),
        }
    }
}

/// What is gone already needs no removing.
pub(crate) fn unless_gone(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        other => other,
    }
}
