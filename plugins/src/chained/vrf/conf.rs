//! The configuration of `vrf`: what was written, and what it means.

use cni::{Code, Coded, Failure, Request};
use host::Error;
use netstate::{LinkName, LinkNameError};
use serde::Deserialize;

/// What the network's owner wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Conf {
    /// `vrfname`.
    pub(super) vrf: LinkName,
    /// `table`; the plugin's choice where it is 0.
    pub(super) table: Option<u32>,
}

/// A value that can't be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum ConfError {
    #[error("vrfname: invalid value {0:?}: {1}")]
    Name(String, LinkNameError),
    #[error("table: invalid value {0}: 0 to 4294967295")]
    Table(i64),
    #[error("table: VRF {vrf} already exists with the table {there}, not {asked}")]
    OtherTable { vrf: LinkName, there: u32, asked: u32 },
    #[error("table: {table} is the table of VRF {holder} already: {vrf} needs one of its own")]
    TableTaken { vrf: LinkName, table: u32, holder: String },
    #[error("table: every one has a VRF already")]
    NoTable,
    #[error("CNI_IFNAME: there is no interface {0} in the container")]
    NoLink(LinkName),
    #[error("CNI_IFNAME: interface {link} has already a master set: {master}")]
    Enslaved { link: LinkName, master: String },
}

impl Coded for ConfError {
    fn code(&self) -> Code {
        Code::InvalidConfig
    }
}

/// STATUS: no interface could enter a VRF.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub(super) struct NoVrf(pub(super) Error);

impl Coded for NoVrf {
    fn code(&self) -> Code {
        Code::NotAvailable
    }
}

/// What was written. Absent is 0 or empty, as Go has it.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Written {
    vrfname: String,
    table: i64,
}

impl Conf {
    /// Reads the configuration.
    ///
    /// # Errors
    /// Code 7, naming key and value.
    pub(super) fn parse(request: &Request) -> Result<Self, Failure> {
        let Written { vrfname, table } = request.config.decode()?;
        let vrf = LinkName::new(&vrfname).map_err(|error| ConfError::Name(vrfname, error))?;
        let table = u32::try_from(table).map_err(|_| ConfError::Table(table))?;
        Ok(Self { vrf, table: (table != 0).then_some(table) })
    }
}
