//! The multi-call binary: every plugin under its own name, and `cni` for the administrator.
//!
//! ```text
//! /opt/cni/bin/bridge         a runtime calls it by the CNI specification
//! /opt/cni/bin/host-local     …
//! /opt/cni/bin/loopback       …
//! /opt/cni/bin/flannel        …
//! /opt/cni/bin/bandwidth      …
//! /opt/cni/bin/tuning         …
//! /opt/cni/bin/cni            install, uninstall, plan, gc, restore
//! ```

mod administrator;
mod call;
mod chained;
mod failure;
mod flannel;
mod interface;
mod ipam;
mod plugins;
mod sweep;

use std::path::Path;
use std::process::ExitCode;

/// musl's allocator gives every freed page back at once and asks for it again with the next message: a quarter of an
/// ADD's system calls. This one keeps what it has for the millisecond that a plugin lives.
#[global_allocator]
static ALLOCATOR: dlmalloc::GlobalDlmalloc = dlmalloc::GlobalDlmalloc;

fn main() -> ExitCode {
    let mut arguments = std::env::args();
    let program = arguments.next().unwrap_or_default();
    let name = Path::new(&program).file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let arguments: Vec<String> = arguments.collect();
    match (plugins::find(name), &arguments[..]) {
        (Some(_), [word, flags @ ..]) if name == "dhcp" && word == ::ipam::dhcp::DAEMON => {
            ::ipam::dhcp::daemon(flags)
        }
        (Some(entry), _) => cni::main(entry.plugin),
        (None, _) => administrator::main(&arguments),
    }
}
