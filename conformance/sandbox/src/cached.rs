//! Tools that `make deps` keeps outside the checkout.

use std::path::PathBuf;

/// A tool or file that `make deps` has brought: `cnitool-1.3.0/cnitool`, `plugins-1.9.1`, `images/busybox.tar`. It
/// lies in `$TRESTLE_CACHE`, or in `~/.cache/trestle`.
///
/// # Panics
/// Where it isn't there.
#[must_use]
pub fn cached(name: &str) -> PathBuf {
    let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache/trestle"));
    let cache = std::env::var_os("TRESTLE_CACHE").map(PathBuf::from).or_else(home);
    let path = cache.expect("HOME or TRESTLE_CACHE is set").join(name);
    assert!(path.exists(), "{name} is missing: `make deps` brings it");
    path
}
