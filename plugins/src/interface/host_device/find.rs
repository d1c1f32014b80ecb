//! Which device of the host the configuration means.

use cni::{Code, Coded, Failure};
use host::bus::{self, BusDevice};
use host::link::Seen;
use netstate::{Device, LinkName};

use super::conf::Choice;
use crate::failure::of;
use crate::interface::flow::{Moment, Site};

/// The device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ground {
    /// What drives it.
    pub(super) driven: Driven,
    /// Its address on the PCI bus, where it is on one. Only a result tells of it: when the device is in the container, it is
    /// not looked for.
    pub(super) pci: Option<String>,
}

/// What drives a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Driven {
    /// The kernel: it is a link. What it is called in the container, the plan says.
    Kernel(Device),
    /// A program (DPDK).
    Program,
}

/// Why there is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
enum FindError {
    #[error("device: failed to find host device {0:?}")]
    Name(String),
    #[error("hwaddr: no link has the address {0}")]
    Mac(String),
    #[error("kernelpath: {0} has no link")]
    KernelPath(String),
    #[error("pciBusID: there is no device {0:?}, or it has no link")]
    Pci(String),
    #[error("runtimeConfig.deviceID: runtime config DeviceID {0} not found or unsupported")]
    Id(String),
    #[error("there is no device in the container")]
    NotInside,
}

impl FindError {
    fn no(choice: &Choice) -> Self {
        match choice {
            Choice::Id(id) => Self::Id(id.clone()),
            Choice::Name(name) => Self::Name(name.to_string()),
            Choice::Mac(mac) => Self::Mac(mac.to_string()),
            Choice::KernelPath(path) => Self::KernelPath(path.display().to_string()),
            Choice::Pci(address) => Self::Pci(address.clone()),
        }
    }
}

impl Coded for FindError {
    fn code(&self) -> Code {
        match self {
            Self::NotInside => Code::Internal,
            _ => Code::InvalidConfig,
        }
    }
}

/// Finds it: on the host, or where it was moved.
pub(super) fn find(choice: &Choice, site: &mut Site) -> Result<Ground, Failure> {
    let (found, pci) = on_its_bus(choice);
    if found == Some(BusDevice::UserSpace) {
        return Ok(Ground { driven: Driven::Program, pci });
    }
    if site.moment == Moment::After {
        return inside(site);
    }
    let names = match (choice, found) {
        (Choice::Name(name), _) => vec![name.clone()],
        (Choice::Mac(mac), _) => {
            let seen = site.host.find_by_mac(*mac).map_err(of)?;
            seen.and_then(|seen| seen.name.parse().ok()).into_iter().collect()
        }
        (_, Some(BusDevice::Links(names))) => names,
        _ => Vec::new(),
    };
    let seen = on_host(&names, site)?.ok_or_else(|| FindError::no(choice))?;
    let found: LinkName = seen.name.parse().map_err(|_| FindError::no(choice))?;
    let home = site.host.home_of(&seen).map_err(of)?.unwrap_or_else(|| found.clone());
    let pci = pci.or_else(|| bus::pci_of(&found));
    let device = Device { home, name: found.clone(), found, mac: seen.mac };
    Ok(Ground { driven: Driven::Kernel(device), pci })
}

/// What a bus says of a device that is named by its place there, and its address on the PCI bus.
fn on_its_bus(choice: &Choice) -> (Option<BusDevice>, Option<String>) {
    match choice {
        Choice::Name(_) | Choice::Mac(_) => (None, None),
        Choice::KernelPath(path) => (Some(BusDevice::Links(bus::at(path))), None),
        Choice::Pci(address) => (bus::on_pci(address), Some(address.clone())),
        Choice::Id(id) => match bus::on_pci(id) {
            Some(device) => (Some(device), Some(id.clone())),
            None => (bus::on_auxiliary(id), None),
        },
    }
}

/// The first of these that is a link of the host, by its name or, where the kernel has sent it back under another, by
/// its alias.
fn on_host(names: &[LinkName], site: &mut Site) -> Result<Option<Seen>, Failure> {
    for name in names {
        let seen = match site.host.find(name).map_err(of)? {
            None => site.host.strayed(name).map_err(of)?,
            seen => seen,
        };
        if seen.is_some() {
            return Ok(seen);
        }
    }
    Ok(None)
}

/// The one that ADD moved: with the MAC that its result told.
fn inside(site: &mut Site) -> Result<Ground, Failure> {
    let name: LinkName = site.request.ifname.parse().map_err(|_| FindError::NotInside)?;
    let result = site.request.config.prev_result()?.unwrap_or_default();
    let told = result.interfaces.iter().find(|interface| interface.name == name.as_str());
    let mac = told.and_then(|interface| interface.mac.parse().ok());
    let device = Device { home: name.clone(), found: name.clone(), name, mac };
    Ok(Ground { driven: Driven::Kernel(device), pci: None })
}
