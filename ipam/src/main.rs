//! The IPAM plugins as programs of their own, each under its name.

use std::path::Path;
use std::process::ExitCode;

/// What this binary is under a name that is none of theirs: host-local.
const PLUGINS: [&dyn cni::Plugin; 2] = [&ipam::HostLocal, &ipam::Static];

fn main() -> ExitCode {
    let program = std::env::args_os().next().unwrap_or_default();
    let name = Path::new(&program).file_name().unwrap_or_default();
    let called = PLUGINS.iter().find(|plugin| plugin.name() == name);
    cni::main(*called.unwrap_or(&PLUGINS[0]))
}
