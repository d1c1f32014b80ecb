//! What a failed verb is in the specification's codes.

use cni::{Code, Coded, Failure};
use host::{Error, nftables};

/// A verb that failed: what the machine said.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub(crate) struct Machine(pub(crate) Error);

impl Coded for Machine {
    fn code(&self) -> Code {
        code(&self.0)
    }
}

/// The error object of a verb that failed.
pub(crate) fn of(error: Error) -> Failure {
    Machine(error).into()
}

/// One error object for all that failed: the first one's code, everybody's words.
pub(crate) fn of_all(failures: Vec<Failure>) -> Result<(), Failure> {
    let mut failures = failures.into_iter();
    let Some(mut first) = failures.next() else { return Ok(()) };
    for other in failures {
        first.msg = format!("{}; {other}", first.msg);
    }
    Err(first)
}

fn code(error: &Error) -> Code {
    match error {
        Error::Namespace { .. } => Code::InvalidNamespace,
        Error::NotABridge(_) | Error::AddressConflict { .. } | Error::Setting { .. } => Code::InvalidConfig,
        Error::Io { .. } => Code::Io,
        // Its holder may be on its way out.
        Error::Nftables(nftables::Error::PortTaken { .. }) => Code::TryAgain,
        Error::Refused { .. }
        | Error::NoContainer
        | Error::NoLink(_)
        | Error::LinkExists { .. }
        | Error::Lacks { .. }
        | Error::Duplicate(_)
        | Error::Nftables(_)
        | Error::Iptables(_)
        | Error::Firewalld(_)
        | Error::Conntrack(_) => Code::Internal,
    }
}
