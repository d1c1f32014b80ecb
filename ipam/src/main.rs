//! host-local as a program of its own.

use std::process::ExitCode;

fn main() -> ExitCode {
    cni::main(&ipam::HostLocal)
}
