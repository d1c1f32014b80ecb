//! The directory that is judged.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// What a node has for itself: a directory there would not be seen from within.
const HIDDEN: [&str; 5] = ["/run", "/var/run", "/var/lib/cni", "/etc/cni", "/opt/cni"];

/// Executable files by name, where a node can see them.
#[derive(Debug)]
pub(crate) struct Directory {
    /// Where.
    pub(crate) path: PathBuf,
    /// Their names, sorted.
    pub(crate) names: Vec<String>,
    /// It is a copy of ours.
    copied: bool,
}

/// The directory can't be judged.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DirectoryError {
    /// It can't be read, or not be copied to where nodes see it.
    #[error("{}: {source}", path.display())]
    Unreadable {
        /// What was read or written.
        path: PathBuf,
        /// The kernel's reason.
        source: std::io::Error,
    },
    /// There is no executable file in it.
    #[error("{} holds no executable file", .0.display())]
    Empty(PathBuf),
}

impl Directory {
    /// Reads it; one that nodes hide is copied aside.
    pub(crate) fn open(path: &Path) -> Result<Self, DirectoryError> {
        let at = |path: &Path| {
            let path = path.to_owned();
            move |source| DirectoryError::Unreadable { path, source }
        };
        let mut path = path.canonicalize().map_err(at(path))?;
        let mut names = Vec::new();
        for entry in fs::read_dir(&path).map_err(at(&path))?.flatten() {
            // As the specification's search does: symbolic links are followed, only files count.
            let Ok(meta) = fs::metadata(entry.path()) else { continue };
            if meta.is_file() && meta.permissions().mode() & 0o111 != 0 {
                names.extend(entry.file_name().into_string());
            }
        }
        if names.is_empty() {
            return Err(DirectoryError::Empty(path));
        }
        names.sort();
        let copied = HIDDEN.iter().any(|hidden| path.starts_with(hidden));
        if copied {
            let aside = std::env::temp_dir().join(format!("conformance-{}", std::process::id()));
            fs::create_dir(&aside).map_err(at(&aside))?;
            for name in &names {
                fs::copy(path.join(name), aside.join(name)).map_err(at(&path.join(name)))?;
            }
            path = aside;
        }
        Ok(Self { path, names, copied })
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        if self.copied {
            // What stays is a copy in the directory for temporary files.
            let _ = fs::remove_dir_all(&self.path);
        }
    }
}
