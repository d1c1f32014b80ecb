//! `cni install DIR`.
//!
//! stdout has a line for each file: its path. What had that name before and is not ours, `cni uninstall` puts back.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use cni::{Code, Coded, Failure};
use host::executable;

use super::names::{is_ours, names, replaced, work};
use super::{Said, lines};

/// A file that can't be put where it belongs.
#[derive(Debug, thiserror::Error)]
#[error("cannot install {path}: {source}")]
struct InstallError {
    path: String,
    source: io::Error,
}

impl Coded for InstallError {
    fn code(&self) -> Code {
        Code::Io
    }
}

/// A copy under each name, and each by rename: a runtime that executes the old file meanwhile finishes with it, and
/// an installer that later overwrites one name in place changes that name only.
pub(super) fn run(arguments: &[&Path]) -> Said {
    let mut said = Said::default();
    said.failure = install(arguments[0], &mut said.text).err();
    said
}

fn install(directory: &Path, text: &mut String) -> Result<(), Failure> {
    let refused = |path: &Path| {
        let path = path.display().to_string();
        move |source| InstallError { path, source }
    };
    fs::create_dir_all(directory).map_err(refused(directory))?;
    // Two installers at once take turns.
    let turn = File::open(directory).map_err(refused(directory))?;
    turn.lock().map_err(refused(directory))?;
    for name in names() {
        let path = directory.join(name);
        keep(directory, name).map_err(refused(&path))?;
        let copied = File::open("/proc/self/exe")
            .and_then(|mut program| executable::put(&mut program, &work(directory, name), &path));
        copied.map_err(refused(&path))?;
        *text += &lines("", [path.display()]);
    }
    Ok(())
}

/// Keeps a file of somebody else's. It has both names until ours takes the one: there is always a plugin to be run.
fn keep(directory: &Path, name: &str) -> io::Result<()> {
    let path = directory.join(name);
    match fs::read(&path) {
        Ok(content) if is_ours(&content) => Ok(()),
        Ok(_) => {
            let replaced = replaced(directory);
            fs::create_dir_all(&replaced)?;
            executable::keep(&path, &work(&replaced, name), &replaced.join(name))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}
