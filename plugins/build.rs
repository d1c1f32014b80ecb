//! How the binary is linked.

use std::env;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    // So that a plugin can tell that a file in `CNI_PATH` is this very build (`src/ipam.rs`).
    println!("cargo::rustc-link-arg-bins=-Wl,--build-id=sha1");
    let is = |name: &str, value: &str| env::var(name).is_ok_and(|found| found == value);
    if is("PROFILE", "release") && is("CARGO_CFG_TARGET_ENV", "musl") {
        // What runs lies together, as far as `order.ld` names it; `conformance/tools/order`, which writes that, needs the map.
        println!("cargo::rerun-if-changed=order.ld");
        let directory = |name| env::var(name).expect("cargo sets it");
        println!("cargo::rustc-link-arg-bins=-Wl,-T,{}/order.ld", directory("CARGO_MANIFEST_DIR"));
        println!("cargo::rustc-link-arg-bins=-Wl,-Map,{}/cni.map", directory("OUT_DIR"));
    }
}
