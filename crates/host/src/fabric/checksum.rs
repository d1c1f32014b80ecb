//! Who computes the checksums of what is sent through a link (`ethtool -K LINK tx …`).
//!
//! By the older `SIOCETHTOOL` (`linux/ethtool.h`), one call each way; ethtool's netlink needs a protocol of its own for
//! the same bit.

use std::io;
use std::os::fd::AsRawFd;

use netstate::{Checksums, LinkName};
use nix::sys::socket::{AddressFamily, SockFlag, SockType, socket};

/// `ETHTOOL_GTXCSUM`.
const GET: u32 = 0x16;

/// `ETHTOOL_STXCSUM`.
const SET: u32 = 0x17;

/// `SIOCETHTOOL`.
const ETHTOOL: libc::Ioctl = 0x8946;

/// `struct ethtool_value`.
#[repr(C)]
struct Value {
    command: u32,
    data: u32,
}

/// Who computes them now, for a link of the calling thread's namespace.
///
/// # Errors
/// What the kernel says; `ENODEV` where there is no such link.
pub(super) fn read(name: &LinkName) -> io::Result<Checksums> {
    let mut value = Value { command: GET, data: 0 };
    call(name, &mut value)?;
    Ok(if value.data == 0 { Checksums::Computed } else { Checksums::Offloaded })
}

/// Has them computed by the kernel, or left to the network card.
///
/// # Errors
/// As [`read`]; `EPERM` without privilege.
pub(super) fn write(name: &LinkName, checksums: Checksums) -> io::Result<()> {
    call(name, &mut Value { command: SET, data: u32::from(checksums == Checksums::Offloaded) })
}

#[allow(unsafe_code)]
fn call(name: &LinkName, value: &mut Value) -> io::Result<()> {
    let socket = socket(AddressFamily::Inet, SockType::Datagram, SockFlag::SOCK_CLOEXEC, None)?;
    let mut letters = [0; libc::IFNAMSIZ];
    for (letter, byte) in letters.iter_mut().zip(name.as_str().bytes()) {
        // Signed on some machines, unsigned on others.
        *letter = libc::c_char::from_ne_bytes([byte]);
    }
    let data = std::ptr::from_mut(value).cast();
    let mut request =
        libc::ifreq { ifr_name: letters, ifr_ifru: libc::__c_anonymous_ifr_ifru { ifru_data: data } };
    // SAFETY: the request is a whole `struct ifreq` whose name ends with a zero, for `LinkName` has at most 15 bytes;
    // it points to a whole `struct ethtool_value`, which both commands read and write, and both outlive the call.
    let done = unsafe { libc::ioctl(socket.as_raw_fd(), ETHTOOL, &raw mut request) };
    if done < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}
