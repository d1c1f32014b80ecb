//! What can be wrong with a command line, and what is merely in vain.

use std::net::AddrParseError;

use super::flags::COMMANDS;

/// A mistake on the command line, or in the environment.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub(crate) enum CommandError {
    /// Nothing says what to do.
    #[error("no command: one of {COMMANDS}")]
    NoCommand,
    /// There is no such command.
    #[error("unknown command {0}: one of {COMMANDS}")]
    UnknownCommand(String),
    /// There is no such flag, ours or flannel's.
    #[error("unknown flag {0}")]
    UnknownFlag(String),
    /// Not the form of a flag.
    #[error("bad flag syntax: {0}")]
    Syntax(String),
    /// Neither a flag nor a flag's value.
    #[error("unexpected argument {0} (a switch takes its value as in --switch=false)")]
    Stray(String),
    /// The last argument is a flag that needs a value.
    #[error("--{0}: no value")]
    NoValue(String),
    /// A value that the flag can't have.
    #[error("{whose}: invalid value {value:?}: {reason}")]
    Value {
        /// The flag, or the variable of the environment.
        whose: String,
        /// What was given.
        value: String,
        /// What is wrong with it.
        reason: ValueError,
    },
}

/// Why a flag can't have a value.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub(crate) enum ValueError {
    /// Not one of Go's words for true and false.
    #[error("expected true or false")]
    Switch,
    /// Not an IP address.
    #[error("{0}")]
    Address(#[from] AddrParseError),
    /// Not a port's number.
    #[error("expected a port from 0 to 65535")]
    Port,
    /// Not the beginning of an annotation's name.
    #[error(
        "expected a domain with at most one slash, as in flannel.alpha.coreos.com or example.com/flannel"
    )]
    Prefix,
    /// Not a regular expression.
    #[error("{0}")]
    Pattern(String),
    /// No format of logs.
    #[error("expected text or json")]
    Log,
    /// A URL that nothing can be asked at.
    #[error("expected a URL that begins with http:// or https://")]
    Url,
    /// Nodes come from one place.
    #[error(
        "Nodes come from a file or from Kubernetes: --kubeconfig-file and --kube-api-url go without --nodes-file"
    )]
    TwoSources,
    /// A flag of another command.
    #[error("a flag of cleanup only")]
    CleanupOnly,
    /// The same.
    #[error("a flag of status only")]
    StatusOnly,
}

/// Something that was given in vain.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Warning {
    /// A flag of flannel's that has no meaning here.
    #[error("--{flag} has no effect: {reason}")]
    Idle {
        /// Its name.
        flag: &'static str,
        /// Why.
        reason: &'static str,
    },
    /// `--kube-subnet-mgr=false`.
    #[error(
        "--kube-subnet-mgr=false has no effect: Nodes come from Kubernetes or from --nodes-file, never from etcd"
    )]
    Etcd,
}
