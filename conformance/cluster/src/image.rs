//! Images as archives, which a node's containerd takes in without a registry.

use std::path::{Path, PathBuf};

use sandbox::{Containerd, cached};

/// Names the archive; without it, it is where `make image` writes it: beside this program's own build.
const NAMED: &str = "TRESTLE_IMAGE";

/// Names the archive of an older version.
const OLDER: &str = "TRESTLE_OLDER_IMAGE";

/// An archive that holds the image under the name that the manifests use.
#[derive(Debug, Clone)]
pub struct Image(PathBuf);

impl Image {
    /// The image that was built last.
    ///
    /// # Panics
    /// Where none was.
    #[must_use]
    pub fn built() -> Self {
        let path = std::env::var_os(NAMED).map_or_else(beside, PathBuf::from);
        assert!(path.exists(), "{} is missing: `make image` builds it", path.display());
        Self(path)
    }

    /// flannel's, as `make deps` packs it.
    ///
    /// # Panics
    /// Where it isn't there.
    #[must_use]
    pub fn flannels() -> Self {
        Self(cached("images/flannel.tar"))
    }

    /// An image of an older version: what is named, or what was built beside that.
    ///
    /// # Panics
    /// Where there is none.
    #[must_use]
    pub fn older(&self) -> Self {
        let path =
            std::env::var_os(OLDER).map_or_else(|| self.0.with_file_name("trestle-older.tar"), PathBuf::from);
        assert!(path.exists(), "{} is missing: conformance/cluster/archive builds it", path.display());
        Self(path)
    }

    /// Has a node's containerd take it in, and says under which name.
    ///
    /// # Panics
    /// Where it refuses, or has an image of the name.
    pub fn import(&self, containerd: &Containerd) -> String {
        let known = || containerd.ctr(&["-n", "k8s.io", "image", "ls", "-q"]);
        let before = known();
        containerd.ctr(&["-n", "k8s.io", "image", "import", &self.0.display().to_string()]);
        let after = known();
        // Beside their names the runtime lists images by their digests.
        let named = |name: &&str| !name.contains("sha256:") && !before.lines().any(|known| known == *name);
        let mut new = after.lines().filter(named);
        new.next().unwrap_or_else(|| panic!("{}: no new image in {after}", self.0.display())).to_owned()
    }
}

/// `target/image/trestle-VERSION.tar`, seen from `target/debug/deps/cluster-…`.
fn beside() -> PathBuf {
    let program = std::env::current_exe().expect("a program has a file");
    let target = program.ancestors().find(|path| path.join("debug").is_dir());
    let archive = concat!("image/trestle-", env!("CARGO_PKG_VERSION"), ".tar");
    target.unwrap_or(Path::new("target")).join(archive)
}
