//! File handles of namespaces (`name_to_handle_at(2)`; nsfs exports them from Linux 6.18 on).
//!
//! A handle names the namespace object itself: its 64-bit identity is never given to another namespace during a
//! boot. A path under `/run/netns` can vanish or name something else, and an inode number comes back.

#![allow(unsafe_code, reason = "neither nix nor std wraps name_to_handle_at and open_by_handle_at")]

use std::ffi::CString;
use std::fmt;
use std::io;
use std::mem::size_of;
use std::os::fd::{FromRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::str::FromStr;

/// `struct nsfs_file_handle`: identity (8 bytes), type (4), inode number (4). `linux/nsfs.h`.
const LENGTH: usize = 16;

/// `FILEID_NSFS`: a handle of any other kind is of an ordinary file, which nsfs would call stale.
const KIND: i32 = 0xf1;

/// `FD_NSFS_ROOT`: stands for the nsfs mount (`linux/fcntl.h`).
const NSFS_ROOT: i32 = -10003;

/// `struct file_handle` with room for one of nsfs.
#[repr(C)]
struct FileHandle {
    handle_bytes: u32,
    handle_type: i32,
    f_handle: [u8; LENGTH],
}

/// The kernel's lasting name for one namespace.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct NamespaceHandle([u8; LENGTH]);

/// The text is no handle.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("namespace handle {0:?}: not {n} hexadecimal digits", n = 2 * LENGTH)]
pub struct NamespaceHandleError(pub String);

impl NamespaceHandle {
    /// The handle of the namespace that `path` (a bind mount, or a link under `/proc/<pid>/ns`) leads to.
    ///
    /// # Errors
    /// What the kernel says; `EOPNOTSUPP` where `path` isn't a namespace, or the kernel has no handles of them.
    pub fn of(path: &Path) -> io::Result<Self> {
        let path = CString::new(path.as_os_str().as_bytes())?;
        let mut handle = FileHandle {
            handle_bytes: u32::try_from(LENGTH).unwrap_or(0),
            handle_type: 0,
            f_handle: [0; LENGTH],
        };
        let mut mount = 0;
        // SAFETY: the path ends in a zero byte; `handle` is a `struct file_handle` with room for the `handle_bytes`
        // it announces; both pointers outlive the call.
        let answer = unsafe {
            libc::syscall(
                libc::SYS_name_to_handle_at,
                libc::AT_FDCWD,
                path.as_ptr(),
                &raw mut handle,
                (&raw mut mount).cast::<libc::c_int>(),
                libc::AT_SYMLINK_FOLLOW,
            )
        };
        if answer < 0 {
            return Err(io::Error::last_os_error());
        }
        if handle.handle_type != KIND || handle.handle_bytes as usize != LENGTH {
            return Err(io::Error::from_raw_os_error(libc::EOPNOTSUPP));
        }
        Ok(Self(handle.f_handle))
    }

    /// Opens the namespace.
    ///
    /// # Errors
    /// `ESTALE` where no such namespace is left, **or where the caller may not see it**: a process in a child user
    /// namespace gets it for living ones too (see `life`). `EBADF` from a kernel without handles of namespaces.
    pub fn open(&self) -> io::Result<OwnedFd> {
        let mut handle = FileHandle {
            handle_bytes: u32::try_from(size_of::<[u8; LENGTH]>()).unwrap_or(0),
            handle_type: KIND,
            f_handle: self.0,
        };
        // SAFETY: `handle` is a whole `struct file_handle` that outlives the call.
        let fd = unsafe {
            libc::syscall(
                libc::SYS_open_by_handle_at,
                NSFS_ROOT,
                &raw mut handle,
                libc::O_RDONLY | libc::O_CLOEXEC,
            )
        };
        let fd = i32::try_from(fd).map_err(io::Error::other)?;
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the kernel has just given this descriptor to us alone.
        Ok(unsafe { OwnedFd::from_raw_fd(fd) })
    }
}

impl fmt::Display for NamespaceHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl FromStr for NamespaceHandle {
    type Err = NamespaceHandleError;

    fn from_str(text: &str) -> Result<Self, NamespaceHandleError> {
        let invalid = || NamespaceHandleError(text.to_owned());
        if text.len() != 2 * LENGTH || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(invalid());
        }
        let mut bytes = [0; LENGTH];
        for (byte, digits) in bytes.iter_mut().zip(text.as_bytes().chunks(2)) {
            let digits = std::str::from_utf8(digits).map_err(|_| invalid())?;
            *byte = u8::from_str_radix(digits, 16).map_err(|_| invalid())?;
        }
        Ok(Self(bytes))
    }
}
