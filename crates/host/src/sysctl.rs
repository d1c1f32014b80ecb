//! Kernel settings: read first, written only where the value differs.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;

use netstate::Sysctl;

use crate::error::{Context, Error};
use crate::files::kernel_text;

/// `/proc/sys/net` shows the network namespace of the thread that looks.
const ROOT: &str = "/proc/sys/";

/// The same in a pod of Kubernetes, whose own `/proc/sys` is read-only whatever its rights: there our manifests mount the
/// node's `/proc/sys/net`. The kernel lets `CAP_NET_ADMIN` write what belongs to a network namespace.
const OF_THE_NODE: &str = "/run/host/proc/sys/";

/// The setting's value, without the newline; none where the kernel has no such setting.
///
/// # Errors
/// Where it can't be read.
pub(crate) fn read(path: &str) -> Result<Option<String>, Error> {
    let file = format!("{ROOT}{path}");
    match kernel_text(Path::new(&file)) {
        Ok(text) => Ok(Some(text.trim_end().to_owned())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).context("read", &file),
    }
}

/// Gives the setting its value.
///
/// # Errors
/// Where it can't be read or written, or is missing and not optional.
pub(crate) fn ensure(setting: &Sysctl) -> Result<(), Error> {
    match read(&setting.path)? {
        Some(value) if value == setting.value => Ok(()),
        None if setting.optional => Ok(()),
        _ => write(setting),
    }
}

/// Writes a setting, whatever its value is.
///
/// # Errors
/// Where it is missing, or does not take the value.
pub(crate) fn write(setting: &Sysctl) -> Result<(), Error> {
    try_write(setting).context("write", setting)
}

fn try_write(setting: &Sysctl) -> io::Result<()> {
    match fs::write(format!("{ROOT}{}", setting.path), &setting.value) {
        Err(error) if error.kind() == io::ErrorKind::ReadOnlyFilesystem => {
            // Where nothing is mounted, it is the first refusal that tells the reason.
            let of_the_node = OpenOptions::new().write(true).open(format!("{OF_THE_NODE}{}", setting.path));
            of_the_node.map_err(|_| error)?.write_all(setting.value.as_bytes())
        }
        written => written,
    }
}
