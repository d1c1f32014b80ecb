//! The names that a path is found by (`path_resolution(7)`): every directory on the way, and those behind symbolic
//! links. A change of any of them may change which file the path names.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::env;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

/// How many symbolic links the kernel follows.
const MOST_LINKS: usize = 40;

/// Names, by the directory that they are looked up in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Trail(BTreeMap<PathBuf, BTreeSet<OsString>>);

impl Trail {
    /// The names that `path` is found by today. It ends where a name is missing.
    ///
    /// # Errors
    /// Only where the directory that a relative path begins at is gone.
    pub(super) fn of(path: &Path) -> io::Result<Self> {
        let mut trail = Self::default();
        let mut place = if path.is_absolute() { PathBuf::from("/") } else { env::current_dir()? };
        let mut rest: VecDeque<OsString> = names(path).collect();
        let mut links = 0;
        while let Some(name) = rest.pop_front() {
            if name == ".." {
                place.pop();
                continue;
            }
            let next = place.join(&name);
            trail.0.entry(place.clone()).or_default().insert(name);
            match fs::read_link(&next) {
                Ok(target) if links < MOST_LINKS => {
                    links += 1;
                    if target.is_absolute() {
                        place = PathBuf::from("/");
                    }
                    names(&target).rev().for_each(|name| rest.push_front(name));
                }
                // Not a link.
                Err(error) if error.kind() == io::ErrorKind::InvalidInput => place = next,
                Ok(_) | Err(_) => break,
            }
        }
        Ok(trail)
    }

    /// The directories that names are looked up in.
    pub(super) fn directories(&self) -> impl Iterator<Item = &Path> {
        self.0.keys().map(PathBuf::as_path)
    }

    /// A name in a directory is one of them.
    pub(super) fn has(&self, directory: &Path, name: &OsStr) -> bool {
        self.0.get(directory).is_some_and(|names| names.contains(name))
    }
}

/// The names of a path, `..` among them.
fn names(path: &Path) -> std::vec::IntoIter<OsString> {
    let names = path.components().filter_map(|component| match component {
        Component::Normal(name) => Some(name.to_owned()),
        Component::ParentDir => Some("..".into()),
        Component::RootDir | Component::CurDir | Component::Prefix(_) => None,
    });
    names.collect::<Vec<_>>().into_iter()
}
