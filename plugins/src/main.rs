//! The multi-call binary: every plugin under its own name, and `cni` for the administrator.
//!
//! ```text
//! /opt/cni/bin/bridge         a runtime calls it by the CNI specification
//! /opt/cni/bin/host-local     …
//! /opt/cni/bin/loopback       …
//! /opt/cni/bin/cni            install, uninstall, plan, gc, restore
//! ```

mod administrator;
mod failure;
mod interface;
mod ipam;
mod plugins;

use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let mut arguments = std::env::args();
    let program = arguments.next().unwrap_or_default();
    let name = Path::new(&program).file_name().and_then(|name| name.to_str()).unwrap_or_default();
    match plugins::find(name) {
        Some(entry) => cni::main(entry.plugin),
        None => administrator::main(&arguments.collect::<Vec<_>>()),
    }
}
