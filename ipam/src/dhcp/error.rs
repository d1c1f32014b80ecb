//! What can go wrong beside the configuration.

use std::io;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use cni::{Code, Coded};

/// Why there is no lease, or it can't be kept.
#[derive(Debug, thiserror::Error)]
pub enum LeaseError {
    /// The link can't be spoken on.
    #[error(transparent)]
    Host(#[from] host::Error),
    /// The container has no such link.
    #[error("error looking up {0:?}: the container has no such link")]
    NoLink(String),
    /// A link without MACs, which DHCP needs.
    #[error("link {0} has no MAC of six bytes, and DHCP needs one")]
    NoMac(String),
    /// The link can't be spoken on by IPv6.
    #[error("link {0} has no IPv6 address of its own that can be used: is IPv6 switched off?")]
    NoLinkLocal(String),
    /// Sending or receiving failed.
    #[error("cannot {verb} {what}: {source}")]
    Io {
        /// "send", "receive", …
        verb: &'static str,
        /// What.
        what: &'static str,
        /// The system's answer.
        source: io::Error,
    },
    /// Nobody answered.
    #[error("no more tries: no {what} answered on {link} within {} s", .after.as_secs())]
    NoAnswer {
        /// Who was asked: "DHCP server", …
        what: &'static str,
        /// The container's link.
        link: String,
        /// For how long.
        after: Duration,
    },
    /// A server refused.
    #[error("the DHCP server {server} refuses: {reason}")]
    Refused {
        /// Which.
        server: String,
        /// Its words, or that it has none.
        reason: String,
    },
    /// A server's answer lacks what must be there.
    #[error("DHCP option {0} not found in DHCPACK")]
    Lacks(&'static str),
    /// The attachment is being released meanwhile.
    #[error("the lease is being released")]
    Released,
    /// Whoever asked for it does not wait any more.
    #[error("the call that asked for the lease has ended")]
    Abandoned,
}

impl Coded for LeaseError {
    fn code(&self) -> Code {
        match self {
            Self::Host(host::Error::Namespace { .. }) => Code::InvalidNamespace,
            Self::Host(_) | Self::NoLink(_) | Self::NoMac(_) | Self::NoLinkLocal(_) | Self::Lacks(_) => {
                Code::Internal
            }
            Self::Io { .. } => Code::Io,
            Self::NoAnswer { .. } | Self::Refused { .. } | Self::Released | Self::Abandoned => Code::TryAgain,
        }
    }
}

/// The daemon can't be asked.
#[derive(Debug, thiserror::Error)]
pub enum DaemonError {
    /// It does not listen.
    #[error("error dialing DHCP daemon: {socket}: {source}")]
    Dial {
        /// Its socket.
        socket: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// It ended without an answer.
    #[error("the DHCP daemon at {socket} gave no answer: {source}")]
    Silent {
        /// Its socket.
        socket: PathBuf,
        /// What came in its place.
        source: io::Error,
    },
}

impl Coded for DaemonError {
    fn code(&self) -> Code {
        Code::TryAgain
    }
}

/// Leases could not be read or written.
#[derive(Debug, thiserror::Error)]
#[error("cannot {verb} {path}: {source}")]
pub struct StoreError {
    /// "open", "write", …
    pub verb: &'static str,
    /// The file or directory.
    pub path: PathBuf,
    /// The system's answer.
    pub source: io::Error,
}

impl Coded for StoreError {
    fn code(&self) -> Code {
        Code::Io
    }
}

/// What CHECK and STATUS find.
#[derive(Debug, thiserror::Error)]
pub enum Finding {
    /// CHECK: nothing is leased for the attachment.
    #[error("dhcp: no lease is held for container {0}")]
    NoLease(String),
    /// CHECK: it was leased, and lost since.
    #[error("dhcp: the lease of {0} is over")]
    Expired(IpAddr),
    /// CHECK: another address was leased since.
    #[error("dhcp: prevResult does not have the leased address {0}")]
    Moved(IpAddr),
    /// STATUS: no ADD would succeed.
    #[error("{0}")]
    NoDaemon(DaemonError),
}

impl Coded for Finding {
    fn code(&self) -> Code {
        match self {
            Self::NoLease(_) | Self::Expired(_) | Self::Moved(_) => Code::Internal,
            Self::NoDaemon(_) => Code::NotAvailable,
        }
    }
}
