//! The configuration of `tap`.

use cni::{Dns, Failure, Request};
use netstate::{Mac, Queues, Tap};
use serde::Deserialize;

use crate::interface::keys::{self, WrittenMac};

/// What the network's owner wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Conf {
    /// `multiQueue`, `owner`, `group`, `selinuxContext` and `bridge`.
    pub(super) tap: Tap,
    /// `mtu` in bytes; the kernel's choice where it is 0.
    pub(super) mtu: Option<u32>,
    /// The MAC asked for: `runtimeConfig.mac` before `CNI_ARGS` before `mac`.
    pub(super) mac: Option<Mac>,
    /// `dns`, where it says anything at all.
    pub(super) dns: Option<Dns>,
}

/// What was written. Absent is false, 0 or empty, as Go has it.
#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Written {
    multi_queue: bool,
    mtu: i64,
    mac: String,
    owner: Option<u32>,
    group: Option<u32>,
    selinux_context: String,
    bridge: String,
    runtime_config: WrittenMac,
    dns: Dns,
}

impl Conf {
    /// Reads the configuration and `CNI_ARGS`.
    ///
    /// # Errors
    /// Code 7, naming key and value.
    pub(super) fn parse(request: &Request) -> Result<Self, Failure> {
        let written: Written = request.config.decode()?;
        Ok(Self {
            mtu: keys::mtu(written.mtu)?,
            mac: keys::mac(request, &[&written.runtime_config.mac], &written.mac)?,
            tap: Tap {
                queues: if written.multi_queue { Queues::Many } else { Queues::One },
                user: written.owner,
                group: written.group,
                context: (!written.selinux_context.is_empty()).then_some(written.selinux_context),
                bridge: keys::link("bridge", &written.bridge)?,
            },
            dns: keys::dns(written.dns),
        })
    }
}
