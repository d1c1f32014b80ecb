//! What people apply.

use std::path::{Path, PathBuf};
use std::process::Command;

/// A file that people are given.
#[must_use]
pub fn deploy(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy").join(file)
}

/// `deploy/trestle.yaml` for both families, by the line of `deploy/README.md` that makes it so.
///
/// # Panics
/// Where the README has no such line, or it fails.
#[must_use]
pub fn dual_stack() -> String {
    let page = std::fs::read_to_string(deploy("README.md")).expect("it is there");
    let line = page.lines().find_map(|line| line.trim().strip_suffix("| kubectl apply -f -"));
    let line = line.expect("a line that ends in kubectl apply");
    let root = deploy("..");
    let output = Command::new("sh").args(["-ec", line]).current_dir(root).output().expect("a shell starts");
    assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("a manifest is text")
}
