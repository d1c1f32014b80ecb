//! What can be wrong with `net-conf.json`.

use cni::DecodeError;
use netstate::Family;

use super::backend::KNOWN;

/// The file can't be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NetConfError {
    /// It is no JSON.
    #[error("no JSON: {0}")]
    Syntax(String),
    /// It is no object.
    #[error("no JSON object")]
    NoObject,
    /// Some settings are wrong: all of them.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Settings(Vec<Problem>),
}

/// A setting that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Problem {
    /// A value of the wrong type.
    #[error(transparent)]
    Value(#[from] DecodeError),
    /// No network of its family.
    #[error("{key}: invalid value {value:?}: expected an {family} network with a prefix of 1 or longer")]
    Network {
        /// Its key.
        key: &'static str,
        /// Its value.
        value: String,
        /// The family that it is for.
        family: Family,
    },
    /// A family is in use and has no network.
    #[error("{key}: missing: the network of all pods' {family} addresses")]
    NoNetwork {
        /// Its key.
        key: &'static str,
        /// The family.
        family: Family,
    },
    /// Neither family is in use.
    #[error("EnableIPv4, EnableIPv6: invalid value false: one of them must be true")]
    NoFamily,
    /// Nothing says how pods are reached. flanneld would fall back to `udp`.
    #[error("Backend.Type: missing: one of {KNOWN}")]
    NoBackend,
    /// A backend that only flanneld has.
    #[error(
        "Backend.Type: invalid value {0:?}: a backend of flannel's that is not offered here, one of {KNOWN} is"
    )]
    NotOffered(String),
    /// A backend that nobody has.
    #[error("Backend.Type: invalid value {0:?}: expected one of {KNOWN}")]
    UnknownBackend(String),
    /// A number out of its range.
    #[error("Backend.{key}: invalid value {value}: expected a number from {least} to {most}")]
    Range {
        /// Its key.
        key: &'static str,
        /// Its value.
        value: i64,
        /// The least that can be.
        least: u32,
        /// The most that can be.
        most: u32,
    },
}

/// A setting that has no effect.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NetConfWarning {
    /// Nobody knows it.
    #[error("{key}: unknown, has no effect")]
    Unknown {
        /// The path of keys to it.
        key: String,
    },
    /// It is known, but can't mean anything.
    #[error("{key} has no effect: {reason}")]
    InVain {
        /// The path of keys to it.
        key: String,
        /// Why.
        reason: &'static str,
    },
}
