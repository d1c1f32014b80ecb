//! Tap links (`Documentation/networking/tuntap.rst`). Netlink can't make them: a descriptor of `/dev/net/tun` does,
//! in the network namespace of the thread that opens it.

#![allow(unsafe_code, reason = "nix wraps none of the requests of /dev/net/tun")]

use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::AsRawFd;

use netstate::{LinkName, Queues, Tap};

use crate::error::{Context, Error};
use crate::namespace::Namespace;
use crate::selinux;

const TUN: &str = "/dev/net/tun";

/// Makes the link, and lets it stay when the descriptor is closed. Until then a kill takes it away.
///
/// # Errors
/// What the kernel says.
pub(crate) fn create(container: &Namespace, name: &LinkName, tap: &Tap) -> Result<(), Error> {
    container.inside(|| match &tap.context {
        Some(context) => selinux::within(context, || make(name, tap)),
        None => make(name, tap),
    })
}

fn make(name: &LinkName, tap: &Tap) -> Result<(), Error> {
    let file = OpenOptions::new().read(true).write(true).open(TUN).context("open", &TUN)?;
    let mut flags = libc::IFF_TAP | libc::IFF_NO_PI | libc::IFF_VNET_HDR;
    if tap.queues == Queues::Many {
        flags |= libc::IFF_MULTI_QUEUE;
    }
    let made = attach(&file, name, flags)
        .and_then(|()| tap.user.map_or(Ok(()), |user| set(&file, libc::TUNSETOWNER, user)))
        .and_then(|()| tap.group.map_or(Ok(()), |group| set(&file, libc::TUNSETGROUP, group)))
        .and_then(|()| set(&file, libc::TUNSETPERSIST, 1));
    match made {
        Err(error) if error.raw_os_error() == Some(libc::EBUSY) => {
            Err(Error::LinkExists { place: "the container", name: name.clone() })
        }
        made => made.context("create tap", name),
    }
}

/// `TUNSETIFF`.
fn attach(file: &File, name: &LinkName, flags: libc::c_int) -> io::Result<()> {
    // SAFETY: `ifreq` is plain numbers, of which all may be zero.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    // A name has at most 15 bytes, so a zero stays behind it.
    for (place, byte) in request.ifr_name.iter_mut().zip(name.as_str().bytes()) {
        *place = libc::c_char::from_ne_bytes([byte]);
    }
    request.ifr_ifru.ifru_flags = libc::c_short::try_from(flags).map_err(io::Error::other)?;
    // SAFETY: the descriptor is open, and the kernel reads and writes one `ifreq`, which outlives the call.
    let answer = unsafe { libc::ioctl(file.as_raw_fd(), libc::TUNSETIFF as _, &raw mut request) };
    if answer < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

fn set(file: &File, what: libc::Ioctl, value: u32) -> io::Result<()> {
    // SAFETY: the descriptor is open, and these requests take a number.
    let answer = unsafe { libc::ioctl(file.as_raw_fd(), what, libc::c_ulong::from(value)) };
    if answer < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}
