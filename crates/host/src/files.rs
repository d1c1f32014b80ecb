//! Files in as few system calls as they take.
//!
//! musl's `open(2)`, and with it `File::open`, is followed by an `fcntl(2)` that says again what `O_CLOEXEC` has said
//! already, for kernels before 2.6.23; its `openat(2)` isn't. Its `opendir(3)` starts the C library's own heap. A plugin opens
//! a dozen files, and lives for a millisecond.

#![allow(unsafe_code, reason = "nix wraps getdents64 only behind opendir")]

use std::fs::File;
use std::io::{self, Read as _};
use std::os::fd::AsRawFd as _;
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, OFlag, openat};
use nix::sys::stat::Mode;

/// What a file is opened for. Numbers are permissions of one that is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// To be read.
    Read,
    /// To be written from the beginning, in place of what was there.
    Replace(u32),
    /// To be read, and written over.
    Update(u32),
    /// To be made, and appended to; it must not be there yet.
    Found(u32),
    /// To be written without a name: in this directory.
    Nameless(u32),
}

/// Opens a file. A program that is started does not get it.
///
/// # Errors
/// What the kernel says.
pub fn open(path: &Path, purpose: Purpose) -> io::Result<File> {
    let (flags, mode) = match purpose {
        Purpose::Read => (OFlag::O_RDONLY, 0),
        Purpose::Replace(mode) => (OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_TRUNC, mode),
        Purpose::Update(mode) => (OFlag::O_RDWR | OFlag::O_CREAT, mode),
        Purpose::Found(mode) => (OFlag::O_RDWR | OFlag::O_APPEND | OFlag::O_CREAT | OFlag::O_EXCL, mode),
        Purpose::Nameless(mode) => (OFlag::O_WRONLY | OFlag::O_TMPFILE, mode),
    };
    loop {
        match openat(AT_FDCWD, path, flags | OFlag::O_CLOEXEC, Mode::from_bits_truncate(mode)) {
            Err(Errno::EINTR) => {}
            opened => return Ok(File::from(opened?)),
        }
    }
}

/// The text of a file that the kernel makes up as it is read, below `/proc` or `/sys`. A read that leaves room has seen its end.
///
/// # Errors
/// What the kernel says; `InvalidData` for what is no text.
pub(crate) fn kernel_text(path: &Path) -> io::Result<String> {
    let mut file = open(path, Purpose::Read)?;
    let mut bytes = [0; 4096];
    let length = file.read(&mut bytes)?;
    let mut bytes = bytes[..length].to_vec();
    if length == 4096 {
        file.read_to_end(&mut bytes)?;
    }
    String::from_utf8(bytes).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}

/// `struct linux_dirent64` (`getdents64(2)`): where its length is, and its name.
const RECORD_LENGTH: usize = 16;
const NAME: usize = 19;

/// The names in a directory, without `.` and `..`; those that are no text are left out.
///
/// # Errors
/// What the kernel says.
pub(crate) fn names(directory: &Path) -> io::Result<Vec<String>> {
    let directory = open(directory, Purpose::Read)?;
    let (mut names, mut buffer) = (Vec::new(), [0_u8; 4096]);
    loop {
        // SAFETY: the kernel writes at most the length given into the buffer, which outlives the call.
        let answer = unsafe {
            libc::syscall(libc::SYS_getdents64, directory.as_raw_fd(), buffer.as_mut_ptr(), buffer.len())
        };
        let length = usize::try_from(answer).map_err(|_| io::Error::last_os_error())?;
        let mut records = &buffer[..length];
        if records.is_empty() {
            return Ok(names);
        }
        while let Some([low, high]) = records.get(RECORD_LENGTH..RECORD_LENGTH + 2) {
            let end = usize::from(u16::from_ne_bytes([*low, *high])).clamp(NAME, records.len());
            let (record, rest) = records.split_at(end);
            let name = record[NAME..].split(|byte| *byte == 0).next().map(std::str::from_utf8);
            names.extend(
                name.and_then(Result::ok).filter(|name| ![".", ".."].contains(name)).map(str::to_owned),
            );
            records = rest;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_that_std_finds() {
        for directory in ["/proc/sys/net/ipv4", "/proc/self/ns", "/"] {
            let mut ours = names(Path::new(directory)).unwrap();
            let mut theirs: Vec<String> = std::fs::read_dir(directory)
                .unwrap()
                .map(|entry| entry.unwrap().file_name().into_string().unwrap())
                .collect();
            ours.sort();
            theirs.sort();
            assert_eq!(ours, theirs);
        }
        assert_eq!(names(Path::new("/proc/none")).unwrap_err().kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn a_kernels_text_is_whole_however_long() {
        for path in ["/proc/sys/net/ipv4/ip_forward", "/proc/self/smaps", "/proc/sys/kernel/version"] {
            assert!(!kernel_text(Path::new(path)).unwrap().is_empty(), "{path}");
        }
        assert_eq!(
            kernel_text(Path::new("/proc/version")).unwrap(),
            std::fs::read_to_string("/proc/version").unwrap()
        );
    }
}
