//! Which boot of the machine this is (`random(4)`, `/proc/sys/kernel/random/boot_id`).

use std::fmt;
use std::io::{self, Read};
use std::path::Path;
use std::str::FromStr;
use std::sync::OnceLock;

use crate::files::{Purpose, open};

const FILE: &str = "/proc/sys/kernel/random/boot_id";

/// The kernel's identity of one boot: a random UUID, the same for every process until the next boot.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct BootId([u8; LENGTH]);

/// `8-4-4-4-12` hexadecimal digits.
const LENGTH: usize = 36;

/// The text is no UUID.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("boot id {0:?}: not a UUID")]
pub struct BootIdError(pub String);

impl BootId {
    /// The running kernel's: read once, for it lasts longer than we do.
    ///
    /// # Errors
    /// Where `/proc` isn't mounted or doesn't hold a UUID there.
    pub fn current() -> io::Result<Self> {
        static CURRENT: OnceLock<BootId> = OnceLock::new();
        if let Some(boot) = CURRENT.get() {
            return Ok(boot.clone());
        }
        let mut text = [0; LENGTH];
        open(Path::new(FILE), Purpose::Read)?.read_exact(&mut text)?;
        let boot: Self = String::from_utf8_lossy(&text).parse().map_err(io::Error::other)?;
        Ok(CURRENT.get_or_init(|| boot).clone())
    }
}

/// For how long the machine has been running, in whole seconds, sleep included (`CLOCK_BOOTTIME`).
///
/// # Errors
/// Where the kernel has no such clock (before 2.6.39).
pub fn uptime() -> io::Result<u64> {
    let now = nix::time::clock_gettime(nix::time::ClockId::CLOCK_BOOTTIME)?;
    u64::try_from(now.tv_sec()).map_err(io::Error::other)
}

impl fmt::Display for BootId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.0))
    }
}

impl FromStr for BootId {
    type Err = BootIdError;

    fn from_str(text: &str) -> Result<Self, BootIdError> {
        let invalid = || BootIdError(text.to_owned());
        let bytes: [u8; LENGTH] = text.as_bytes().try_into().map_err(|_| invalid())?;
        let well_formed = bytes.iter().enumerate().all(|(index, byte)| match index {
            8 | 13 | 18 | 23 => *byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        });
        if well_formed { Ok(Self(bytes)) } else { Err(invalid()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_running_kernels_boot_id_is_a_uuid_and_stands_still() {
        let boot = BootId::current().unwrap();
        assert_eq!(boot, BootId::current().unwrap());
        assert_eq!(boot.to_string().parse::<BootId>(), Ok(boot));
    }

    #[test]
    fn anything_but_a_uuid_is_refused() {
        for text in [
            "",
            "8b74d832-dd36-4a2c-bc52-9661f1a35c0",
            "8b74d832-dd36-4a2c-bc52-9661f1a35c0g",
            "8b74d832xdd36-4a2c-bc52-9661f1a35c0d",
        ] {
            assert_eq!(text.parse::<BootId>(), Err(BootIdError(text.to_owned())));
        }
    }
}
