//! dhcp: addresses of the network's own server. It stands in the place of the reference plugin of the same name: same
//! configuration, same daemon, same flags.
//!
//! ```text
//! dhcp            the plugin: hands each call to the daemon by its unix socket
//! dhcp daemon     asks servers, and looks after leases as long as containers live
//! ```
//!
//! What is different: leases are on disk, so they survive the daemon; DEL and GC don't need it; STATUS tells that it is
//! dead; an address that the server changes is changed in the container, and one that is lost is taken away from it. Two
//! keys are ours: `"ipv4": "off"`, and `"ipv6"`, which is `"dhcp"` or `"slaac"` where IPv6 is wanted.

mod call;
mod config;
mod daemon;
mod desk;
mod errand;
mod error;
mod lease;
mod log;
mod message;
mod option;
mod patience;
mod renewed;
mod slaac;
mod store;
mod v4;
mod v6;

use std::path::Path;
use std::process::ExitCode;

use cni::{Failure, Plugin, Request, Success};
use netstate::Attachment;

pub use config::ConfigError;
pub use error::{DaemonError, Finding, LeaseError, StoreError};

use config::{Wish, socket};
use desk::Desk;
use errand::Manner;

/// The plugin.
pub struct Dhcp;

/// What [`Dhcp`]'s program is told to be the daemon by: its first argument.
pub const DAEMON: &str = "daemon";

/// `dhcp daemon`, by the arguments after that word.
pub fn daemon(arguments: &[String]) -> ExitCode {
    daemon::main(arguments)
}

impl Plugin for Dhcp {
    fn name(&self) -> &'static str {
        "dhcp"
    }

    fn add(&self, request: &Request) -> Result<Success, Failure> {
        Wish::of(request)?;
        Ok(call::ask(&socket(request)?, request)??.unwrap_or_default())
    }

    /// A container has to go, whether or not there is a daemon.
    fn del(&self, request: &Request) -> Result<(), Failure> {
        match call::ask(&socket(request).unwrap_or_else(|_| config::SOCKET.into()), request) {
            Ok(answer) => answer.map(drop),
            Err(_) => alone().del(request),
        }
    }

    fn check(&self, request: &Request) -> Result<(), Failure> {
        Wish::of(request)?;
        call::ask(&socket(request)?, request)?.map(drop)
    }

    fn gc(&self, request: &Request) -> Result<(), Failure> {
        match call::ask(&socket(request)?, request) {
            Ok(answer) => answer.map(drop),
            Err(_) => alone().gc(request),
        }
    }

    fn status(&self, request: &Request) -> Result<(), Failure> {
        Wish::of(request)?;
        call::ask(&socket(request)?, request).map_err(Finding::NoDaemon)?.map(drop)
    }
}

/// Gives back the leases of containers that are provably gone, as the daemon does by itself.
///
/// # Errors
/// The first that could not be, after all that could were.
pub fn release_dead() -> Result<(), Failure> {
    Ok(alone().release_dead()?)
}

/// What an ADD told of, as it is now: a server may have changed address and routes since, and the container with them. The
/// same where nothing is leased for the attachment.
///
/// # Errors
/// Where our record of its leases can't be read.
pub fn as_leased(owner: &Attachment, result: Success) -> Result<Success, Failure> {
    let record = alone().store.read(owner)?;
    Ok(match record {
        Some(record) => renewed::as_leased(&record, result),
        None => result,
    })
}

/// The daemon's work, done here.
fn alone() -> Desk {
    Desk::new(Path::new(""), Manner::default())
}
