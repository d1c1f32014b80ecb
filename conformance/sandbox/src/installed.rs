//! Plugins where a test wants them: one binary under several names.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Tells the directories of one process apart.
static NEXT: AtomicUsize = AtomicUsize::new(0);

/// A directory that goes with the value.
#[derive(Debug)]
pub struct Directory(PathBuf);

impl Directory {
    pub(crate) fn under(parent: &Path) -> Self {
        loop {
            let number = NEXT.fetch_add(1, Ordering::Relaxed);
            let path = parent.join(format!("sandbox-{}-{number}", std::process::id()));
            match std::fs::create_dir(&path) {
                Ok(()) => return Self(path),
                // Of a process that was killed, and had this ID.
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) => panic!("{} can't be made: {error}", path.display()),
            }
        }
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// The path of `name` in it.
    #[must_use]
    pub fn join(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        // In a node it goes with the node anyway.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A directory for `CNI_PATH` that holds a copy of `binary`, under each of `names`.
///
/// # Panics
/// Where the binary can't be copied.
#[must_use]
pub fn plugins_dir(binary: &Path, names: &[&str]) -> Directory {
    let directory = Directory::under(&std::env::temp_dir());
    copy(binary, directory.path(), names);
    directory
}

/// One file under every name, as a test build of all plugins is large. Another process copies it: a descriptor open for
/// writing in this one would be inherited by whatever another test starts just then, and the kernel refuses to run a
/// file that somebody could still write (ETXTBSY).
pub(crate) fn copy(binary: &Path, directory: &Path, names: &[&str]) {
    let Some((first, others)) = names.split_first() else { return };
    // What is there may be one file of many names: each name is given anew, and the file is others' still.
    for name in names {
        match std::fs::remove_file(directory.join(name)) {
            Err(error) if error.kind() != ErrorKind::NotFound => panic!("{name} can't be replaced: {error}"),
            _ => {}
        }
    }
    let file = directory.join(first);
    match Command::new("cp").arg("--").arg(binary).arg(&file).output() {
        Ok(output) if output.status.success() => {}
        Ok(output) => panic!("{}", String::from_utf8_lossy(&output.stderr)),
        Err(error) => panic!("cp can't be started: {error}"),
    }
    for name in others {
        if let Err(error) = std::fs::hard_link(&file, directory.join(name)) {
            panic!("{name} can't be linked to {}: {error}", file.display());
        }
    }
}
