//! `cni uninstall DIR`.
//!
//! stdout has a line for each file of our names: `removed <path>`, `restored <path>` where `cni install` had kept what was
//! there before, or `left <path>: not ours`; and behind them a line `still attached: <network>/<container>/<interface>` for each container that goes on using what is gone.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::Path;

use cni::{Code, Coded, Failure};
use host::life::Life;
use host::record::Records;
use host::{Host, executable};

use super::names::{is_ours, names, replaced, work};
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
    for name in names() {
        match take_away(directory, name) {
            Ok(lines) => text += &lines,
            Err(failure) => failures.push(failure),
        }
    }
    // Only where nothing is kept in it any more.
    let _ = fs::remove_dir(replaced(directory));
    match Host::open() {
        Ok(mut host) => failures.extend(host.remove_tables().into_iter().map(failure::of)),
        Err(error) => failures.push(failure::of(error)),
    }
    match attached() {
        Ok(lines) => text += &lines,
        Err(error) => failures.push(failure::of(error)),
    }
    Said { text, failure: failure::of_all(failures).err(), ..Said::default() }
}

/// Takes away what an installation put under this name, and puts back what it took the place of. What there is to say
/// about it.
fn take_away(directory: &Path, name: &str) -> Result<String, Failure> {
    let (path, work, kept) = (directory.join(name), work(directory, name), replaced(directory).join(name));
    let refused = |path: &Path| {
        let path = path.display().to_string();
        move |source| UninstallError { path, source }
    };
    let said = match whose(&path).map_err(refused(&path))? {
        // Whoever put it there after us had no need of what was there before us.
        Some(Whose::Another) => {
            gone(fs::remove_file(&kept)).map_err(refused(&kept))?;
            format!("left {}: not ours\n", path.display())
        }
        there => match (executable::put_back(&kept, &path).map_err(refused(&path))?, there) {
            (true, _) => format!("restored {}\n", path.display()),
            (false, Some(_)) => {
                fs::remove_file(&path).map_err(refused(&path))?;
                format!("removed {}\n", path.display())
            }
            (false, None) => String::new(),
        },
    };
    match whose(&work).map_err(refused(&work))? {
        Some(Whose::Ours) => fs::remove_file(&work).map_err(refused(&work))?,
        Some(Whose::Another) => return Ok(format!("{said}left {}: not ours\n", work.display())),
        None => {}
    }
    Ok(said)
}

/// Who made a file.
enum Whose {
    Ours,
    Another,
}

/// Whose the file is; none where there is no file.
fn whose(path: &Path) -> io::Result<Option<Whose>> {
    match fs::read(path) {
        Ok(content) if is_ours(&content) => Ok(Some(Whose::Ours)),
        Ok(_) => Ok(Some(Whose::Another)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// What was not there is gone.
fn gone(removed: io::Result<()>) -> io::Result<()> {
    match removed {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

/// Who is not known to be gone.
fn attached() -> Result<String, host::Error> {
    let mut owners = BTreeSet::new();
    for records in Records::of_all()? {
        let mut all = records.all()?;
        all.retain(|record| records.life(record) != Life::Dead);
        owners.extend(all.into_iter().map(|record| record.owner));
    }
    Ok(lines("still attached: ", owners))
}
