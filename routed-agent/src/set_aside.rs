//! flannel's network configuration makes way for ours: a runtime takes the first of a directory, and `10-flannel.conflist`
//! sorts before `10-trestle.conflist`. It stays beside it under a name that no runtime reads, for the way back.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::published::{self, PublishError};

/// How the names of files end that runtimes read.
const READ: [&str; 3] = ["conf", "conflist", "json"];

/// Is it a network configuration to a runtime, by its name?
pub(crate) fn is_read(path: &Path) -> bool {
    path.extension().is_some_and(|extension| READ.iter().any(|read| extension == *read))
}

/// How the name of what was set aside ends; it begins with a dot.
const ASIDE: &str = ".taken-over";

/// Sets aside every network configuration beside ours whose plugin is flannel's. Tells their paths.
///
/// # Errors
/// [`PublishError`]; the rest was set aside.
pub(crate) fn set_aside(ours: &Path) -> Result<Vec<PathBuf>, PublishError> {
    moved(of_flannel(ours), |name| Some(format!(".{name}{ASIDE}")))
}

/// Puts back what was set aside. Tells where.
///
/// # Errors
/// [`PublishError`]; the rest was put back.
pub(crate) fn put_back(ours: &Path) -> Result<Vec<PathBuf>, PublishError> {
    moved(aside(ours), |name| name.strip_prefix('.')?.strip_suffix(ASIDE).map(str::to_owned))
}

/// Removes what was set aside.
///
/// # Errors
/// [`PublishError`]; the rest was removed.
pub(crate) fn forget(ours: &Path) -> Result<(), PublishError> {
    let removed = aside(ours).into_iter().map(|path| published::remove(&path));
    removed.fold(Ok(()), Result::and)
}

/// A network configuration of flannel's that runtimes read.
pub(crate) fn flannels(ours: &Path) -> Option<PathBuf> {
    of_flannel(ours).into_iter().next()
}

fn moved(files: Vec<PathBuf>, name: impl Fn(&str) -> Option<String>) -> Result<Vec<PathBuf>, PublishError> {
    let (mut done, mut result) = (Vec::new(), Ok(()));
    for path in files {
        let Some(new) = path.file_name().and_then(|old| name(old.to_str()?)) else { continue };
        let new = path.with_file_name(new);
        match published::rename(&path, &new) {
            Ok(true) => done.push(new),
            Ok(false) => {}
            Err(error) => result = result.and(Err(error)),
        }
    }
    result.map(|()| done)
}

fn of_flannel(ours: &Path) -> Vec<PathBuf> {
    let read =
        |path: &PathBuf| path != ours && is_read(path) && fs::read(path).is_ok_and(|text| is_flannels(&text));
    beside(ours).into_iter().filter(read).collect()
}

fn aside(ours: &Path) -> Vec<PathBuf> {
    let is_aside = |path: &PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        name.starts_with('.') && name.ends_with(ASIDE)
    };
    beside(ours).into_iter().filter(is_aside).collect()
}

fn beside(ours: &Path) -> Vec<PathBuf> {
    let files = ours.parent().and_then(|directory| fs::read_dir(directory).ok());
    files.into_iter().flatten().flatten().map(|file| file.path()).collect()
}

/// A list whose first plugin is flannel's, or that plugin's configuration by itself.
fn is_flannels(text: &[u8]) -> bool {
    let conf: Value = serde_json::from_slice(text).unwrap_or_default();
    conf["type"] == "flannel" || conf["plugins"][0]["type"] == "flannel"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_names_flannels_plugin_is_flannels() {
        for (text, expected) in [
            (r#"{"name": "cbr0", "plugins": [{"type": "flannel"}, {"type": "portmap"}]}"#, true),
            (r#"{"type": "flannel"}"#, true),
            (r#"{"plugins": [{"type": "multus", "delegates": [{"type": "flannel"}]}]}"#, false),
            ("flannel", false),
        ] {
            assert_eq!(is_flannels(text.as_bytes()), expected, "{text}");
        }
    }
}
