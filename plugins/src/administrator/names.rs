//! The files of a plugin directory that are ours.

use std::path::{Path, PathBuf};

use crate::plugins::PLUGINS;

/// What every build of this project holds, and nothing else does.
static MARK: &str = "trestle: one binary, a CNI plugin under each of its names";

/// Our names.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    PLUGINS.iter().map(|entry| entry.plugin.name()).chain(["cni"])
}

/// What a new file is called until it takes its name.
pub(super) fn work(directory: &Path, name: &str) -> PathBuf {
    directory.join(format!(".{name}.new"))
}

/// Where the files lie that ours took the place of: beside them, so that they go and come by rename.
pub(super) fn replaced(directory: &Path) -> PathBuf {
    directory.join(".replaced-by-trestle")
}

/// Is a file of this content a build of ours?
pub(super) fn is_ours(content: &[u8]) -> bool {
    content.windows(MARK.len()).any(|window| window == MARK.as_bytes())
}
