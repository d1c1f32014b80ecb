//! Programs that are put in the place of others while those run.

#![allow(unsafe_code, reason = "nobody wraps a symbol of the linker's")]

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, ErrorKind, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

use nix::fcntl::{AT_FDCWD, AtFlags};
use nix::sys::statvfs::{FsFlags, statvfs};
use nix::unistd::{AccessFlags, access, linkat};

use crate::label;

/// The first page of an ELF file holds its headers and, right behind them, its notes, the build id among them.
pub const HEAD: usize = 4096;

unsafe extern "C" {
    /// Where the linker says that the ELF header of this program lies in its memory.
    static __ehdr_start: [u8; HEAD];
}

/// The head of the running program's own file, as it was when it started.
pub fn own_head() -> &'static [u8; HEAD] {
    // SAFETY: linkers put the headers at the beginning of the first segment, which is mapped for reading, is never written,
    // and is longer than a page: it holds the tables of symbols, or relocations, too.
    unsafe { &__ehdr_start }
}

/// Everybody may run a program; its owner may replace it.
const MODE: u32 = 0o755;

/// Puts a copy of `program` under the name `path`, whole or not at all, in place of what is there: whoever runs that
/// finishes with it, and nobody is ever told that the file is busy. `work` is a name in the same directory, for the
/// moment between the two; what an earlier kill left there goes. Callers exclude each other.
///
/// The copy has the SELinux label of what it replaces. It has no name until it is whole, so that a SIGKILL leaves no half of it. A file system without nameless files
/// (`O_TMPFILE`) has it under `work` meanwhile, where nobody may run it yet.
///
/// # Errors
/// What the kernel says, `ENOSPC` among others.
pub fn put(program: &mut File, work: &Path, path: &Path) -> io::Result<()> {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    clear(work)?;
    let nameless = OpenOptions::new()
        .write(true)
        .mode(0o600)
        .custom_flags(libc::O_TMPFILE)
        .open(directory.unwrap_or(Path::new(".")));
    let mut file = match nameless {
        Ok(file) => file,
        Err(error)
            if matches!(error.raw_os_error(), Some(libc::EOPNOTSUPP | libc::EISDIR | libc::EINVAL)) =>
        {
            OpenOptions::new().write(true).create_new(true).mode(0o600).open(work)?
        }
        Err(error) => return Err(error),
    };
    // Shares the blocks where the file system can (`copy_file_range(2)`).
    io::copy(program, &mut file)?;
    file.flush()?;
    file.set_permissions(Permissions::from_mode(MODE))?;
    label::copy(path, &file)?;
    file.sync_all()?;
    let nameless = format!("/proc/self/fd/{}", file.as_raw_fd());
    match linkat(AT_FDCWD, nameless.as_str(), AT_FDCWD, work, AtFlags::AT_SYMLINK_FOLLOW) {
        // Without O_TMPFILE it has that name already.
        Ok(()) | Err(nix::Error::EEXIST) => {}
        Err(errno) => return Err(errno.into()),
    }
    // Before anybody can run it: a program that is open for writing can't be run (ETXTBSY).
    drop(file);
    fs::rename(work, path)
}

/// May programs be put into this directory, and be run from there?
///
/// # Errors
/// Why not: what the kernel says, or that the file system was mounted with `noexec`.
pub fn admits(directory: &Path) -> io::Result<()> {
    access(directory, AccessFlags::W_OK | AccessFlags::X_OK)?;
    if statvfs(directory)?.flags().contains(FsFlags::ST_NOEXEC) {
        return Err(io::Error::other("it is mounted with noexec, and no program can be run from there"));
    }
    Ok(())
}

/// Gives the file `path` a second name, `kept`, from which [`put_back`] restores it: whatever takes its first name, it is the
/// same file, with its owner, mode and label. What was kept there before goes, by rename; `work` is a name in the same
/// directory, as in [`put`].
///
/// # Errors
/// What the kernel says; `NotFound` where there is no such file.
pub fn keep(path: &Path, work: &Path, kept: &Path) -> io::Result<()> {
    clear(work)?;
    fs::hard_link(path, work)?;
    fs::rename(work, kept)?;
    // Where both names are the same file's already, `rename(2)` does nothing.
    clear(work)
}

/// Gives what was kept its first name again, in place of what is there. Says whether anything was kept.
///
/// # Errors
/// What the kernel says.
pub fn put_back(kept: &Path, path: &Path) -> io::Result<bool> {
    match fs::rename(kept, path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Removes what an earlier kill left.
fn clear(work: &Path) -> io::Result<()> {
    match fs::remove_file(work) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
