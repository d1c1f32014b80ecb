//! What can go wrong between us and iptables.

use std::io;
use std::path::PathBuf;
use std::process::ExitStatus;

use super::{Iptables, Table};

/// Rules of iptables could not be read or changed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The program is not installed.
    #[error("{0} is not installed: rules of iptables can't be read or changed without it")]
    NoProgram(String),
    /// The program could not be started or read.
    #[error("{program}: {source}")]
    Start {
        /// The program.
        program: String,
        /// Why not.
        source: io::Error,
    },
    /// The program said no. A refused change changed nothing.
    #[error("{program} ended with {status}: {stderr}")]
    Refused {
        /// The program.
        program: String,
        /// How it ended.
        status: ExitStatus,
        /// What it printed.
        stderr: String,
    },
    /// Rules of another program in iptables-nft's table, which iptables can't show.
    #[error(
        "{iptables} can't read its table {table}: another program has put rules there that iptables does not know"
    )]
    Incompatible {
        /// Which iptables.
        iptables: Iptables,
        /// Which table.
        table: Table,
    },
    /// The lock, or the kernel's list of tables in use.
    #[error("{path}: {source}", path = path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// `nf_tables` could not be asked.
    #[error(transparent)]
    Nftables(#[from] crate::nftables::Error),
}
