//! The IPAM plugins as programs of their own, each under its name.

use std::path::Path;
use std::process::ExitCode;

/// What this binary is under a name that is none of theirs: host-local.
const PLUGINS: [&dyn cni::Plugin; 3] = [&ipam::HostLocal, &ipam::Static, &ipam::Dhcp];

fn main() -> ExitCode {
    let mut arguments = std::env::args();
    let program = arguments.next().unwrap_or_default();
    let name = Path::new(&program).file_name().unwrap_or_default();
    let arguments: Vec<String> = arguments.collect();
    if name == "dhcp" && arguments.first().is_some_and(|word| word == ipam::dhcp::DAEMON) {
        return ipam::dhcp::daemon(&arguments[1..]);
    }
    let called = PLUGINS.iter().find(|plugin| name == plugin.name());
    cni::main(*called.unwrap_or(&PLUGINS[0]))
}
