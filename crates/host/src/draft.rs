//! Files that appear whole or not at all, and never take the place of another (`open(2)`, `O_TMPFILE`).

use std::fs::{self, File, FileTimes, OpenOptions};
use std::io::{self, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use nix::fcntl::{AT_FDCWD, AtFlags};
use nix::unistd::linkat;

use crate::files::{Purpose, open};

/// Who may read what we write: its owner only.
const MODE: u32 = 0o600;

/// A file that is written but has no name yet. It vanishes with its last descriptor, also under SIGKILL.
pub struct Draft {
    /// `None` where the file system has no nameless files.
    nameless: Option<File>,
    contents: Vec<u8>,
    times: FileTimes,
}

impl Draft {
    /// Writes a file of mode 0600, and of these times, on the file system of `directory`.
    ///
    /// # Errors
    /// What the kernel says, `ENOSPC` among others.
    pub fn new(directory: &Path, contents: &[u8], times: FileTimes) -> io::Result<Self> {
        let nameless = match open(directory, Purpose::Nameless(MODE)) {
            Ok(mut file) => {
                file.write_all(contents)?;
                file.set_times(times)?;
                Some(file)
            }
            Err(error)
                if matches!(error.raw_os_error(), Some(libc::EOPNOTSUPP | libc::EISDIR | libc::EINVAL)) =>
            {
                None
            }
            Err(error) => return Err(error),
        };
        Ok(Self { nameless, contents: contents.to_vec(), times })
    }

    /// Gives the file its name. Where the file system has no nameless files, or `/proc` isn't mounted, it is
    /// created and then written, and a SIGKILL between the two leaves it empty.
    ///
    /// # Errors
    /// `AlreadyExists` where the name is taken; else what the kernel says.
    pub fn publish(&self, path: &Path) -> io::Result<()> {
        let Some(file) = &self.nameless else { return self.write(path) };
        let nameless = format!("/proc/self/fd/{}", file.as_raw_fd());
        match linkat(AT_FDCWD, nameless.as_str(), AT_FDCWD, path, AtFlags::AT_SYMLINK_FOLLOW) {
            Ok(()) => Ok(()),
            Err(nix::Error::EEXIST) => Err(io::ErrorKind::AlreadyExists.into()),
            Err(_) => self.write(path),
        }
    }

    fn write(&self, path: &Path) -> io::Result<()> {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(MODE).open(path)?;
        file.write_all(&self.contents).and_then(|()| file.set_times(self.times)).inspect_err(|_| {
            // A file that says nothing must not stand there; the first error is the one to tell.
            let _ = fs::remove_file(path);
        })
    }
}
