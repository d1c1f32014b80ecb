//! `Backend`: how nodes reach each other's pods.

use ipnetwork::IpNetwork;
use netstate::Checksums;
use serde_json::Value;

use super::error::Problem;
use super::keys::Keys;

/// How nodes reach each other's pods.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Backend {
    /// Nodes are neighbours and route to each other.
    HostGw,
    /// Through a VXLAN.
    Vxlan(VxlanConf),
    /// Somebody else sees to it: only `subnet.env` and the runtime's configuration are written.
    Alloc,
}

impl Backend {
    /// Its `Type`, which is also the annotation `backend-type`.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::HostGw => "host-gw",
            Self::Vxlan(_) => "vxlan",
            Self::Alloc => "alloc",
        }
    }
}

/// The settings of `vxlan`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct VxlanConf {
    /// The network identifier, 24 bits.
    pub(crate) vni: u32,
    /// The UDP port; the kernel's own where absent.
    pub(crate) port: Option<u16>,
    /// The MTU in bytes of what carries the VXLAN; the interface's where absent. Pods get what the headers leave.
    pub(crate) mtu: Option<u32>,
    /// Group policy marks are carried.
    pub(crate) gbp: bool,
    /// The device learns forwarding entries from what it receives.
    pub(crate) learning: bool,
    /// Nodes on the same network reach each other without the VXLAN.
    pub(crate) direct_routing: bool,
    /// Who computes checksums (`ChecksumOffload`, a key of ours, which flanneld does not look at).
    pub(crate) checksums: Checksums,
}

/// The backends that are offered, for messages.
pub(super) const KNOWN: &str = "vxlan, host-gw, alloc";

/// Those that only flanneld has.
const NOT_OFFERED: &[&str] = &["udp", "wireguard", "ipip", "ipsec", "extension", "tencent-vpc"];

/// The largest network identifier.
const LAST_VNI: u32 = (1 << 24) - 1;

/// What every IPv4 network carries (RFC 791).
const LEAST_MTU: u32 = 576;

/// What carries IPv6 packets of the size that must pass whole, 1280 (RFC 8200), with the headers of a VXLAN over IPv6.
const LEAST_MTU_WITH_IPV6: u32 = 1280 + 70;

/// The largest packet.
const MOST_MTU: u32 = 65535;

/// Reads the backend for pods in `networks`. What is wrong with it is told to `keys`.
pub(super) fn read(keys: &mut Keys<'_>, networks: &[IpNetwork]) -> Option<Backend> {
    let object = match keys.raw("Backend") {
        Some(Value::Object(object)) => object,
        Some(_) => {
            // Says that it is no object.
            keys.take::<std::collections::BTreeMap<String, Value>>("Backend");
            return None;
        }
        None => {
            keys.problem(Problem::NoBackend);
            return None;
        }
    };
    let mut within = Keys::new("Backend.", object);
    let backend = of_type(&mut within, networks);
    keys.adopt(within);
    backend
}

/// All keys of `vxlan`.
const VXLAN_KEYS: &[&str] =
    &["VNI", "Port", "MTU", "GBP", "Learning", "DirectRouting", "ChecksumOffload", "MacPrefix", "Name"];

fn of_type(keys: &mut Keys<'_>, networks: &[IpNetwork]) -> Option<Backend> {
    let kind: Option<String> = keys.take("Type");
    let Some(kind) = kind.filter(|kind| !kind.is_empty()) else {
        if !keys.is_wrong("Type") {
            keys.problem(Problem::NoBackend);
        }
        return None;
    };
    match kind.to_ascii_lowercase().as_str() {
        "vxlan" => Some(Backend::Vxlan(vxlan(keys, networks))),
        "host-gw" => {
            keys.in_vain(VXLAN_KEYS, "a setting of vxlan");
            Some(Backend::HostGw)
        }
        "alloc" => {
            keys.in_vain(VXLAN_KEYS, "a setting of vxlan");
            Some(Backend::Alloc)
        }
        other => {
            keys.problem(if NOT_OFFERED.contains(&other) {
                Problem::NotOffered(kind)
            } else {
                Problem::UnknownBackend(kind)
            });
            None
        }
    }
}

fn vxlan(keys: &mut Keys<'_>, networks: &[IpNetwork]) -> VxlanConf {
    let least_mtu = if networks.iter().any(IpNetwork::is_ipv6) { LEAST_MTU_WITH_IPV6 } else { LEAST_MTU };
    keys.in_vain(&["MacPrefix", "Name"], "a setting for Windows");
    let checksums = match keys.take("ChecksumOffload") {
        Some(false) => Checksums::Computed,
        Some(true) | None => Checksums::Offloaded,
    };
    VxlanConf {
        vni: number(keys, "VNI", 0, LAST_VNI).unwrap_or(1),
        // 0 is flannel's "not set".
        port: number(keys, "Port", 0, u16::MAX.into())
            .and_then(|port| u16::try_from(port).ok())
            .filter(|port| *port != 0),
        mtu: number(keys, "MTU", least_mtu, MOST_MTU).filter(|mtu| *mtu != 0),
        gbp: keys.take("GBP").unwrap_or_default(),
        learning: keys.take("Learning").unwrap_or_default(),
        direct_routing: keys.take("DirectRouting").unwrap_or_default(),
        checksums,
    }
}

/// A number of a range, or 0.
fn number(keys: &mut Keys<'_>, key: &'static str, least: u32, most: u32) -> Option<u32> {
    let value: i64 = keys.take(key)?;
    match u32::try_from(value) {
        Ok(number) if number == 0 || (least..=most).contains(&number) => Some(number),
        _ => {
            keys.problem(Problem::Range { key, value, least, most });
            None
        }
    }
}
