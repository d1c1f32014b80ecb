//! Kernel settings: read first, written only where the value differs.

use std::fs;
use std::io;

use netstate::Sysctl;

use crate::error::{Context, Error};

/// `/proc/sys/net` shows the network namespace of the thread that looks.
const ROOT: &str = "/proc/sys/";

/// The setting's value, without the newline; none where the kernel has no such setting.
///
/// # Errors
/// Where it can't be read.
pub(crate) fn read(path: &str) -> Result<Option<String>, Error> {
    let file = format!("{ROOT}{path}");
    match fs::read_to_string(&file) {
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
        _ => fs::write(format!("{ROOT}{}", setting.path), &setting.value).context("write", setting),
    }
}
