//! What a service manager and a daemon owe each other: a socket that was opened for it (`sd_listen_fds(3)`), and the
//! signal to end.

#![allow(unsafe_code, reason = "a descriptor that was inherited by its number is nobody's until we take it")]

use std::io;
use std::os::fd::{BorrowedFd, FromRawFd, OwnedFd};
use std::os::unix::net::UnixListener;

use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::socket::getsockopt;
use nix::sys::socket::sockopt::AcceptConn;

use crate::error::{Context, Error};

/// `SD_LISTEN_FDS_START`.
const FIRST: i32 = 3;

/// How it is called in errors.
const SOCKET: &str = "the socket that LISTEN_FDS tells of";

/// How many sockets a service manager opened for this process (`LISTEN_PID`, `LISTEN_FDS`).
pub fn sockets() -> usize {
    let number = |name| std::env::var(name).ok().and_then(|text| text.parse::<u32>().ok());
    match number("LISTEN_PID") {
        Some(process) if process == std::process::id() => {
            number("LISTEN_FDS").and_then(|sockets| usize::try_from(sockets).ok()).unwrap_or(0)
        }
        _ => 0,
    }
}

/// The first of [`sockets`], which must be a listening unix socket. To be called once, where there is one, and before this
/// process opens anything.
///
/// # Errors
/// Where the descriptor is none.
pub fn listener() -> Result<UnixListener, Error> {
    // SAFETY: nothing is done with it but asking the kernel what it is, and that is not kept.
    let found = unsafe { BorrowedFd::borrow_raw(FIRST) };
    let listens = getsockopt(&found, AcceptConn).map_err(io::Error::from);
    if !listens.context("look at", &SOCKET)? {
        return Err(io::Error::from(io::ErrorKind::InvalidInput)).context("listen at", &SOCKET);
    }
    // SAFETY: the service manager opened it for this process, and nobody else here takes it: it is asked for once.
    let socket = unsafe { OwnedFd::from_raw_fd(FIRST) };
    let kept = fcntl(&socket, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC)).map_err(io::Error::from);
    kept.context("take over", &SOCKET)?;
    Ok(UnixListener::from(socket))
}

/// The signals by which a daemon is asked to end: SIGTERM and SIGINT.
pub struct Ending(SigSet);

impl Ending {
    /// Keeps them from ending the process: to be called before the first thread is started.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn expect() -> Result<Self, Error> {
        let signals: SigSet = [Signal::SIGTERM, Signal::SIGINT].into_iter().collect();
        signals.thread_block().map_err(io::Error::from).context("block", &"SIGTERM")?;
        Ok(Self(signals))
    }

    /// Waits for one.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn wait(&self) -> Result<(), Error> {
        self.0.wait().map_err(io::Error::from).context("wait for", &"SIGTERM").map(drop)
    }
}
