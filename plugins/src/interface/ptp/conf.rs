//! The configuration of `ptp`.

use cni::{Dns, Failure, Request};
use serde::Deserialize;

use crate::interface::keys;

/// What the network's owner wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Conf {
    /// `ipMasq`.
    pub(super) masquerade: bool,
    /// `mtu` in bytes; the kernel's choice where it is 0.
    pub(super) mtu: Option<u32>,
    /// `dns`, where it says anything at all.
    pub(super) dns: Option<Dns>,
}

/// What was written. Absent is false, 0 or empty, as Go has it.
#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Written {
    ip_masq: bool,
    ip_masq_backend: Option<String>,
    mtu: i64,
    dns: Dns,
}

impl Conf {
    /// Reads the configuration.
    ///
    /// # Errors
    /// Code 7, naming key and value.
    pub(super) fn parse(request: &Request) -> Result<Self, Failure> {
        let written: Written = request.config.decode()?;
        keys::backend(written.ip_masq_backend.as_deref())?;
        keys::require_ipam(request)?;
        Ok(Self { masquerade: written.ip_masq, mtu: keys::mtu(written.mtu)?, dns: keys::dns(written.dns) })
    }
}
