//! The configuration of `vlan`.

use cni::{Code, Coded, Dns, Failure, Request};
use netstate::Vlan;
use serde::Deserialize;

use crate::interface::keys;
use crate::interface::lower::{Master, WrittenMaster};
use crate::ipam::Turn;

/// What the network's owner wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Conf {
    /// `master` and `linkInContainer`.
    pub(super) master: Master,
    /// `vlanId`; absent is the tag 0 of frames that have a priority and no VLAN.
    pub(super) vlan: Option<Vlan>,
    /// `mtu` in bytes; the master's where it is 0.
    pub(super) mtu: Option<u32>,
    /// `ipam.type`.
    pub(super) ipam: Turn,
    /// `dns`, where it says anything at all.
    pub(super) dns: Option<Dns>,
}

/// A value that can't be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
enum ConfError {
    #[error(r#""master" field is required. It specifies the host interface name to create the VLAN for."#)]
    NoMaster,
    #[error("vlanId: invalid VLAN ID {0} (must be between 0 and 4094 inclusive)")]
    Vlan(i64),
}

impl Coded for ConfError {
    fn code(&self) -> Code {
        Code::InvalidConfig
    }
}

/// What was written. Absent is false, 0 or empty, as Go has it.
#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Written {
    vlan_id: i64,
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
        let master = master.parse()?;
        if master.name.is_none() {
            return Err(ConfError::NoMaster.into());
        }
        let vlan = match written.vlan_id {
            0 => None,
            id => Some(Vlan::try_from(id).map_err(|error| ConfError::Vlan(error.0))?),
        };
        Ok(Self {
            master,
            vlan,
            mtu: keys::mtu(written.mtu)?,
            ipam: Turn::of(request),
            dns: keys::dns(written.dns),
        })
    }
}
