//! The records' files.

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use netstate::Attachment;

use super::{Keeper, Record};
use crate::boot::BootId;
use crate::error::{Context, Error};
use crate::files::{Purpose, open};
use crate::life::{Life, Witness};

/// Our own state, below the host's root; upstream's lies beside it, untouched.
const DIRECTORY: &str = "var/lib/cni/trestle";

/// How a record's file is called until it is whole: its name with this extension.
const UNFINISHED: &str = "new";

/// Everybody may read a record, as far as `umask(2)` lets.
const MODE: u32 = 0o666;

/// More than the longest record of ours.
const LONGEST: usize = 16 * 1024;

/// How often a writer begins anew whose file was cleared away.
const TRIES: u32 = 100;

/// One keeper's records of this boot.
pub struct Records {
    keeper: Keeper,
    directory: PathBuf,
    witness: Witness,
}

/// A record under its writer's lock: while it is held, a link that is not there yet proves nothing.
#[must_use]
pub struct Held(#[expect(dead_code, reason = "closing it ends the lock")] File);

impl Records {
    /// Finds those of the interface plugins.
    ///
    /// # Errors
    /// Where the boot id can't be read.
    pub fn of_this_boot() -> Result<Self, Error> {
        Self::of(Keeper::Attachments)
    }

    /// Finds those of a keeper.
    ///
    /// # Errors
    /// Where the boot id can't be read.
    pub fn of(keeper: Keeper) -> Result<Self, Error> {
        Self::below(Path::new("/"), keeper)
    }

    /// The same of the host whose root is `root`.
    ///
    /// # Errors
    /// Where the boot id can't be read.
    pub(crate) fn below(root: &Path, keeper: Keeper) -> Result<Self, Error> {
        let boot = BootId::current().context("read", &"the boot id")?;
        let directory = root.join(DIRECTORY).join(keeper.folder()).join(boot.to_string());
        Ok(Self { keeper, directory, witness: Witness::default() })
    }

    /// Finds those of every keeper.
    ///
    /// # Errors
    /// Where the boot id can't be read.
    pub fn of_all() -> Result<Vec<Self>, Error> {
        Keeper::ALL.into_iter().map(Self::of).collect()
    }

    /// Whose they are.
    pub fn keeper(&self) -> Keeper {
        self.keeper
    }

    /// Writes a record, whole or not at all, and holds it until the attachment stands.
    ///
    /// # Errors
    /// Where the disk says no.
    pub fn write(&self, record: &Record) -> Result<Held, Error> {
        let path = self.path(&record.owner);
        let mut tries = 0..TRIES;
        loop {
            match self.try_write(record, &path) {
                // Somebody took the file for a killed writer's before it was locked.
                Err(error) if error.kind() == io::ErrorKind::NotFound && tries.next().is_some() => {}
                written => return written.context("write", &path.display()),
            }
        }
    }

    fn try_write(&self, record: &Record, path: &Path) -> io::Result<Held> {
        let new = path.with_extension(UNFINISHED);
        let mut file = match open(&new, Purpose::Replace(MODE)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                fs::create_dir_all(&self.directory)?;
                open(&new, Purpose::Replace(MODE))?
            }
            created => created?,
        };
        file.lock()?;
        file.write_all(record.text().as_bytes())?;
        fs::rename(&new, path)?;
        Ok(Held(file))
    }

    /// Removes what killed writers left: records that never got their name. One that is locked is being written.
    ///
    /// # Errors
    /// Where the disk says no.
    pub fn forget_unfinished(&self) -> Result<(), Error> {
        for name in self.names()? {
            let path = self.directory.join(name);
            if path.extension().is_none_or(|extension| extension != UNFINISHED) {
                continue;
            }
            // What can't be opened has got its name meanwhile.
            let Ok(file) = File::open(&path) else { continue };
            if file.try_lock().is_ok() {
                unless_gone(fs::remove_file(&path)).context("remove", &path.display())?;
            }
        }
        Ok(())
    }

    /// Is the container of this record running?
    pub fn life(&self, record: &Record) -> Life {
        match File::open(self.path(&record.owner)) {
            Ok(file) => self.witness.life(&record.proof, &file),
            Err(_) => Life::Unknown,
        }
    }

    /// The record of an attachment; none where it owns nothing.
    ///
    /// # Errors
    /// Where it can't be read.
    pub fn read(&self, owner: &Attachment) -> Result<Option<Record>, Error> {
        let path = self.path(owner);
        match text(&path) {
            Ok(text) => Ok(Record::parse(&text)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).context("read", &path.display()),
        }
    }

    /// The record of the attachment with this key; none where it owns nothing, or its record can't be read.
    pub fn of_key(&self, key: &str) -> Option<Record> {
        self.parse(key)
    }

    /// Forgets an attachment.
    ///
    /// # Errors
    /// Where the disk says no; a record that is not there is forgotten already.
    pub fn remove(&self, owner: &Attachment) -> Result<(), Error> {
        let path = self.path(owner);
        for path in [path.with_extension(UNFINISHED), path] {
            unless_gone(fs::remove_file(&path)).context("remove", &path.display())?;
        }
        Ok(())
    }

    /// Every record, sorted by key.
    ///
    /// # Errors
    /// Where the disk says no.
    pub fn all(&self) -> Result<Vec<Record>, Error> {
        let mut keys = self.keys()?;
        keys.sort_unstable();
        Ok(keys.iter().filter_map(|key| self.parse(key)).collect())
    }

    /// Up to `most` records, in the order of their keys from `start` on and round the end: who looks after a few
    /// others starts anywhere, and so every one's turn comes.
    ///
    /// # Errors
    /// Where the disk says no.
    pub fn starting_at(&self, start: &str, most: usize) -> Result<Vec<Record>, Error> {
        let mut keys = self.keys()?;
        keys.sort_unstable_by_key(|key| (key.as_str() < start, key.clone()));
        Ok(keys.iter().take(most).filter_map(|key| self.parse(key)).collect())
    }

    /// Removes what other boots left: their containers, and everything that the kernel kept for them, are gone.
    ///
    /// # Errors
    /// Where the disk says no.
    pub fn forget_earlier_boots(&self) -> Result<(), Error> {
        let Some(root) = self.directory.parent() else { return Ok(()) };
        let Ok(boots) = fs::read_dir(root) else { return Ok(()) };
        for boot in boots {
            let path = boot.context("read", &root.display())?.path();
            if path != self.directory {
                fs::remove_dir_all(&path).context("remove", &path.display())?;
            }
        }
        Ok(())
    }

    fn keys(&self) -> Result<Vec<String>, Error> {
        let mut names = self.names()?;
        names.retain(|name| !name.contains('.'));
        Ok(names)
    }

    /// The names of all files.
    fn names(&self) -> Result<Vec<String>, Error> {
        let entries = match fs::read_dir(&self.directory) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.context("read", &self.directory.display())?,
        };
        let name = |entry: io::Result<fs::DirEntry>| Ok(entry?.file_name().to_string_lossy().into_owned());
        entries.map(name).collect::<io::Result<_>>().context("read", &self.directory.display())
    }

    fn parse(&self, key: &str) -> Option<Record> {
        Record::parse(&text(&self.directory.join(key)).ok()?)
    }

    fn path(&self, owner: &Attachment) -> PathBuf {
        self.directory.join(owner.key())
    }
}

/// A record's text, in one read.
fn text(path: &Path) -> io::Result<String> {
    let mut text = String::with_capacity(LONGEST);
    open(path, Purpose::Read)?.read_to_string(&mut text).map(|_| text)
}

/// What is gone already needs no removing.
fn unless_gone(removed: io::Result<()>) -> io::Result<()> {
    match removed {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}
