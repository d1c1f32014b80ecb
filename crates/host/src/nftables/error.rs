//! What can go wrong between us and `nf_tables`.

use std::io;

use crate::netlink::Refusal;

/// Packet rules could not be read or changed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The kernel was built without `nf_tables`, or its module can't be loaded.
    #[error("this kernel has no nf_tables (CONFIG_NF_TABLES): {0}")]
    Unsupported(#[source] Refusal),
    /// Not even a netfilter socket could be had.
    #[error("open a netfilter socket: {0}")]
    Open(#[source] io::Error),
    /// The socket failed, or an answer could not be read.
    #[error("{what}: netfilter socket: {source}")]
    Socket {
        /// What was tried.
        what: String,
        /// Why it failed.
        source: io::Error,
    },
    /// The kernel said no. A refused change refuses every change sent with it.
    #[error("{what}: {source}")]
    Refused {
        /// What was tried, and on what.
        what: String,
        /// The kernel's answer.
        source: Refusal,
    },
    /// Others change the ruleset so often that ours never got its turn.
    #[error("{what}: the ruleset changed under each of {tries} tries")]
    Restless {
        /// What was tried.
        what: String,
        /// How often.
        tries: u32,
    },
    /// Somebody else holds a port that was asked for.
    #[error("{port} is taken by {holder}")]
    PortTaken {
        /// The port, as the host has it.
        port: String,
        /// Who holds it: `network/container/interface`.
        holder: String,
    },
    /// The rules of xtables-legacy could not be read.
    #[error("{program}: {source}")]
    Legacy {
        /// The file.
        program: String,
        /// Why it failed.
        source: io::Error,
    },
}

impl Error {
    /// No socket could be had.
    pub(crate) fn opening(source: io::Error) -> Self {
        match source.raw_os_error() {
            Some(libc::EPROTONOSUPPORT) => Self::Unsupported(source.into()),
            _ => Self::Open(source),
        }
    }

    /// The question that comes first got no answer. nfnetlink says `EINVAL` to messages of a subsystem that the
    /// kernel lacks, and `EOPNOTSUPP` to batches of it.
    pub(crate) fn asked_generation(source: Refusal) -> Self {
        if source.is(libc::EINVAL) || source.is(libc::EOPNOTSUPP) {
            Self::Unsupported(source)
        } else {
            Self::refused("ask for nf_tables' generation", source)
        }
    }

    /// The kernel refused `what`.
    pub(crate) fn refused(what: impl Into<String>, source: Refusal) -> Self {
        Self::Refused { what: what.into(), source }
    }

    /// The socket failed while trying `what`.
    pub(crate) fn socket(what: impl Into<String>, source: io::Error) -> Self {
        Self::Socket { what: what.into(), source }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(errno: i32) -> String {
        Error::asked_generation(io::Error::from_raw_os_error(errno).into()).to_string()
    }

    #[test]
    fn a_kernel_without_nf_tables_is_told_from_a_refusal() {
        let unsupported = "this kernel has no nf_tables (CONFIG_NF_TABLES): ";
        for errno in [libc::EINVAL, libc::EOPNOTSUPP] {
            assert!(asked(errno).starts_with(unsupported), "{}", asked(errno));
        }
        assert_eq!(asked(libc::EPERM), "ask for nf_tables' generation: Operation not permitted (os error 1)");
    }
}
