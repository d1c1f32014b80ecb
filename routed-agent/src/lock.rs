//! One agent a node: the state directory, its lock, and its socket.

use std::fs::{self, File, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::net::UnixListener;
use tokio::time::sleep;

/// So often a lock that another has is asked for.
const ASK: Duration = Duration::from_millis(250);

/// Who has this file locked is the agent.
const LOCK: &str = "lock";

/// Held for as long as the agent lives; the kernel lets go of it whatever ends the process.
pub(crate) struct Lock {
    directory: PathBuf,
    _file: File,
}

impl Lock {
    /// Makes the state directory, and waits until no other agent works on this node.
    ///
    /// # Errors
    /// Where the directory can't be made or the lock not taken.
    pub(crate) async fn take(directory: &Path) -> io::Result<Self> {
        let mut told = false;
        loop {
            if let Some(lock) = Self::try_take(directory)? {
                return Ok(lock);
            }
            if !std::mem::replace(&mut told, true) {
                tracing::warn!(directory = %directory.display(), "another agent works on this node; waiting until it ends");
            }
            sleep(ASK).await;
        }
    }

    /// The same without waiting: none where another agent works on this node.
    ///
    /// # Errors
    /// As [`Lock::take`].
    pub(crate) fn try_take(directory: &Path) -> io::Result<Option<Self>> {
        loop {
            let file = open(directory)?;
            match file.try_lock() {
                Ok(()) if lies_in(&file, directory)? => {
                    return Ok(Some(Self { directory: directory.to_owned(), _file: file }));
                }
                // Between the two steps its holder has removed it, and others lock the one that lies there now.
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Ok(None),
                Err(TryLockError::Error(error)) => return Err(error),
            }
        }
    }

    /// Removes what agents keep in the state directory, and the directory, unless it is a mount.
    ///
    /// # Errors
    /// Where a file can't be removed.
    pub(crate) fn forget(self) -> io::Result<()> {
        for file in [socket(&self.directory), self.directory.join(LOCK)] {
            match fs::remove_file(&file) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        // Something of somebody else's may be in it.
        let _ = fs::remove_dir(&self.directory);
        Ok(())
    }

    /// Listens for this node's administrator, in place of an agent that has ended.
    ///
    /// # Errors
    /// Where the socket can't be made.
    pub(crate) fn listen(&self) -> io::Result<UnixListener> {
        let path = socket(&self.directory);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let listener = UnixListener::bind(&path)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600))?;
        Ok(listener)
    }
}

fn open(directory: &Path) -> io::Result<File> {
    // Whoever could open it could lock it.
    fs::DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
    File::options().create(true).truncate(false).write(true).mode(0o600).open(directory.join(LOCK))
}

/// Is this open file the lock that others find in the directory?
fn lies_in(file: &File, directory: &Path) -> io::Result<bool> {
    let own = file.metadata()?;
    match fs::metadata(directory.join(LOCK)) {
        Ok(found) => Ok((found.dev(), found.ino()) == (own.dev(), own.ino())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Where the agent of a state directory listens.
pub(crate) fn socket(directory: &Path) -> PathBuf {
    directory.join("agent.sock")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_that_was_removed_with_its_directory_is_nobodys() {
        let directory = std::env::temp_dir().join(format!("trestle-lock-{}", std::process::id()));
        let first = Lock::try_take(&directory).unwrap().expect("nobody has it");
        assert!(Lock::try_take(&directory).unwrap().is_none());
        // Somebody has opened it, and is about to lock it.
        let early = open(&directory).unwrap();
        assert!(lies_in(&early, &directory).unwrap());
        first.forget().unwrap();
        assert!(!lies_in(&early, &directory).unwrap());
        let second = Lock::try_take(&directory).unwrap().expect("nobody has the new one");
        assert!(!lies_in(&early, &directory).unwrap());
        assert!(Lock::try_take(&directory).unwrap().is_none());
        second.forget().unwrap();
        assert!(!directory.exists());
    }
}
