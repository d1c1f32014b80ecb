//! SELinux labels of files (`selinux(8)`): a program that takes another's place must be what the policy took that for.

use std::fs::File;
use std::io;
use std::path::Path;

use xattr::FileExt;

/// Where the kernel keeps the label.
const ATTRIBUTE: &str = "security.selinux";

/// Gives `file` the label that `path` has. A file that is not there has none, and neither has a machine without SELinux:
/// then the kernel's own choice stays.
///
/// # Errors
/// What the kernel says where there is a label.
pub(crate) fn copy(path: &Path, file: &File) -> io::Result<()> {
    match xattr::get(path, ATTRIBUTE) {
        Ok(Some(label)) => file.set_xattr(ATTRIBUTE, &label),
        Err(error)
            if error.kind() != io::ErrorKind::NotFound && error.kind() != io::ErrorKind::Unsupported =>
        {
            Err(error)
        }
        Ok(None) | Err(_) => Ok(()),
    }
}
