//! The configuration of `host-device`.

use std::path::PathBuf;

use cni::{Code, Coded, Dns, Failure, Request};
use netstate::{LinkName, Mac, MacError};
use serde::Deserialize;

use crate::interface::keys;
use crate::ipam::Turn;

/// What the network's owner wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Conf {
    /// Which device.
    pub(super) choice: Choice,
    /// `ipam.type`.
    pub(super) ipam: Turn,
    /// `dns`, where it says anything at all.
    pub(super) dns: Option<Dns>,
}

/// How the device is named: the first of these that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Choice {
    /// `runtimeConfig.deviceID`: an address on the PCI bus, or a name on the auxiliary one.
    Id(String),
    /// `device`.
    Name(LinkName),
    /// `hwaddr`.
    Mac(Mac),
    /// `kernelpath`, below `/sys/devices`.
    KernelPath(PathBuf),
    /// `pciBusID`.
    Pci(String),
}

/// A value that can't be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
enum ConfError {
    #[error(r#"specify either "device", "hwaddr", "kernelpath" or "pciBusID""#)]
    Nothing,
    #[error("hwaddr: {0}")]
    Mac(MacError),
    #[error("kernelpath: kernel device path {0:?} must be absolute and begin with /sys/devices/")]
    KernelPath(String),
}

impl Coded for ConfError {
    fn code(&self) -> Code {
        Code::InvalidConfig
    }
}

/// What was written. Absent is empty, as Go has it.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Written {
    device: String,
    hwaddr: String,
    kernelpath: String,
    #[serde(rename = "pciBusID")]
    pci_bus_id: String,
    #[serde(rename = "runtimeConfig")]
    runtime_config: WrittenId,
    dns: Dns,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct WrittenId {
    #[serde(rename = "deviceID")]
    device_id: String,
}

impl Conf {
    /// Reads the configuration.
    ///
    /// # Errors
    /// Code 7, naming key and value.
    pub(super) fn parse(request: &Request) -> Result<Self, Failure> {
        let written: Written = request.config.decode()?;
        Ok(Self { choice: choice(&written)?, ipam: Turn::of(request), dns: keys::dns(written.dns) })
    }
}

fn choice(written: &Written) -> Result<Choice, Failure> {
    if !written.runtime_config.device_id.is_empty() {
        return Ok(Choice::Id(written.runtime_config.device_id.clone()));
    }
    if let Some(name) = keys::link("device", &written.device)? {
        return Ok(Choice::Name(name));
    }
    if !written.hwaddr.is_empty() {
        return Ok(Choice::Mac(written.hwaddr.parse().map_err(ConfError::Mac)?));
    }
    if !written.kernelpath.is_empty() {
        let path = PathBuf::from(&written.kernelpath);
        let below = path.starts_with("/sys/devices") && !written.kernelpath.contains("..");
        return if below {
            Ok(Choice::KernelPath(path))
        } else {
            Err(ConfError::KernelPath(written.kernelpath.clone()).into())
        };
    }
    if written.pci_bus_id.is_empty() {
        Err(ConfError::Nothing.into())
    } else {
        Ok(Choice::Pci(written.pci_bus_id.clone()))
    }
}
