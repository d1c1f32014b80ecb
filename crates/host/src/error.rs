//! What can go wrong when a machine is changed: what was tried, on what, and why not.

use std::io;
use std::path::PathBuf;

use ipnetwork::IpNetwork;
use netstate::LinkName;

use crate::netlink::Refusal;

/// A verb that failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The kernel refused a request.
    #[error("cannot {verb} {object}: {source}")]
    Refused {
        /// "create", "read", …
        verb: &'static str,
        /// What it was about, as a plan shows it.
        object: String,
        /// The kernel's answer.
        source: Refusal,
    },
    /// A file or a socket failed.
    #[error("cannot {verb} {object}: {source}")]
    Io {
        /// "open", "write", …
        verb: &'static str,
        /// A path, or what it was about.
        object: String,
        /// The system's answer.
        source: io::Error,
    },
    /// The container's namespace can't be entered.
    #[error("cannot open the network namespace {path}: {source}")]
    Namespace {
        /// `CNI_NETNS`.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// A plan with steps in the container was applied without one.
    #[error("no network namespace was given for the container's part")]
    NoContainer,
    /// A link that a plan rests on is not there.
    #[error("there is no link {0}")]
    NoLink(LinkName),
    /// The name that a new link should get is taken.
    #[error("{place} has an interface {name} already")]
    LinkExists {
        /// "the container" or "the host".
        place: &'static str,
        /// The name.
        name: LinkName,
    },
    /// The bridge's name belongs to something else.
    #[error("{0} already exists but is not a bridge")]
    NotABridge(LinkName),
    /// The bridge belongs to another subnet.
    #[error("{link} already has an IP address different from {wanted}: {found}")]
    AddressConflict {
        /// The bridge.
        link: LinkName,
        /// The gateway that was asked for.
        wanted: IpNetwork,
        /// What is there.
        found: IpNetwork,
    },
    /// Duplicate address detection found another owner.
    #[error("somebody on the link has the address {0} already")]
    Duplicate(IpNetwork),
    /// The kernel was built without something that a plan needs.
    #[error("the kernel lacks {feature}, which {object} needs: {source}")]
    Lacks {
        /// What it lacks, with the option that it was built without.
        feature: &'static str,
        /// What needs it, as a plan shows it.
        object: String,
        /// The kernel's answer.
        source: Refusal,
    },
    /// A kernel setting that the kernel does not have, or not with this value.
    #[error("sysctl: {path}: invalid value {value:?}: {reason}")]
    Setting {
        /// Its path below `/proc/sys`.
        path: String,
        /// The value.
        value: String,
        /// The system's answer.
        reason: io::Error,
    },
    /// The packet rules.
    #[error(transparent)]
    Nftables(#[from] crate::nftables::Error),
    /// Rules of iptables.
    #[error(transparent)]
    Iptables(#[from] crate::iptables::Error),
    /// firewalld.
    #[error(transparent)]
    Firewalld(#[from] crate::firewall::FirewalldError),
    /// Tracked connections.
    #[error(transparent)]
    Conntrack(#[from] crate::conntrack::Error),
}

/// Names the request in a refusal.
pub(crate) trait Context<T> {
    fn context(self, verb: &'static str, object: &dyn ToString) -> Result<T, Error>;
}

impl<T> Context<T> for Result<T, Refusal> {
    fn context(self, verb: &'static str, object: &dyn ToString) -> Result<T, Error> {
        self.map_err(|source| Error::Refused { verb, object: object.to_string(), source })
    }
}

impl<T> Context<T> for io::Result<T> {
    fn context(self, verb: &'static str, object: &dyn ToString) -> Result<T, Error> {
        self.map_err(|source| Error::Io { verb, object: object.to_string(), source })
    }
}
