//! A build id in the binary, so that a plugin can tell that a file in `CNI_PATH` is this very build (`src/ipam.rs`).

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-link-arg-bins=-Wl,--build-id=sha1");
}
