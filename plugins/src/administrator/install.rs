//! `cni install DIR`.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use cni::{Code, Coded, Failure};

use super::uninstall::names;

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
pub(super) fn run(arguments: &[&Path]) -> Result<String, Failure> {
    let directory = arguments[0];
    let refused = |path: &Path| {
        let path = path.display().to_string();
        move |source| InstallError { path, source }
    };
    fs::create_dir_all(directory).map_err(refused(directory))?;
    let mut text = String::new();
    for name in names() {
        let (path, new) = (directory.join(name), directory.join(format!(".{name}.new")));
        // copy_file_range shares the blocks where the file system can.
        fs::copy("/proc/self/exe", &new).map_err(refused(&new))?;
        fs::set_permissions(&new, fs::Permissions::from_mode(0o755)).map_err(refused(&new))?;
        fs::rename(&new, &path).map_err(refused(&path))?;
        text += &format!("{}\n", path.display());
    }
    Ok(text)
}
