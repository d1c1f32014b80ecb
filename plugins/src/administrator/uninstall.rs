//! `cni uninstall DIR`.
//!
//! stdout has a line for each file of our names, `removed <path>` or `left <path>: not ours`, and behind them a line
//! `still attached: <network>/<container>/<interface>` for each container that goes on using what is gone.

use std::fs;
use std::io;
use std::path::Path;

use cni::{Code, Coded, Failure};
use host::Host;
use host::life::Life;
use host::record::Records;

use super::names::{is_ours, names, work};
use super::{Said, lines};
use crate::failure;

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

/// Removes the files that are ours, one that somebody else put under such a name stays; then our tables. What fails is
/// gathered, and the rest goes on.
pub(super) fn run(arguments: &[&Path]) -> Said {
    let directory = arguments[0];
    let (mut text, mut failures) = (String::new(), Vec::new());
    for path in names().flat_map(|name| [directory.join(name), work(directory, name)]) {
        match remove(&path) {
            Ok(line) => text += &line,
            Err(failure) => failures.push(failure),
        }
    }
    let removed = Host::open().and_then(|mut host| host.remove_tables());
    failures.extend(removed.map_err(failure::of).err());
    match attached() {
        Ok(lines) => text += &lines,
        Err(error) => failures.push(failure::of(error)),
    }
    Said { text, failure: failure::of_all(failures).err(), ..Said::default() }
}

/// What there is to say about it.
fn remove(path: &Path) -> Result<String, Failure> {
    let display = path.display().to_string();
    let refused = |source| UninstallError { path: display.clone(), source };
    match fs::read(path) {
        Ok(bytes) if is_ours(&bytes) => {
            fs::remove_file(path).map_err(refused)?;
            Ok(format!("removed {display}\n"))
        }
        Ok(_) => Ok(format!("left {display}: not ours\n")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(String::new()),
        Err(source) => Err(refused(source).into()),
    }
}

/// Who is not known to be gone.
fn attached() -> Result<String, host::Error> {
    let records = Records::of_this_boot()?;
    let mut all = records.all()?;
    all.retain(|record| records.life(record) != Life::Dead);
    Ok(lines("still attached: ", all.iter().map(|record| &record.owner)))
}
