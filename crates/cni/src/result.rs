//! The result of ADD (section "Success"), free of versions. `wire` writes it in the shape of each.

use std::net::IpAddr;

use ipnetwork::IpNetwork;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use crate::{Code, Coded, DecodeError, Version, go, wire};

/// What an ADD made, or was handed as `prevResult`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Success {
    /// The interfaces, the host's among them.
    pub interfaces: Vec<Interface>,
    /// The addresses.
    pub ips: Vec<Ip>,
    /// The routes in the container.
    pub routes: Vec<Route>,
    /// What the container's resolver should be told.
    pub dns: Dns,
}

/// An interface.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Interface {
    /// Its name.
    pub name: String,
    /// Its hardware address; empty where it has none, or it is not told.
    pub mac: String,
    /// In bytes; absent where it is not told.
    #[serde(deserialize_with = "unset_when_zero")]
    pub mtu: Option<u32>,
    /// The path of its network namespace; empty on the host.
    pub sandbox: String,
    /// The path of a socket that the interface is reached by; empty where there is none.
    pub socket_path: String,
    /// Its address on the PCI bus; empty where it has none.
    #[serde(rename = "pciID")]
    pub pci_id: String,
}

/// An address of the container.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Ip {
    /// The index of its interface in [`Success::interfaces`]. Absent from an IPAM plugin; -1 is the same.
    #[serde(default, deserialize_with = "index")]
    pub interface: Option<usize>,
    /// The address with the length of its subnet's prefix.
    #[serde(deserialize_with = "go::network")]
    pub address: IpNetwork,
    /// The subnet's gateway.
    #[serde(default, deserialize_with = "go::optional_address")]
    pub gateway: Option<IpAddr>,
}

/// A route in the container. It is written with its keys in this order, which is that of results before 1.0.0 and of
/// configurations; results of 1.0.0 and later sort theirs.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
pub struct Route {
    /// Where it leads.
    #[serde(deserialize_with = "go::network")]
    pub dst: IpNetwork,
    /// By way of; where it is absent, the gateway of an address of its family.
    #[serde(default, deserialize_with = "go::optional_address", skip_serializing_if = "Option::is_none")]
    pub gw: Option<IpAddr>,
    /// In bytes.
    #[serde(default, deserialize_with = "unset_when_zero", skip_serializing_if = "Option::is_none")]
    pub mtu: Option<u32>,
    /// The segment size to announce to TCP peers, in bytes.
    #[serde(default, deserialize_with = "unset_when_zero", skip_serializing_if = "Option::is_none")]
    pub advmss: Option<u32>,
    /// The metric: the lower goes first.
    #[serde(default, deserialize_with = "unset_when_zero", skip_serializing_if = "Option::is_none")]
    pub priority: Option<u32>,
    /// The routing table; 0 is not the same as absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table: Option<u32>,
    /// 0 global, 253 link, 254 host; 0 is not the same as absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<u8>,
}

impl Route {
    /// A route with nothing but where it leads and by way of whom.
    pub fn new(dst: IpNetwork, gw: Option<IpAddr>) -> Self {
        Self { dst, gw, mtu: None, advmss: None, priority: None, table: None, scope: None }
    }
}

/// What a resolver should be told. In a configuration an empty list replaces what IPAM says and an absent one does
/// not, so they are told apart; in a result they are the same.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Dns {
    /// Name servers by their addresses.
    pub nameservers: Option<Vec<String>>,
    /// The local domain.
    pub domain: Option<String>,
    /// Domains in which short names are looked up.
    pub search: Option<Vec<String>>,
    /// Options of `resolv.conf`.
    pub options: Option<Vec<String>>,
}

impl Dns {
    /// Does it say nothing?
    pub fn is_empty(&self) -> bool {
        let lists = [&self.nameservers, &self.search, &self.options];
        lists.iter().all(|list| list.as_deref().is_none_or(<[_]>::is_empty))
            && self.domain.as_deref().is_none_or(str::is_empty)
    }
}

/// A result that can't be read or written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ResultError {
    /// A value in it is wrong.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// Its `cniVersion` is of no version that we know.
    #[error("unsupported CNI result version {0:?}")]
    Version(String),
    /// Up to 0.2.0 a result is its addresses, and there are none.
    #[error("cannot convert: no valid IP addresses")]
    NoAddresses,
    /// An IPAM plugin has to give an address.
    #[error("IPAM plugin returned missing IP config")]
    NoIpConfig,
}

impl Coded for ResultError {
    fn code(&self) -> Code {
        match self {
            Self::Decode(_) | Self::Version(_) => Code::Decode,
            Self::NoAddresses | Self::NoIpConfig => Code::Internal,
        }
    }
}

impl Success {
    /// Reads a result of the version that it names, or of the configuration's `version` where it names none.
    ///
    /// # Errors
    /// [`ResultError`].
    pub fn from_value(version: Version, value: &Value) -> Result<Self, ResultError> {
        let own: Own = go::decode(value)?;
        let version = match own.cni_version.as_str() {
            "" => version,
            text => text.parse().map_err(|_| ResultError::Version(text.to_owned()))?,
        };
        Ok(match version {
            Version::V0_1_0 | Version::V0_2_0 => wire::v020::read(value)?,
            _ => go::decode(value)?,
        })
    }

    /// The text of the result in a version's shape, to the byte as the reference prints it.
    ///
    /// # Errors
    /// [`ResultError::NoAddresses`] for a version up to 0.2.0.
    pub fn to_json(&self, version: Version) -> Result<String, ResultError> {
        match version {
            Version::V0_1_0 | Version::V0_2_0 => wire::v020::text(self, version),
            Version::V0_3_0 | Version::V0_3_1 | Version::V0_4_0 => Ok(wire::v040::text(self, version)),
            Version::V1_0_0 | Version::V1_1_0 => Ok(wire::v100::text(self, version)),
        }
    }

    /// Is this a result that an IPAM plugin may give?
    ///
    /// # Errors
    /// [`ResultError::NoIpConfig`] where it has no address.
    pub fn require_ips(self) -> Result<Self, ResultError> {
        if self.ips.is_empty() { Err(ResultError::NoIpConfig) } else { Ok(self) }
    }
}

#[derive(Deserialize)]
struct Own {
    #[serde(default, rename = "cniVersion")]
    cni_version: String,
}

/// Go's types have no absent number here, so 0 is it.
fn unset_when_zero<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u32>, D::Error> {
    Ok(Option::<u32>::deserialize(deserializer)?.filter(|number| *number != 0))
}

/// An index below 0 is none.
fn index<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<usize>, D::Error> {
    Ok(Option::<i64>::deserialize(deserializer)?.and_then(|index| usize::try_from(index).ok()))
}
