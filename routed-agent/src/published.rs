//! Files of ours that others read: they appear whole, and are put right where somebody changed them.

use std::fs::{self, DirBuilder, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// Everybody may read it.
const MODE: u32 = 0o644;

/// What became of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It says what it should already.
    Same,
    /// It was missing, or said something else.
    Written,
}

/// A file could not be written or removed.
#[derive(Debug, thiserror::Error)]
#[error("{}: {source}", path.display())]
pub(crate) struct PublishError {
    path: PathBuf,
    source: io::Error,
}

impl PublishError {
    /// What became of a file.
    pub(crate) fn new(path: &Path, source: io::Error) -> Self {
        Self { path: path.to_owned(), source }
    }
}

/// Writes a file of mode 0644 where it is missing or differs, and the directories above it. Who reads it at any time
/// reads the old text or the new one, also after the machine lost its power.
///
/// # Errors
/// [`PublishError`]; the file is as it was then.
pub(crate) fn write_if_different(path: &Path, text: &str) -> Result<Outcome, PublishError> {
    let failed = |source| PublishError { path: path.to_owned(), source };
    if is_same(path, text) {
        return Ok(Outcome::Same);
    }
    replace(path, text).map_err(failed)?;
    Ok(Outcome::Written)
}

/// Gives a file another name. Was it there?
///
/// # Errors
/// [`PublishError`].
pub(crate) fn rename(path: &Path, new: &Path) -> Result<bool, PublishError> {
    match fs::rename(path, new) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(PublishError::new(path, error)),
    }
}

/// Removes a file; it may be missing.
///
/// # Errors
/// [`PublishError`].
pub(crate) fn remove(path: &Path) -> Result<(), PublishError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(PublishError { path: path.to_owned(), source: error })
        }
        _ => Ok(()),
    }
}

/// A file that can't be read is another one.
fn is_same(path: &Path, text: &str) -> bool {
    let is_ours = |file: fs::Metadata| {
        file.is_file() && file.permissions().mode() & 0o7777 == MODE && file.len() == text.len() as u64
    };
    fs::symlink_metadata(path).is_ok_and(is_ours)
        && fs::read(path).is_ok_and(|found| found == text.as_bytes())
}

/// The draft lies beside the file, because containerd sees a rename only within the directory, and has a name that
/// no runtime reads.
fn replace(path: &Path, text: &str) -> io::Result<()> {
    let (Some(directory), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(io::ErrorKind::InvalidFilename.into());
    };
    if !directory.as_os_str().is_empty() {
        DirBuilder::new().recursive(true).mode(0o755).create(directory)?;
    }
    // The same name each time: what a crash leaves is gone with the next one.
    let draft = directory.join(format!(".{}.new", name.to_string_lossy()));
    let written = write(&draft, text).and_then(|()| fs::rename(&draft, path));
    written.inspect_err(|_| {
        // The first error is the one to tell.
        let _ = fs::remove_file(&draft);
    })
}

fn write(draft: &Path, text: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(MODE).open(draft)?;
    // Whatever the umask says, and whatever a crash left.
    file.set_permissions(Permissions::from_mode(MODE))?;
    file.write_all(text.as_bytes())?;
    file.sync_data()
}

#[cfg(test)]
mod tests;
