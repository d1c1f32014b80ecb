//! The configuration of `macvlan`.

use cni::{Code, Coded, Dns, Failure, Request};
use netstate::{Mac, MacvlanMode};
use serde::Deserialize;

use crate::interface::keys::{self, WrittenMac};
use crate::interface::lower::{Master, WrittenMaster};
use crate::ipam::Turn;

/// What the network's owner wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Conf {
    /// `master` and `linkInContainer`.
    pub(super) master: Master,
    /// `mode`.
    pub(super) mode: MacvlanMode,
    /// `mtu` in bytes; the master's where it is 0.
    pub(super) mtu: Option<u32>,
    /// The MAC asked for: `runtimeConfig.mac` before `CNI_ARGS` before `mac`.
    pub(super) mac: Option<Mac>,
    /// `bcqueuelen`; the kernel's choice where it is 0.
    pub(super) broadcast_queue: Option<u32>,
    /// `ipam.type`.
    pub(super) ipam: Turn,
    /// `dns`, where it says anything at all.
    pub(super) dns: Option<Dns>,
}

/// A value that can't be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
enum ConfError {
    #[error("mode: unknown macvlan mode: {0:?}: bridge, private, vepa or passthru")]
    Mode(String),
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
    mac: String,
    bcqueuelen: u32,
    #[serde(rename = "runtimeConfig")]
    runtime_config: WrittenMac,
    dns: Dns,
}

impl Conf {
    /// Reads the configuration and `CNI_ARGS`.
    ///
    /// # Errors
    /// Code 7, naming key and value.
    pub(super) fn parse(request: &Request) -> Result<Self, Failure> {
        let written: Written = request.config.decode()?;
        let master: WrittenMaster = request.config.decode()?;
        Ok(Self {
            master: master.parse()?,
            mode: mode(&written.mode)?,
            mtu: keys::mtu(written.mtu)?,
            mac: keys::mac(request, &[&written.runtime_config.mac], &written.mac)?,
            broadcast_queue: (written.bcqueuelen > 0).then_some(written.bcqueuelen),
            ipam: Turn::of(request),
            dns: keys::dns(written.dns),
        })
    }
}

fn mode(word: &str) -> Result<MacvlanMode, ConfError> {
    match word {
        "" | "bridge" => Ok(MacvlanMode::Bridge),
        "private" => Ok(MacvlanMode::Private),
        "vepa" => Ok(MacvlanMode::Vepa),
        "passthru" => Ok(MacvlanMode::Passthru),
        other => Err(ConfError::Mode(other.to_owned())),
    }
}
