//! Broken plugins: a directory in which one plugin is a script that spoils one thing.

use std::fs;
use std::io;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use crate::call::quoted;
use crate::directory::Directory;

/// The words that such a script is written in.
const WORDS: &str = include_str!("broken/words.sh");

/// A directory like another one, with one plugin broken.
#[derive(Debug)]
pub(crate) struct Broken(PathBuf);

impl Broken {
    /// `body` stands for the plugin `name` of `directory`, in a new directory under `place`.
    pub(crate) fn new(place: &Path, directory: &Directory, name: &str, body: &str) -> io::Result<Self> {
        let path = place.join(format!("broken-{name}"));
        fs::create_dir(&path)?;
        for other in directory.names.iter().filter(|other| *other != name) {
            symlink(directory.path.join(other), path.join(other))?;
        }
        let plugin = directory.path.join(name);
        // A plugin may know its neighbours by CNI_PATH, which stays: only this one is another.
        let plugin = quoted(&plugin.to_string_lossy());
        let script = format!(
            "#!/bin/sh\nplugin={plugin}\n[ \"${{1-}}\" != daemon ] || exec \"$plugin\" \"$@\"\nreal() {{ \"$plugin\"; }}\n{WORDS}\n{body}\n"
        );
        let file = path.join(name);
        fs::write(&file, script)?;
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755))?;
        Ok(Self(path))
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Broken {
    fn drop(&mut self) {
        // It lies in a directory of its node's, which goes too.
        let _ = fs::remove_dir_all(&self.0);
    }
}
