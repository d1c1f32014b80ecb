//! One of our processes at a time changes rules of iptables. iptables' own lock is held by one program of it, not
//! from a look to the change that follows.
//!
//! The programs that we start inherit the lock: where we are killed, it ends with the last of them, so whoever comes
//! next sees what they made.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use nix::fcntl::{FcntlArg, FdFlag, fcntl};

use super::error::Error;

/// The directory of our records, which itself is locked: so no file is left for the lock.
const PATH: &str = "/var/lib/cni/trestle";

/// Ends with this value, or with the process and what it started.
#[must_use]
pub(super) struct Lock(#[expect(dead_code, reason = "closing it ends the lock")] File);

impl Lock {
    /// Waits for the others.
    ///
    /// # Errors
    /// [`Error::Io`], where the directory can't be made.
    pub(super) fn take() -> Result<Self, Error> {
        let path = Path::new(PATH);
        let taken = fs::create_dir_all(path).and_then(|()| File::open(path)).and_then(Self::of);
        taken.map_err(|source| Error::Io { path: path.to_owned(), source })
    }

    /// Waits for the others, if there ever were any.
    ///
    /// # Errors
    /// [`Error::Io`], where the directory can't be opened.
    pub(super) fn take_if_there() -> Result<Option<Self>, Error> {
        let path = Path::new(PATH);
        match File::open(path).and_then(Self::of) {
            Ok(lock) => Ok(Some(lock)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(Error::Io { path: path.to_owned(), source }),
        }
    }

    fn of(directory: File) -> io::Result<Self> {
        directory.lock()?;
        fcntl(&directory, FcntlArg::F_SETFD(FdFlag::empty()))?;
        Ok(Self(directory))
    }
}
