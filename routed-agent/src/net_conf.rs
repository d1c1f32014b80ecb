//! `net-conf.json`, with flannel's keys, read as Go reads JSON (see [`cni::go`]). Every bad setting is told at once.

mod backend;
mod error;
mod keys;

use ipnetwork::IpNetwork;
use netstate::Family;
use serde_json::Value;

pub(crate) use backend::{Backend, VxlanConf};
pub(crate) use error::{NetConfError, NetConfWarning, Problem};
use keys::Keys;

/// What the whole cluster agrees on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NetConf {
    /// All pods' addresses: one network for each family in use, IPv4 first, at least one.
    pub(crate) networks: Vec<IpNetwork>,
    /// How nodes reach each other's pods.
    pub(crate) backend: Backend,
}

/// Which keys a family has.
struct FamilyKeys {
    family: Family,
    enable: &'static str,
    enabled_by_default: Enabled,
    network: &'static str,
}

/// Whether a family is in use.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Enabled {
    Yes,
    No,
}

const FAMILIES: [FamilyKeys; 2] = [
    FamilyKeys {
        family: Family::V4,
        enable: "EnableIPv4",
        enabled_by_default: Enabled::Yes,
        network: "Network",
    },
    FamilyKeys {
        family: Family::V6,
        enable: "EnableIPv6",
        enabled_by_default: Enabled::No,
        network: "IPv6Network",
    },
];

/// Settings of flannel's that have no meaning here: nobody but Kubernetes gives nodes their subnets.
const OF_ETCD: &[&str] =
    &["SubnetLen", "SubnetMin", "SubnetMax", "IPv6SubnetLen", "IPv6SubnetMin", "IPv6SubnetMax"];

/// A setting that asks for what is done anyway.
const NFTABLES: &str = "EnableNFTables";

impl NetConf {
    /// Reads the text of the file.
    ///
    /// # Errors
    /// [`NetConfError`], with everything that is wrong.
    pub(crate) fn parse(text: &str) -> Result<(Self, Vec<NetConfWarning>), NetConfError> {
        let value: Value =
            serde_json::from_str(text).map_err(|error| NetConfError::Syntax(error.to_string()))?;
        let object = value.as_object().ok_or(NetConfError::NoObject)?;
        let mut keys = Keys::new("", object);
        let networks = networks(&mut keys);
        let backend = backend::read(&mut keys, &networks);
        keys.take::<bool>(NFTABLES);
        keys.in_vain(OF_ETCD, "a node's subnet comes with its Node");
        let (problems, warnings) = keys.finish();
        match (backend, problems.is_empty()) {
            (Some(backend), true) => Ok((Self { networks, backend }, warnings)),
            _ => Err(NetConfError::Settings(problems)),
        }
    }
}

/// The networks of the families in use.
fn networks(keys: &mut Keys<'_>) -> Vec<IpNetwork> {
    let mut networks = Vec::new();
    let mut enabled = 0;
    for row in &FAMILIES {
        let default = row.enabled_by_default == Enabled::Yes;
        if !keys.take(row.enable).unwrap_or(default) {
            keys.in_vain(&[row.network], "its family is not enabled");
            continue;
        }
        enabled += 1;
        let text: Option<String> = keys.take(row.network);
        let Some(text) = text.filter(|text| !text.is_empty()) else {
            if !keys.is_wrong(row.network) {
                keys.problem(Problem::NoNetwork { key: row.network, family: row.family });
            }
            continue;
        };
        match network(&text, row.family) {
            Some(network) => networks.push(network),
            None => keys.problem(Problem::Network { key: row.network, value: text, family: row.family }),
        }
    }
    if enabled == 0 {
        keys.problem(Problem::NoFamily);
    }
    networks
}

/// A network of a family, without the bits beyond its prefix. Everything is no network of pods.
fn network(text: &str, family: Family) -> Option<IpNetwork> {
    // Without a prefix `IpNetwork` would take the text as a single host.
    let network: IpNetwork = text.contains('/').then(|| text.parse().ok())??;
    let network = IpNetwork::new(network.network(), network.prefix()).ok()?;
    (Family::of(network.ip()) == family && network.prefix() > 0).then_some(network)
}

#[cfg(test)]
mod tests;
