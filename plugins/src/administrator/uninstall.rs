//! `cni uninstall DIR`.

use std::fs;
use std::io;
use std::path::Path;

use cni::{Code, Coded, Failure};
use host::Host;
use host::record::Records;

use crate::failure;
use crate::plugins::PLUGINS;

/// What every build of this project holds, and nothing else does.
static MARK: &str = "trestle: one binary, a CNI plugin under each of its names";

/// A file that can't be removed.
#[derive(Debug, thiserror::Error)]
#[error("cannot remove {path}: {source}")]
struct UninstallError {
    path: String,
    source: io::Error,
}

impl Coded for UninstallError {
    fn code(&self) -> Code {
        Code::Io
    }
}

/// The names that are ours in a plugin directory.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    PLUGINS.iter().map(|entry| entry.plugin.name()).chain(["cni"])
}

/// Removes the files that are ours; one that somebody else put under such a name stays.
pub(super) fn run(arguments: &[&Path]) -> Result<String, Failure> {
    let mut text = String::new();
    for path in names().map(|name| arguments[0].join(name)) {
        let display = path.display().to_string();
        match fs::read(&path) {
            Ok(bytes) if is_ours(&bytes) => {
                fs::remove_file(&path).map_err(|source| UninstallError { path: display.clone(), source })?;
                text += &format!("removed {display}\n");
            }
            Ok(_) => text += &format!("left {display}: not ours\n"),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(source) => return Err(UninstallError { path: display, source }.into()),
        }
    }
    Host::open().and_then(|mut host| host.remove_tables()).map_err(failure::of)?;
    let records =
        Records::of_this_boot().and_then(|records| records.all()).map_err(failure::of)?;
    for record in records {
        text += &format!("still attached: {}\n", record.owner);
    }
    Ok(text)
}

fn is_ours(bytes: &[u8]) -> bool {
    bytes.windows(MARK.len()).any(|window| window == MARK.as_bytes())
}
