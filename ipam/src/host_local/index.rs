//! Our own state of one network: a record for each attachment, so that no operation has to read all of upstream's
//! files. It lies outside upstream's directory and may be lost: it is rebuilt from there.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Write};
use std::net::IpAddr;
use std::os::fd::AsRawFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use host::files::{Purpose, open};
use netstate::Attachment;
use sha2::{Digest, Sha256};

use super::config::Place;
use super::directory::{text, unless_gone};
use super::error::{At, StoreError};
use super::owner::Owner;
use super::record::Record;

/// Where the indexes of all networks are.
const STATE: &str = "/var/lib/cni/trestle/host-local";

/// How often a lock is asked for that someone has just to read what it protects, and how long between.
const LOCK_TRIES: u32 = 50;
const LOCK_PAUSE: Duration = Duration::from_millis(2);

/// The directory of a network's records.
#[derive(Debug)]
pub(crate) struct Index {
    path: PathBuf,
}

/// `NAME_MAX`: the longest name of a directory, in bytes.
const NAME_LIMIT: usize = 255;

impl Index {
    /// The index of the network whose directory is open: named by its path without symbolic links, so that every
    /// spelling of `dataDir` finds it. It may not exist.
    pub(crate) fn of(network: &File) -> io::Result<Self> {
        let canonical = fs::read_link(format!("/proc/self/fd/{}", network.as_raw_fd()))?;
        Ok(Self { path: Path::new(STATE).join(name_of(&canonical)) })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn open(&self) -> io::Result<File> {
        open(&self.path, Purpose::Read)
    }

    pub(crate) fn create(&self) -> io::Result<File> {
        fs::create_dir_all(&self.path)?;
        self.open()
    }

    /// Every network that has an index, as far as it can be told.
    pub(crate) fn all() -> Result<Vec<Place>, StoreError> {
        let indexes = match fs::read_dir(STATE) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            other => other.at("list", Path::new(STATE))?,
        };
        let mut places = Vec::new();
        for index in indexes {
            let Some(network) = named(&index.at("list", Path::new(STATE))?.file_name()) else { continue };
            if let (Some(data_dir), Some(Some(name))) =
                (network.parent(), network.file_name().map(|name| name.to_str()))
            {
                places.push(Place { data_dir: data_dir.to_owned(), network: name.to_owned() });
            }
        }
        Ok(places)
    }

    /// The file name of an attachment's record: no container ID is too long or too strange for it.
    pub(crate) fn key(owner: &Owner) -> String {
        let attachment = Attachment {
            network: String::new(),
            container: owner.container.clone(),
            ifname: owner.ifname.clone().unwrap_or_default(),
        };
        attachment.key()
    }

    fn file(&self, owner: &Owner) -> PathBuf {
        self.path.join(Self::key(owner))
    }

    /// An attachment's record, with its file, which is locked as long as the attachment is being made.
    pub(crate) fn record(&self, owner: &Owner) -> Result<Option<(Record, File)>, StoreError> {
        let path = self.file(owner);
        match open(&path, Purpose::Read) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            opened => {
                let file = opened.at("open", &path)?;
                let record = Record::parse(&text(&file).at("read", &path)?);
                Ok(Some((record, file)))
            }
        }
    }

    /// Writes an attachment's record over what was there. The file stays the same, and so does a lock on it.
    pub(crate) fn write(&self, owner: &Owner, record: &Record) -> Result<File, StoreError> {
        let path = self.file(owner);
        let write = || -> io::Result<File> {
            let mut options = OpenOptions::new();
            options.read(true).append(true).mode(0o600);
            let mut file = match open(&path, Purpose::Found(0o600)) {
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                    let file = options.open(&path)?;
                    // Empty first: a crash must not leave half of one record and half of another.
                    file.set_len(0)?;
                    file
                }
                other => other?,
            };
            file.write_all(record.to_string().as_bytes())?;
            Ok(file)
        };
        write().at("write", &path)
    }

    /// Adds addresses to a record that [`Index::write`] gave.
    pub(crate) fn append(
        &self,
        owner: &Owner,
        mut file: &File,
        addresses: &[IpAddr],
    ) -> Result<(), StoreError> {
        let lines = Record { evidence: None, addresses: addresses.to_vec() }.to_string();
        file.write_all(lines.as_bytes()).at("write", &self.file(owner))
    }

    /// Locks a record that [`Index::write`] gave, so that nobody takes its attachment for dead before its link
    /// stands. Whoever looks at a record locks it for a moment, too.
    pub(crate) fn lock(&self, owner: &Owner, record: &File) -> Result<(), StoreError> {
        for _ in 0..LOCK_TRIES {
            match record.try_lock() {
                Err(TryLockError::WouldBlock) => thread::sleep(LOCK_PAUSE),
                Err(TryLockError::Error(error)) => return Err(error).at("lock", &self.file(owner)),
                Ok(()) => return Ok(()),
            }
        }
        Err(io::Error::from(ErrorKind::WouldBlock)).at("lock", &self.file(owner))
    }

    /// Removes an attachment's record.
    pub(crate) fn remove(&self, owner: &Owner) -> Result<(), StoreError> {
        let path = self.file(owner);
        unless_gone(fs::remove_file(&path)).at("remove", &path)
    }

    /// Removes every record whose key `wanted` does not know.
    pub(crate) fn retain(&self, wanted: impl Fn(&str) -> bool) -> Result<(), StoreError> {
        for entry in fs::read_dir(&self.path).at("list", &self.path)? {
            let entry = entry.at("list", &self.path)?;
            let name = entry.file_name();
            if !name.to_str().is_some_and(&wanted) {
                unless_gone(fs::remove_file(entry.path())).at("remove", &entry.path())?;
            }
        }
        Ok(())
    }
}

/// The name of a network directory's index: its path with `%2F` for each slash, to be read back; of a path too long
/// for a name, a digest.
fn name_of(directory: &Path) -> OsString {
    let mut name = Vec::new();
    for byte in directory.as_os_str().as_bytes() {
        match byte {
            b'/' => name.extend(b"%2F"),
            b'%' => name.extend(b"%25"),
            other => name.push(*other),
        }
    }
    if name.len() <= NAME_LIMIT {
        OsString::from_vec(name)
    } else {
        format!("{:x}", Sha256::digest(directory.as_os_str().as_bytes())).into()
    }
}

/// The directory that an index is named for; none where the name is a digest.
fn named(index: &OsStr) -> Option<PathBuf> {
    let name = index.to_str()?;
    name.starts_with("%2F").then(|| PathBuf::from(name.replace("%2F", "/").replace("%25", "%")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_is_named_for_its_directory_and_a_long_path_by_a_digest() {
        for path in ["/var/lib/cni/networks/n", "/a%2Fb/100%/c%25"] {
            assert_eq!(named(&name_of(Path::new(path))), Some(PathBuf::from(path)));
        }
        let long = PathBuf::from(format!("/{}", "x".repeat(NAME_LIMIT)));
        assert_eq!((name_of(&long).len(), named(&name_of(&long))), (64, None));
    }
}
