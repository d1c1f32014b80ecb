//! The builds under test.

use std::fs;
use std::path::PathBuf;

use sandbox::{Directory, plugins_dir};

/// Programs: ours, and where `CNI_PATH` finds host-local.
pub(crate) struct Programs {
    pub(crate) ours: Directory,
    pub(crate) delegates: Option<Directory>,
}

impl Programs {
    /// host-local is this build, so it runs in bridge's own process.
    pub(crate) fn in_process() -> Self {
        Self { ours: plugins_dir(&binary(), &["bridge", "host-local", "cni"]), delegates: None }
    }

    /// host-local is another build, so it is executed.
    pub(crate) fn executed() -> Self {
        let delegates = plugins_dir(&Other::build().path, &["host-local"]);
        Self { delegates: Some(delegates), ..Self::in_process() }
    }
}

/// The binary under test: the release build where the environment names it.
pub(crate) fn binary() -> PathBuf {
    std::env::var_os("TRESTLE_BINARY").map_or_else(|| PathBuf::from(env!("CARGO_BIN_EXE_cni")), PathBuf::from)
}

/// The same program with another build id, as another build would have.
pub(crate) struct Other {
    _directory: Directory,
    pub(crate) path: PathBuf,
}

impl Other {
    pub(crate) fn build() -> Self {
        let mut bytes = fs::read(binary()).expect("the binary under test");
        // The note's header: sizes of name and value, type `NT_GNU_BUILD_ID`, name.
        let header = [&[4, 0, 0, 0, 20, 0, 0, 0, 3, 0, 0, 0][..], b"GNU\0"].concat();
        let note = bytes.windows(header.len()).position(|window| window == header).expect("a build id");
        bytes[note + header.len()] ^= 0xff;
        let directory = plugins_dir(&binary(), &["other"]);
        let path = directory.join("other");
        fs::write(&path, bytes).expect("a copy of ours");
        Self { _directory: directory, path }
    }
}
