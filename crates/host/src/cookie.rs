//! Which network namespace the calling thread is in, as a name that a file can hold.

#![allow(unsafe_code, reason = "nix wraps neither SO_NETNS_COOKIE nor if_nametoindex")]

use std::ffi::CString;
use std::fmt;
use std::fs;
use std::io;
use std::mem::size_of;
use std::os::fd::AsRawFd;
use std::os::unix::fs::MetadataExt;
use std::str::FromStr;

use netstate::LinkName;
use nix::sys::socket::{AddressFamily, SockFlag, SockType, socket};

/// `SO_NETNS_COOKIE` (`asm-generic/socket.h`, Linux 5.14).
const NETNS_COOKIE: i32 = 71;

/// A network namespace among all those of this boot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NetworkIdentity {
    /// The kernel's cookie, which no other namespace of this boot ever has.
    Cookie(u64),
    /// Device and inode number, where the kernel has no cookies. A later namespace may bear the same.
    Inode {
        /// Of nsfs.
        device: u64,
        /// Of the namespace.
        inode: u64,
    },
}

/// The text is no [`NetworkIdentity`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("network namespace {0:?}: neither `cookie N` nor `inode DEVICE N`")]
pub struct NetworkIdentityError(pub String);

impl NetworkIdentity {
    /// The calling thread's network namespace.
    ///
    /// # Errors
    /// Where there is neither a cookie nor `/proc`.
    pub fn current() -> io::Result<Self> {
        if let Ok(cookie) = cookie() {
            return Ok(Self::Cookie(cookie));
        }
        let namespace = fs::metadata("/proc/thread-self/ns/net")?;
        Ok(Self::Inode { device: namespace.dev(), inode: namespace.ino() })
    }
}

fn cookie() -> io::Result<u64> {
    let socket = socket(AddressFamily::Unix, SockType::Datagram, SockFlag::SOCK_CLOEXEC, None)?;
    let mut value = 0_u64;
    let mut length = libc::socklen_t::try_from(size_of::<u64>()).map_err(io::Error::other)?;
    // SAFETY: `value` has the `length` bytes that the kernel may write; both outlive the call.
    let answer = unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            NETNS_COOKIE,
            (&raw mut value).cast(),
            &raw mut length,
        )
    };
    if answer == 0 { Ok(value) } else { Err(io::Error::last_os_error()) }
}

/// Is there a link of this name in the calling thread's network namespace?
///
/// # Errors
/// What the kernel says, but for "no such device".
pub(crate) fn link_exists(link: &LinkName) -> io::Result<bool> {
    let name = CString::new(link.as_str())?;
    // SAFETY: the name ends in a zero byte and outlives the call.
    if unsafe { libc::if_nametoindex(name.as_ptr()) } != 0 {
        return Ok(true);
    }
    match io::Error::last_os_error() {
        error if error.raw_os_error() == Some(libc::ENODEV) => Ok(false),
        error => Err(error),
    }
}

impl fmt::Display for NetworkIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cookie(cookie) => write!(f, "cookie {cookie}"),
            Self::Inode { device, inode } => write!(f, "inode {device} {inode}"),
        }
    }
}

impl FromStr for NetworkIdentity {
    type Err = NetworkIdentityError;

    fn from_str(text: &str) -> Result<Self, NetworkIdentityError> {
        let number = |text: &str| text.parse().ok();
        let identity = match text.split(' ').collect::<Vec<_>>()[..] {
            ["cookie", cookie] => number(cookie).map(Self::Cookie),
            ["inode", device, inode] => {
                number(device).zip(number(inode)).map(|(device, inode)| Self::Inode { device, inode })
            }
            _ => None,
        };
        identity.ok_or_else(|| NetworkIdentityError(text.to_owned()))
    }
}
