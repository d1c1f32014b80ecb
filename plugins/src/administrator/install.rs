//! `cni install DIR`.
//!
//! stdout has a line for each file: its path. What had that name before and is not ours, `cni uninstall` puts back.

use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::Path;

use cni::{Code, Coded, Failure};
use host::executable;

use super::names::{is_ours, names, replaced, work};
use super::{Said, lines};

/// Why nothing, or not all, was installed.
#[derive(Debug, thiserror::Error)]
enum InstallError {
    /// The directory takes no programs.
    #[error("cannot install plugins into {directory}: {source}{}", advice(source))]
    Directory { directory: String, source: io::Error },
    /// A file can't be put where it belongs.
    #[error("cannot install {path}: {source}{}", advice(source))]
    File { path: String, source: io::Error },
}

/// What an administrator can do about it.
fn advice(error: &io::Error) -> &'static str {
    match error.kind() {
        ErrorKind::ReadOnlyFilesystem => {
            "; name a directory that can be written, to the runtime too (the chart's hostPaths.cniBin)"
        }
        ErrorKind::PermissionDenied => "; `ls -dZ` of it says who may write there, and its SELinux label",
        ErrorKind::NotADirectory | ErrorKind::AlreadyExists => {
            "; a file has the name of a directory on the way"
        }
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
            "; its file system is full; what is installed already stays whole"
        }
        _ => "",
    }
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
        move |source| InstallError::File { path, source }
    };
    let unfit = |source| InstallError::Directory { directory: directory.display().to_string(), source };
    fs::create_dir_all(directory).map_err(unfit)?;
    executable::admits(directory).map_err(unfit)?;
    // Two installers at once take turns.
    let turn = File::open(directory).map_err(unfit)?;
    turn.lock().map_err(unfit)?;
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
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}
