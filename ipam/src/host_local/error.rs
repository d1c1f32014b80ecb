//! What can go wrong beside the configuration.

use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use cni::{Code, Coded};

/// Files could not be read or written.
#[derive(Debug, thiserror::Error)]
#[error("cannot {verb} {path}: {source}")]
pub struct StoreError {
    /// "open", "lock", …
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

/// Names the file in an error.
pub(crate) trait At<T> {
    fn at(self, verb: &'static str, path: &Path) -> Result<T, StoreError>;
}

impl<T> At<T> for io::Result<T> {
    fn at(self, verb: &'static str, path: &Path) -> Result<T, StoreError> {
        self.map_err(|source| StoreError { verb, path: path.to_owned(), source })
    }
}

/// Why no address could be chosen. The texts are the reference's.
///
/// What passes as soon as another container goes has code 11 ("try again later"), what only another configuration
/// mends has 7, and a repeated ADD, which the runtime must not make, 999 as with the reference.
#[derive(Debug, thiserror::Error)]
pub enum AllocateError {
    /// A set gave no address.
    #[error("failed to allocate for range {index}: {source}")]
    Set {
        /// The set's.
        index: usize,
        /// Why not.
        source: Box<AllocateError>,
    },
    /// The gateway's own address was asked for.
    #[error("requested ip {0} is subnet's gateway")]
    Gateway(IpAddr),
    /// The address that was asked for is another container's.
    #[error("requested IP address {address} is not available in range set {set}")]
    Taken {
        /// The address.
        address: IpAddr,
        /// The set's ranges.
        set: String,
    },
    /// The attachment has an address of this set already.
    #[error("{address} has been allocated to {container}, duplicate allocation is not allowed")]
    Duplicate {
        /// The address that it has.
        address: IpAddr,
        /// `CNI_CONTAINERID`.
        container: String,
    },
    /// Every address is taken, and none by a container that is provably gone.
    #[error("no IP addresses available in range set: {set}")]
    Exhausted {
        /// The set's ranges.
        set: String,
        /// How many addresses there are, and what kept dead containers from being cleared away.
        details: String,
    },
    /// Addresses were asked for that are in no set.
    #[error("failed to allocate all requested IPs: {}", joined(.0))]
    Unused(Vec<IpAddr>),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

fn joined(addresses: &[IpAddr]) -> String {
    addresses.iter().map(IpAddr::to_string).collect::<Vec<_>>().join(" ")
}

impl Coded for AllocateError {
    fn code(&self) -> Code {
        match self {
            Self::Set { source, .. } => source.code(),
            Self::Gateway(_) | Self::Unused(_) => Code::InvalidConfig,
            Self::Taken { .. } | Self::Exhausted { .. } => Code::TryAgain,
            Self::Duplicate { .. } => Code::Internal,
            Self::Store(error) => error.code(),
        }
    }

    fn details(&self) -> String {
        match self {
            Self::Set { source, .. } => source.details(),
            Self::Exhausted { details, .. } => details.clone(),
            _ => String::new(),
        }
    }
}

/// What CHECK and STATUS find.
#[derive(Debug, thiserror::Error)]
pub enum Finding {
    /// CHECK: nothing is reserved for the attachment. The text is the reference's.
    #[error("host-local: Failed to find address added by container {0}")]
    NoAddress(String),
    /// STATUS: an ADD would find no address.
    #[error("network {network}: no IP addresses available in range set: {set}")]
    Exhausted {
        /// The network's name.
        network: String,
        /// The set's ranges.
        set: String,
        /// How many addresses there are.
        details: String,
    },
}

impl Coded for Finding {
    fn code(&self) -> Code {
        match self {
            Self::NoAddress(_) => Code::Internal,
            Self::Exhausted { .. } => Code::NotAvailable,
        }
    }

    fn details(&self) -> String {
        match self {
            Self::NoAddress(_) => String::new(),
            Self::Exhausted { details, .. } => details.clone(),
        }
    }
}
