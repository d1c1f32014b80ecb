//! One of our processes at a time changes rules of iptables. iptables' own lock is held by one program of it, not
//! from a look to the change that follows.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use super::error::Error;

/// Beside our records, for what is locked is the machine's.
const PATH: &str = "/var/lib/cni/trestle/iptables.lock";

/// Ends with this value, or with the process.
#[must_use]
pub(super) struct Lock(#[expect(dead_code, reason = "closing it ends the lock")] File);

impl Lock {
    /// Waits for the others.
    ///
    /// # Errors
    /// [`Error::Io`], where the file can't be made.
    pub(super) fn take() -> Result<Self, Error> {
        let path = Path::new(PATH);
        let take = || -> io::Result<File> {
            if let Some(directory) = path.parent() {
                fs::create_dir_all(directory)?;
            }
            let file = File::options().create(true).append(true).open(path)?;
            file.lock()?;
            Ok(file)
        };
        take().map(Self).map_err(|source| Error::Io { path: path.to_owned(), source })
    }
}
