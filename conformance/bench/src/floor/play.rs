//! A script, played: what is left to do at the time that is measured.

use std::borrow::Cow;
use std::io::{self, Write as _};
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, OFlag, open};
use nix::sched::{CloneFlags, setns};
use nix::sys::socket::{AddressFamily, MsgFlags, SockFlag, SockProtocol, SockType, recv, send, socket};
use nix::sys::stat::{Mode, UtimensatFlags, futimens, utimensat};
use nix::sys::time::TimeSpec;
use nix::unistd::{unlink, write};

use super::script::{File, NAMESPACE, Tag, steps};

/// `struct nlmsghdr`, and the answer's error number after it. `NLMSG_ERROR`.
const HEADER: usize = 16;
const ERROR: u16 = 2;

/// Does what the script says, in the calling thread, which stays where the last step leads it.
///
/// # Errors
/// What the kernel says to the first step that fails.
pub fn play(script: &[u8]) -> Result<(), Errno> {
    let mut namespace = None;
    // Kept until the end, as whatever they lead to may be slow to close.
    let mut sockets: [Vec<OwnedFd>; 2] = [Vec::new(), Vec::new()];
    let mut entered = false;
    for (tag, bytes) in steps(script) {
        match tag {
            Tag::Open => namespace = Some(open(path(bytes)?, OFlag::O_RDONLY, Mode::empty())?),
            Tag::Enter => {
                setns(namespace.as_ref().ok_or(Errno::EBADF)?, CloneFlags::CLONE_NEWNET)?;
                entered = true;
            }
            Tag::Route | Tag::Filter => {
                let (kind, protocol) = match tag {
                    Tag::Route => (0, SockProtocol::NetlinkRoute),
                    _ => (1, SockProtocol::NetlinkNetFilter),
                };
                if sockets[kind].is_empty() || entered {
                    let flags = SockFlag::empty();
                    sockets[kind].push(socket(AddressFamily::Netlink, SockType::Raw, flags, Some(protocol))?);
                    entered = false;
                }
                let message = complete(bytes, namespace.as_ref());
                request(sockets[kind].last().ok_or(Errno::EBADF)?, &message)?;
            }
            Tag::Make => put(bytes, OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL)?,
            Tag::Write => put(bytes, OFlag::O_WRONLY)?,
            Tag::Remove => unlink(path(bytes)?)?,
            Tag::Date => {
                let file = File::read(bytes).ok_or(Errno::EINVAL)?;
                let (seconds, nanoseconds) = file.date.unwrap_or_default();
                let date = TimeSpec::new(seconds, nanoseconds);
                let follow = UtimensatFlags::FollowSymlink;
                utimensat(AT_FDCWD, file.path, &TimeSpec::UTIME_OMIT, &date, follow)?;
            }
            Tag::Answer => io::stdout().write_all(bytes).map_err(|_| Errno::EIO)?,
        }
    }
    Ok(())
}

/// The message with the namespace's file descriptor at its place, where it has one.
fn complete<'a>(bytes: &'a [u8], namespace: Option<&OwnedFd>) -> Cow<'a, [u8]> {
    let place = bytes.windows(4).position(|word| word == NAMESPACE.to_ne_bytes());
    let (Some(place), Some(namespace)) = (place, namespace) else { return Cow::Borrowed(bytes) };
    let mut bytes = bytes.to_vec();
    bytes[place..place + 4].copy_from_slice(&namespace.as_raw_fd().to_ne_bytes());
    Cow::Owned(bytes)
}

fn path(bytes: &[u8]) -> Result<&Path, Errno> {
    std::str::from_utf8(bytes).map(Path::new).map_err(|_| Errno::EINVAL)
}

fn put(bytes: &[u8], flags: OFlag) -> Result<(), Errno> {
    let file = File::read(bytes).ok_or(Errno::EINVAL)?;
    let open = open(file.path, flags, Mode::from_bits_truncate(file.mode))?;
    write(&open, file.content.as_bytes())?;
    match file.date {
        Some((seconds, nanoseconds)) => {
            futimens(&open, &TimeSpec::UTIME_OMIT, &TimeSpec::new(seconds, nanoseconds))
        }
        None => Ok(()),
    }
}

/// One send, and the answer to its last message, or the first error.
fn request(socket: &OwnedFd, bytes: &[u8]) -> Result<(), Errno> {
    send(socket.as_raw_fd(), bytes, MsgFlags::empty())?;
    let mut answer = [0; 4096];
    let length = recv(socket.as_raw_fd(), &mut answer, MsgFlags::empty())?;
    let answer = &answer[..length];
    let kind = answer.get(4..6).and_then(|bytes| bytes.try_into().ok()).map(u16::from_ne_bytes);
    let error =
        answer.get(HEADER..HEADER + 4).and_then(|bytes| bytes.try_into().ok()).map(i32::from_ne_bytes);
    match (kind, error) {
        (Some(ERROR), Some(0)) => Ok(()),
        (Some(ERROR), Some(error)) => Err(Errno::from_raw(-error)),
        _ => Err(Errno::EPROTO),
    }
}
