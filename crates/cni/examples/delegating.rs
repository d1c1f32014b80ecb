//! The smallest plugin: it hands every operation to its IPAM plugin.

use std::process::ExitCode;

use cni::{Delegate, Failure, Plugin, Request, Success};

struct Delegating;

fn ipam(request: &Request) -> Result<Delegate, Failure> {
    Ok(Delegate::find(&request.config.ipam_kind().unwrap_or_default(), request)?)
}

impl Plugin for Delegating {
    fn name(&self) -> &'static str {
        "delegating"
    }

    fn add(&self, request: &Request) -> Result<Success, Failure> {
        Ok(ipam(request)?.add(request)?.require_ips()?)
    }

    fn del(&self, request: &Request) -> Result<(), Failure> {
        ipam(request)?.del(request)
    }

    fn check(&self, request: &Request) -> Result<(), Failure> {
        ipam(request)?.check(request)
    }

    fn gc(&self, request: &Request) -> Result<(), Failure> {
        ipam(request)?.gc(request)
    }

    fn status(&self, request: &Request) -> Result<(), Failure> {
        ipam(request)?.status(request)
    }
}

fn main() -> ExitCode {
    cni::main(&Delegating)
}
