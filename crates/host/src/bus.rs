//! Devices as buses know them (`/sys`, `sysfs-rules.rst`): which link a device has, and whether the kernel left it to a
//! program.

use std::fs;
use std::path::{Path, PathBuf};

use netstate::LinkName;

const PCI: &str = "/sys/bus/pci/devices";
const AUXILIARY: &str = "/sys/bus/auxiliary/devices";

/// Drivers that hand a device to a program (DPDK), so that it has no link.
const USER_SPACE: [&str; 3] = ["vfio-pci", "uio_pci_generic", "igb_uio"];

/// A device on a bus.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BusDevice {
    /// The kernel drives it, and it has these links.
    Links(Vec<LinkName>),
    /// A program drives it.
    UserSpace,
}

/// The device of this address on the PCI bus; none where there is none.
pub fn on_pci(address: &str) -> Option<BusDevice> {
    let device = device(PCI, address)?;
    let driver = fs::read_link(device.join("driver")).ok();
    let driver = driver.as_deref().and_then(Path::file_name).and_then(|name| name.to_str());
    if driver.is_some_and(|driver| USER_SPACE.contains(&driver)) {
        return Some(BusDevice::UserSpace);
    }
    let mut links = links(&device);
    if links.is_empty() {
        links = below(&device).flat_map(|virtio| self::links(&virtio)).collect();
    }
    Some(BusDevice::Links(links))
}

/// The device of this name on the auxiliary bus (`auxiliary_bus.rst`); none where there is none.
pub fn on_auxiliary(name: &str) -> Option<BusDevice> {
    device(AUXILIARY, name).map(|device| BusDevice::Links(links(&device)))
}

/// The links of the device at a path below `/sys/devices`.
pub fn at(path: &Path) -> Vec<LinkName> {
    links(path)
}

/// A name that leads out of the directory names no device.
fn device(bus: &str, name: &str) -> Option<PathBuf> {
    let plain = !name.is_empty() && !name.contains('/') && !name.starts_with('.');
    let path = Path::new(bus).join(name);
    (plain && path.exists()).then_some(path)
}

fn links(device: &Path) -> Vec<LinkName> {
    let entries = fs::read_dir(device.join("net")).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}

/// Its virtio devices: a virtual machine's network device is one of them, not the PCI device itself.
fn below(device: &Path) -> impl Iterator<Item = PathBuf> {
    let entries = fs::read_dir(device).into_iter().flatten().flatten();
    entries
        .filter(|entry| entry.file_name().to_string_lossy().starts_with("virtio"))
        .map(|entry| entry.path())
}
