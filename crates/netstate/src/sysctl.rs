//! Kernel settings under `/proc/sys`.

use std::fmt;

/// A setting and its wanted value. Written only where the value differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sysctl {
    /// The path below `/proc/sys`, with slashes (link names may hold dots).
    pub path: String,
    /// The value as the kernel prints it.
    pub value: String,
    /// A kernel without this setting needs none (no IPv6, say).
    pub optional: bool,
}

impl fmt::Display for Sysctl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sysctl {} = {}", self.path, self.value)
    }
}
