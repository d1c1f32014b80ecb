//! The configuration of `ipvlan`.

use cni::{Code, Coded, Command, Dns, Failure, Request, Success};
use netstate::IpvlanMode;
use serde::Deserialize;

use crate::interface::keys;
use crate::interface::lower::{Master, WrittenMaster};
use crate::ipam::Turn;

/// What the network's owner wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Conf {
    /// `master` and `linkInContainer`; in a chain, the one interface of the plugins before.
    pub(super) master: Master,
    /// `mode`.
    pub(super) mode: IpvlanMode,
    /// `mtu` in bytes; the master's where it is 0.
    pub(super) mtu: Option<u32>,
    /// What the plugins before gave, where there is no IPAM.
    pub(super) given: Option<Success>,
    /// `ipam.type`.
    pub(super) ipam: Turn,
    /// `dns`, where it says anything at all.
    pub(super) dns: Option<Dns>,
}

/// A value that can't be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
enum ConfError {
    #[error("mode: unknown ipvlan mode: {0:?}: l2, l3 or l3s")]
    Mode(String),
    #[error("prevResult: chained master failure: {0} interfaces, where a master is one with a name")]
    Chain(usize),
    #[error("ipam: required, but missing, and prevResult has no addresses")]
    NoAddresses,
}

impl Coded for ConfError {
    fn code(&self) -> Code {
        Code::InvalidConfig
    }
}

/// What was written. Absent is false, 0 or empty, as Go has it.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Written {
    mode: String,
    mtu: i64,
    dns: Dns,
}

impl Conf {
    /// Reads the configuration.
    ///
    /// # Errors
    /// Code 7, naming key and value.
    pub(super) fn parse(request: &Request) -> Result<Self, Failure> {
        let written: Written = request.config.decode()?;
        let master: WrittenMaster = request.config.decode()?;
        let mut master = master.parse()?;
        // In CHECK it is what ADD made.
        let before = match request.command {
            Command::Add => request.config.prev_result()?,
            _ => None,
        };
        if let (None, Some(before)) = (&master.name, &before) {
            master.name = Some(chained(before)?);
        }
        let without_ipam = request.config.ipam_kind().is_none();
        let given = before.filter(|before| without_ipam && !before.ips.is_empty());
        if request.command == Command::Add && without_ipam && given.is_none() {
            return Err(ConfError::NoAddresses.into());
        }
        Ok(Self {
            master,
            mode: mode(&written.mode)?,
            mtu: keys::mtu(written.mtu)?,
            given,
            ipam: Turn::of(request),
            dns: keys::dns(written.dns),
        })
    }
}

/// The link that the plugins before made for this one.
fn chained(before: &Success) -> Result<netstate::LinkName, Failure> {
    match &before.interfaces[..] {
        [one] if !one.name.is_empty() => Ok(keys::required_link("prevResult", &one.name)?),
        others => Err(ConfError::Chain(others.len()).into()),
    }
}

fn mode(word: &str) -> Result<IpvlanMode, ConfError> {
    match word {
        "" | "l2" => Ok(IpvlanMode::L2),
        "l3" => Ok(IpvlanMode::L3),
        "l3s" => Ok(IpvlanMode::L3s),
        other => Err(ConfError::Mode(other.to_owned())),
    }
}
