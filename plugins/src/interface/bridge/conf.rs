//! The configuration of `bridge`: what was written, and what it means.

use cni::{Code, Coded, Dns, Failure, Request};
use netstate::{Detection, LinkName, LinkNameError, Mac, PortFlag, PortVlans, Vlan, VlanError};
use serde::Deserialize;

use crate::interface::keys::{self, WrittenArgs, WrittenMac};

/// What the network's owner wants, free of contradictions.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a key of its own, and none excludes another")]
pub(crate) struct Conf {
    /// `bridge`.
    pub(super) bridge: LinkName,
    /// `isGateway` and `isDefaultGateway`.
    pub(super) gateway: Gateway,
    /// `forceAddress`: another address of the bridge gives way.
    pub(super) force: bool,
    /// `ipMasq`.
    pub(super) masquerade: bool,
    /// `mtu` in bytes; the kernel's choice where it is 0.
    pub(super) mtu: Option<u32>,
    /// `hairpinMode` and `portIsolation`.
    pub(super) port_flags: Vec<PortFlag>,
    /// `promiscMode`.
    pub(super) promiscuous: bool,
    /// `vlan`, `vlanTrunk` and `preserveDefaultVlan`; absent where the bridge does not separate VLANs.
    pub(super) vlans: Option<PortVlans>,
    /// `macspoofchk`.
    pub(super) guard: bool,
    /// `enabledad`.
    pub(super) detection: Detection,
    /// `disableContainerInterface`: the container's end stays down.
    pub(super) stays_down: bool,
    /// The MAC asked for: `runtimeConfig.mac` before `args.cni.mac` before `CNI_ARGS`.
    pub(super) mac: Option<Mac>,
    /// `dns`, where it says anything at all.
    pub(super) dns: Option<Dns>,
}

/// Is the bridge the containers' gateway?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Gateway {
    /// It has no address.
    No,
    /// It has the gateway's address.
    Yes,
    /// And containers get a default route by it.
    Default,
}

/// A value that can't be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum ConfError {
    #[error("bridge: invalid value {0:?}: {1}")]
    Bridge(String, LinkNameError),
    #[error(
        "cannot set hairpin mode and promiscuous mode at the same time (hairpinMode: true, promiscMode: true)"
    )]
    HairpinAndPromiscuous,
    #[error("vlan: invalid value: {0}")]
    Vlan(VlanError),
    #[error("vlanTrunk: invalid {0}: {1}")]
    Trunk(&'static str, VlanError),
    #[error("vlanTrunk: minID and maxID belong together; {0} is missing")]
    HalfRange(&'static str),
    #[error("vlanTrunk: minID {0} is greater than maxID {1}")]
    EmptyRange(Vlan, Vlan),
    #[error(
        "disableContainerInterface: true and ipam.type: {0:?} contradict each other: an interface that is down needs no address"
    )]
    DownWithAddresses(String),
}

impl Coded for ConfError {
    fn code(&self) -> Code {
        Code::InvalidConfig
    }
}

/// What was written. Absent is false, 0 or empty, as Go has it.
#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
#[expect(clippy::struct_excessive_bools, reason = "the reference's keys, as they are written")]
struct Written {
    bridge: String,
    is_gateway: bool,
    is_default_gateway: bool,
    force_address: bool,
    ip_masq: bool,
    ip_masq_backend: Option<String>,
    mtu: i64,
    hairpin_mode: bool,
    promisc_mode: bool,
    vlan: i64,
    vlan_trunk: Vec<WrittenTrunk>,
    preserve_default_vlan: bool,
    macspoofchk: bool,
    enabledad: bool,
    disable_container_interface: bool,
    port_isolation: bool,
    dns: Dns,
    args: WrittenArgs,
    runtime_config: WrittenMac,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct WrittenTrunk {
    #[serde(rename = "minID")]
    min_id: Option<i64>,
    #[serde(rename = "maxID")]
    max_id: Option<i64>,
    id: Option<i64>,
}

/// The reference's default.
const BRIDGE: &str = "cni0";

impl Conf {
    /// Reads the configuration and `CNI_ARGS`.
    ///
    /// # Errors
    /// Code 7, naming key and value.
    pub(super) fn parse(request: &Request) -> Result<Self, Failure> {
        let written: Written = request.config.decode()?;
        let ipam = request.config.ipam_kind();
        let mac = keys::mac(request, &[&written.runtime_config.mac, &written.args.cni.mac], "")?;
        if written.hairpin_mode && written.promisc_mode {
            return Err(ConfError::HairpinAndPromiscuous.into());
        }
        if let (true, Some(kind)) = (written.disable_container_interface, ipam) {
            return Err(ConfError::DownWithAddresses(kind).into());
        }
        keys::backend(written.ip_masq_backend.as_deref())?;
        Ok(Self {
            bridge: bridge(&written.bridge)?,
            gateway: match (written.is_default_gateway, written.is_gateway) {
                (true, _) => Gateway::Default,
                (false, true) => Gateway::Yes,
                (false, false) => Gateway::No,
            },
            force: written.force_address,
            masquerade: written.ip_masq,
            mtu: keys::mtu(written.mtu)?,
            port_flags: [
                (written.hairpin_mode, PortFlag::Hairpin),
                (written.port_isolation, PortFlag::Isolated),
            ]
            .into_iter()
            .filter_map(|(wanted, flag)| wanted.then_some(flag))
            .collect(),
            promiscuous: written.promisc_mode,
            vlans: vlans(&written)?,
            guard: written.macspoofchk,
            detection: if written.enabledad { Detection::On } else { Detection::Off },
            stays_down: written.disable_container_interface,
            mac,
            dns: keys::dns(written.dns),
        })
    }
}

fn bridge(name: &str) -> Result<LinkName, ConfError> {
    let name = if name.is_empty() { BRIDGE } else { name };
    LinkName::new(name).map_err(|error| ConfError::Bridge(name.to_owned(), error))
}

fn vlans(written: &Written) -> Result<Option<PortVlans>, ConfError> {
    let untagged = match written.vlan {
        0 => None,
        id => Some(Vlan::try_from(id).map_err(ConfError::Vlan)?),
    };
    let mut tagged = Vec::new();
    for trunk in &written.vlan_trunk {
        trunk.collect(&mut tagged)?;
    }
    tagged.sort_unstable();
    tagged.dedup();
    if untagged.is_none() && tagged.is_empty() {
        return Ok(None);
    }
    Ok(Some(PortVlans { untagged, tagged, keep_default: written.preserve_default_vlan }))
}

impl WrittenTrunk {
    fn collect(&self, vlans: &mut Vec<Vlan>) -> Result<(), ConfError> {
        let vlan = |key, id: Option<i64>| {
            id.map(Vlan::try_from).transpose().map_err(|error| ConfError::Trunk(key, error))
        };
        match (vlan("minID", self.min_id)?, vlan("maxID", self.max_id)?) {
            (Some(first), Some(last)) if first > last => return Err(ConfError::EmptyRange(first, last)),
            (Some(first), Some(last)) => {
                vlans.extend((first.id()..=last.id()).filter_map(|id| Vlan::try_from(i64::from(id)).ok()));
            }
            (Some(_), None) => return Err(ConfError::HalfRange("maxID")),
            (None, Some(_)) => return Err(ConfError::HalfRange("minID")),
            (None, None) => {}
        }
        vlans.extend(vlan("id", self.id)?);
        Ok(())
    }
}
