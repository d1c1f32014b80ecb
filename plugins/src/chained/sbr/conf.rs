//! The configuration of `sbr`: what was written, and what it means.

use std::net::IpAddr;

use cni::{Code, Coded, Failure, Request};
use netstate::Family;
use serde::Deserialize;

/// What the network's owner wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Conf {
    /// `table`: the rules lead there, and the table is somebody else's business. Without it each address gets a table.
    pub(super) table: Option<u32>,
    /// `gateways`: in place of those that prevResult names; one a family at most.
    pub(super) gateways: Vec<IpAddr>,
    /// `addSourceHints`: the main table keeps routes to what is on the link, with the interface's address as their source.
    pub(super) hints: bool,
}

/// A value that can't be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum ConfError {
    #[error("table: invalid value {0}: 1 to 4294967295")]
    Table(i64),
    #[error("gateways: invalid value {0:?}: not an IP address")]
    Gateway(String),
    #[error("gateways: {second} and {first}: one {family} gateway at most")]
    SecondGateway { family: Family, first: IpAddr, second: IpAddr },
    #[error("prevResult: the interface {0} has no address")]
    NoAddress(String),
}

impl Coded for ConfError {
    fn code(&self) -> Code {
        Code::InvalidConfig
    }
}

/// What was written. Absent is false, or empty, as Go has it.
#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Written {
    table: Option<i64>,
    gateways: Vec<String>,
    add_source_hints: bool,
}

impl Conf {
    /// Reads the configuration.
    ///
    /// # Errors
    /// Code 7, naming key and value.
    pub(super) fn parse(request: &Request) -> Result<Self, Failure> {
        let written: Written = request.config.decode()?;
        let mut gateways: Vec<IpAddr> = Vec::new();
        for text in &written.gateways {
            let gateway: IpAddr = text.parse().map_err(|_| ConfError::Gateway(text.clone()))?;
            let family = Family::of(gateway);
            if let Some(first) = gateways.iter().find(|first| Family::of(**first) == family) {
                return Err(ConfError::SecondGateway { family, first: *first, second: gateway }.into());
            }
            gateways.push(gateway);
        }
        Ok(Self { table: written.table.map(table).transpose()?, gateways, hints: written.add_source_hints })
    }
}

fn table(id: i64) -> Result<u32, ConfError> {
    u32::try_from(id).ok().filter(|id| *id > 0).ok_or(ConfError::Table(id))
}
