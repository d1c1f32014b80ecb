//! Making something under another `SELinux` context (`selinux(8)`): the kernel labels a tap link by who makes it.

#![allow(unsafe_code, reason = "nix marks fork as unsafe")]

use std::fs;
use std::io;

use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{ForkResult, fork};

use crate::error::{Context, Error};

/// Where a thread changes its own context (`proc_pid_attr(5)`).
const CURRENT: &str = "/proc/thread-self/attr/current";

/// Does `body` under `context`. A policy that lets a process into a context seldom lets it out again, so a child of this
/// one does it.
///
/// # Errors
/// Where the policy, or a kernel without `SELinux`, refuses the context; and what `body` says, as the number of its
/// error.
pub(crate) fn within(context: &str, body: impl FnOnce() -> Result<(), Error>) -> Result<(), Error> {
    // SAFETY: a plugin has one thread, so the child finds no lock that another thread holds.
    let answer = match unsafe { fork() } {
        Err(errno) => Err(errno.into()),
        Ok(ForkResult::Child) => {
            let code = match fs::write(CURRENT, context) {
                Err(error) => number(&error),
                Ok(()) => body().err().map_or(0, |error| number_of(&error)),
            };
            // SAFETY: ends the child at once, without what the parent would do at its own end.
            unsafe { libc::_exit(code) }
        }
        Ok(ForkResult::Parent { child }) => match waitpid(child, None) {
            Ok(WaitStatus::Exited(_, 0)) => Ok(()),
            Ok(WaitStatus::Exited(_, code)) => Err(io::Error::from_raw_os_error(code)),
            Ok(_) => Err(io::ErrorKind::Interrupted.into()),
            Err(errno) => Err(errno.into()),
        },
    };
    answer.context("make a link under the SELinux context", &context)
}

fn number_of(error: &Error) -> i32 {
    match error {
        Error::Io { source, .. } | Error::Namespace { source, .. } => number(source),
        Error::LinkExists { .. } => libc::EEXIST,
        _ => libc::EIO,
    }
}

fn number(error: &io::Error) -> i32 {
    error.raw_os_error().unwrap_or(libc::EIO)
}
