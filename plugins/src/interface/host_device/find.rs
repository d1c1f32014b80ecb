//! Which link of the host the configuration means.

use cni::{Code, Coded, Failure};
use host::bus::{self, BusDevice};
use host::link::Seen;
use netstate::{Device, LinkName};

use super::conf::Choice;
use crate::failure::of;
use crate::interface::flow::{Moment, Site};

/// What the device is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ground {
    /// A link. What it is called in the container, the plan says.
    Link(Device),
    /// A program drives it (DPDK).
    UserSpace,
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
    let found = match choice {
        Choice::Id(id) => bus::on_pci(id).or_else(|| bus::on_auxiliary(id)),
        Choice::Pci(address) => bus::on_pci(address),
        Choice::KernelPath(path) => Some(BusDevice::Links(bus::at(path))),
        Choice::Name(name) => Some(BusDevice::Links(vec![name.clone()])),
        Choice::Mac(_) => Some(BusDevice::Links(Vec::new())),
    };
    if found == Some(BusDevice::UserSpace) {
        return Ok(Ground::UserSpace);
    }
    if site.moment == Moment::After {
        return inside(site);
    }
    let names = match found {
        Some(BusDevice::Links(names)) => names,
        _ => Vec::new(),
    };
    match choice {
        Choice::Mac(mac) => {
            let seen = site.host.find_by_mac(*mac).map_err(of)?;
            device(&seen.ok_or_else(|| FindError::Mac(mac.to_string()))?, None)
        }
        Choice::Name(name) => on_host(&names, site)?.ok_or_else(|| FindError::Name(name.to_string()).into()),
        Choice::KernelPath(path) => {
            on_host(&names, site)?.ok_or_else(|| FindError::KernelPath(path.display().to_string()).into())
        }
        Choice::Pci(address) => on_host(&names, site)?.ok_or_else(|| FindError::Pci(address.clone()).into()),
        Choice::Id(id) => on_host(&names, site)?.ok_or_else(|| FindError::Id(id.clone()).into()),
    }
}

/// The first of these that is a link of the host, by its name or, where the kernel has sent it back under another, by
/// its alias.
fn on_host(names: &[LinkName], site: &mut Site) -> Result<Option<Ground>, Failure> {
    for name in names {
        if let Some(seen) = site.host.find(name).map_err(of)? {
            return device(&seen, None).map(Some);
        }
        if let Some(seen) = site.host.strayed(name).map_err(of)? {
            return device(&seen, Some(name)).map(Some);
        }
    }
    Ok(None)
}

fn device(seen: &Seen, home: Option<&LinkName>) -> Result<Ground, Failure> {
    let found: LinkName = seen.name.parse().map_err(|_| FindError::Name(seen.name.clone()))?;
    let home = home.unwrap_or(&found).clone();
    Ok(Ground::Link(Device { home, name: found.clone(), found, mac: seen.mac }))
}

/// The one that ADD moved: with the MAC that its result told.
fn inside(site: &mut Site) -> Result<Ground, Failure> {
    let name: LinkName = site.request.ifname.parse().map_err(|_| FindError::NotInside)?;
    let result = site.request.config.prev_result()?.unwrap_or_default();
    let told = result.interfaces.iter().find(|interface| interface.name == name.as_str());
    let mac = told.and_then(|interface| interface.mac.parse().ok());
    Ok(Ground::Link(Device { home: name.clone(), found: name.clone(), name, mac }))
}
