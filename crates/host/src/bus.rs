//! Devices as buses know them (`/sys`, `sysfs-rules.rst`): which link a device has, which device a link has, and whether
//! the kernel left one to a program.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use netstate::LinkName;

const PCI: &str = "/sys/bus/pci/devices";
const AUXILIARY: &str = "/sys/bus/auxiliary/devices";
const LINKS: &str = "/sys/class/net";

/// Drivers that hand a device to a program (DPDK), so that it has no link.
const USER_SPACE: [&str; 3] = ["vfio-pci", "uio_pci_generic", "igb_uio"];

/// A device on a bus.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BusDevice {
    /// The kernel drives it, and it has these links, in the order of their names: of a network card that switches
    /// between its functions, the card's own comes before those that stand for the functions.
    Links(Vec<LinkName>),
    /// A program drives it.
    UserSpace,
}

/// The device of this address on the PCI bus; none where there is none.
pub fn on_pci(address: &str) -> Option<BusDevice> {
    let device = device(PCI, address)?;
    let driver = fs::read_link(device.join("driver")).ok();
    let driver = driver.as_deref().and_then(Path::file_name).and_then(OsStr::to_str);
    if driver.is_some_and(|driver| USER_SPACE.contains(&driver)) {
        return Some(BusDevice::UserSpace);
    }
    let mut links = links(&device);
    if links.is_empty() {
        // A virtual machine's network device is a virtio device on the PCI device.
        let virtio = names(&device).into_iter().filter(|name| name.starts_with("virtio"));
        links = virtio.flat_map(|name| self::links(&device.join(name))).collect();
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

/// The address on the PCI bus of the device that the host's link belongs to, directly or by way of virtio; none where it
/// belongs to none.
pub fn pci_of(link: &LinkName) -> Option<String> {
    let device = fs::canonicalize(Path::new(LINKS).join(link.as_str()).join("device")).ok()?;
    let on_pci = match bus_of(&device)?.as_str() {
        "pci" => &device,
        "virtio" => device.parent().filter(|parent| bus_of(parent).is_some_and(|bus| bus == "pci"))?,
        _ => return None,
    };
    Some(on_pci.file_name()?.to_str()?.to_owned())
}

fn bus_of(device: &Path) -> Option<String> {
    let bus = fs::read_link(device.join("subsystem")).ok()?;
    Some(bus.file_name()?.to_str()?.to_owned())
}

/// A name that leads out of the directory names no device.
fn device(bus: &str, name: &str) -> Option<PathBuf> {
    let plain = !name.is_empty() && !name.contains('/') && !name.starts_with('.');
    let path = Path::new(bus).join(name);
    (plain && path.exists()).then_some(path)
}

fn links(device: &Path) -> Vec<LinkName> {
    names(&device.join("net")).iter().filter_map(|name| name.parse().ok()).collect()
}

/// What a directory holds, sorted; nothing where it is not there.
fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let mut names: Vec<_> = entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.sort();
    names
}
