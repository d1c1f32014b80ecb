//! host-local's part of the network configuration.

use std::fs;
use std::net::IpAddr;
use std::path::PathBuf;
use std::str::FromStr;

use cni::args::{ArgsError, Arguments};
use cni::{Code, Coded, DecodeError, Dns, Request, Route, Version, go};
use serde::Deserialize;

use super::confirmed;
use super::range::Written;
use super::range_set::{RangeSet, RangeSetError};
use super::resolv;

/// Where networks are kept unless `dataDir` says otherwise.
const DATA_DIR: &str = "/var/lib/cni/networks";

/// What ADD needs.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) place: Place,
    pub(crate) sets: Vec<RangeSet>,
    /// Addresses asked for by name, each once.
    pub(crate) requested: Vec<IpAddr>,
    pub(crate) routes: Vec<Route>,
    pub(crate) dns: Dns,
    /// Who says which subnets are this node's; none where nobody has to.
    pub(crate) subnet_file: Option<PathBuf>,
    pub(crate) when_exhausted: WhenExhausted,
}

/// What every operation needs, and all that DEL needs: where the network's addresses are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) data_dir: PathBuf,
    pub(crate) network: String,
}

/// What STATUS says where a range has no address left (`ipam.statusWhenExhausted`). containerd from 2.0 on makes a
/// Node `NotReady` for an error, and with it the pods that run there.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum WhenExhausted {
    /// Error 50.
    #[default]
    Error,
    /// Nothing.
    Ready,
}

/// A configuration that host-local can't follow. The texts are the reference's, with key and value.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// No `ipam`.
    #[error("IPAM config missing 'ipam' key")]
    NoIpam,
    /// A value that can't be read.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// `CNI_ARGS`.
    #[error(transparent)]
    Args(#[from] ArgsError),
    /// `IP` in `CNI_ARGS`.
    #[error("CNI_ARGS: IP: invalid value {0:?}: invalid IP address")]
    ArgsAddress(String),
    /// Neither `ranges` nor `subnet` nor a runtime's `ipRanges`.
    #[error("no IP ranges specified")]
    NoRanges,
    /// A set that can't be used.
    #[error("invalid range set {index}: {source}")]
    RangeSet {
        /// Counted through the runtime's sets, then `subnet`, then `ranges`.
        index: usize,
        /// Where it is written.
        key: String,
        /// What is wrong.
        source: RangeSetError,
    },
    /// Results up to 0.2.0 hold one address a family.
    #[error("CNI version {0} does not support more than 1 address per family")]
    TooMany(Version),
    /// Two sets share addresses.
    #[error("range set {one} overlaps with {other}")]
    Overlap {
        /// Index of a set.
        one: usize,
        /// Index of the other.
        other: usize,
        /// Where they are written.
        keys: String,
    },
    /// `subnetFile` is no absolute path.
    #[error("ipam.subnetFile: invalid value {0:?}: expected an absolute path")]
    SubnetFile(String),
    /// `resolvConf` can't be read.
    #[error("ipam.resolvConf: cannot read {path}: {source}")]
    ResolvConf {
        /// The file.
        path: String,
        /// Why.
        source: std::io::Error,
    },
}

impl Coded for ConfigError {
    fn code(&self) -> Code {
        match self {
            Self::NoIpam
            | Self::NoRanges
            | Self::RangeSet { .. }
            | Self::TooMany(_)
            | Self::Overlap { .. }
            | Self::SubnetFile(_) => Code::InvalidConfig,
            Self::Decode(error) => error.code(),
            Self::Args(error) => error.code(),
            Self::ArgsAddress(_) => Code::InvalidEnvironment,
            Self::ResolvConf { .. } => Code::Io,
        }
    }

    fn details(&self) -> String {
        match self {
            Self::RangeSet { key, .. } => key.clone(),
            Self::Overlap { keys, .. } => keys.clone(),
            _ => String::new(),
        }
    }
}

#[derive(Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[derive(Default)]
struct Network {
    ipam: Option<Ipam>,
    args: Args,
    runtime_config: Supplied,
    capabilities: Capabilities,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Ipam {
    #[serde(deserialize_with = "go::optional_network")]
    subnet: Option<ipnetwork::IpNetwork>,
    #[serde(deserialize_with = "go::optional_address")]
    range_start: Option<IpAddr>,
    #[serde(deserialize_with = "go::optional_address")]
    range_end: Option<IpAddr>,
    #[serde(deserialize_with = "go::optional_address")]
    gateway: Option<IpAddr>,
    ranges: Vec<Vec<Written>>,
    routes: Vec<Route>,
    resolv_conf: String,
    data_dir: String,
    status_when_exhausted: WhenExhausted,
    subnet_file: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Args {
    cni: Conventions,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Conventions {
    ips: Vec<Requested>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Supplied {
    ip_ranges: Vec<Vec<Written>>,
    ips: Vec<Requested>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Capabilities {
    ip_ranges: bool,
}

/// The least that can be read: other keys may be wrong when a container has to go.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Bare {
    ipam: Whereabouts,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Whereabouts {
    data_dir: String,
}

/// An address asked for by name; a prefix length behind it means nothing, and an empty text is none.
#[derive(Deserialize)]
struct Requested(#[serde(deserialize_with = "go::unset_when_empty")] Option<Address>);

struct Address(IpAddr);

/// A text that is no address.
#[derive(Debug, thiserror::Error)]
#[error("invalid IP address")]
struct AddressError;

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let (address, prefix) = text.split_once('/').unwrap_or((text, "0"));
        let address: IpAddr = address.parse().map_err(|_| AddressError)?;
        let length: u8 = prefix.parse().map_err(|_| AddressError)?;
        if length > super::number::bits(address) {
            return Err(AddressError);
        }
        Ok(Self(address.to_canonical()))
    }
}

impl Place {
    /// # Errors
    /// Where `ipam.dataDir` isn't text.
    pub(crate) fn of(request: &Request) -> Result<Self, ConfigError> {
        let Bare { ipam } = request.config.decode()?;
        Ok(Self::new(&ipam.data_dir, request))
    }

    fn new(data_dir: &str, request: &Request) -> Self {
        let data_dir = if data_dir.is_empty() { DATA_DIR } else { data_dir };
        Self { data_dir: data_dir.into(), network: request.config.name.clone() }
    }
}

impl Settings {
    /// # Errors
    /// [`ConfigError`].
    pub(crate) fn of(request: &Request) -> Result<Self, ConfigError> {
        let network: Network = request.config.decode()?;
        let requested = requested(&network, &request.args)?;
        let ipam = network.ipam.ok_or(ConfigError::NoIpam)?;
        let place = Place::new(&ipam.data_dir, request);
        let dns = read_resolv_conf(&ipam.resolv_conf)?;
        let routes = ipam.routes.clone();
        let subnet_file = confirmed::file(ipam.subnet_file.clone())?;
        let when_exhausted = ipam.status_when_exhausted;
        let sets = range_sets(network.runtime_config.ip_ranges, ipam)?;
        check(&sets, request.config.version)?;
        let sets = sets.into_iter().map(|(_, set)| set).collect();
        Ok(Self { place, sets, requested, routes, dns, subnet_file, when_exhausted })
    }

    /// For STATUS, which a runtime asks without the ranges that it supplies with an ADD: `None` where those are all
    /// there will be.
    ///
    /// # Errors
    /// [`ConfigError`].
    pub(crate) fn for_status(request: &Request) -> Result<Option<Self>, ConfigError> {
        let network: Network = request.config.decode()?;
        match Self::of(request) {
            Err(ConfigError::NoRanges) if network.capabilities.ip_ranges => Ok(None),
            other => other.map(Some),
        }
    }
}

/// `args` comes before `CNI_ARGS`, which it silences (CONVENTIONS.md); the runtime's own `ips` always count.
fn requested(network: &Network, args: &str) -> Result<Vec<IpAddr>, ConfigError> {
    let arguments = Arguments::parse(args, &["IP"])?;
    let configured = || network.args.cni.ips.iter().filter_map(|Requested(address)| address.as_ref());
    let mut all = Vec::new();
    if let (Some(text), None) = (arguments.get("IP"), configured().next()) {
        let Address(address) = text.parse().map_err(|_| ConfigError::ArgsAddress(text.to_owned()))?;
        all.push(address);
    }
    let supplied = network.runtime_config.ips.iter().filter_map(|Requested(address)| address.as_ref());
    for Address(address) in configured().chain(supplied) {
        if !all.contains(address) {
            all.push(*address);
        }
    }
    Ok(all)
}

fn read_resolv_conf(path: &str) -> Result<Dns, ConfigError> {
    if path.is_empty() {
        return Ok(Dns::default());
    }
    let text = fs::read(path).map_err(|source| ConfigError::ResolvConf { path: path.to_owned(), source })?;
    Ok(resolv::parse(&String::from_utf8_lossy(&text)))
}

/// All sets with the key under which each is written: the runtime's, then the one of `subnet`, then `ranges`.
fn range_sets(supplied: Vec<Vec<Written>>, ipam: Ipam) -> Result<Vec<(String, RangeSet)>, ConfigError> {
    let Ipam { subnet, range_start, range_end, gateway, ranges, .. } = ipam;
    let single = subnet.map(|_| vec![Written { subnet, range_start, range_end, gateway }]);
    let supplied =
        supplied.into_iter().enumerate().map(|(i, set)| (format!("runtimeConfig.ipRanges[{i}]"), set));
    let single = single.into_iter().map(|set| ("ipam.subnet".to_owned(), set));
    let ranges = ranges.into_iter().enumerate().map(|(i, set)| (format!("ipam.ranges[{i}]"), set));
    let sets = supplied.chain(single).chain(ranges).enumerate().map(|(index, (key, written))| {
        match RangeSet::new(&written) {
            Ok(set) => Ok((key, set)),
            Err(source) => Err(ConfigError::RangeSet { index, key, source }),
        }
    });
    let sets = sets.collect::<Result<Vec<_>, _>>()?;
    if sets.is_empty() { Err(ConfigError::NoRanges) } else { Ok(sets) }
}

fn check(sets: &[(String, RangeSet)], version: Version) -> Result<(), ConfigError> {
    let ipv4 = sets.iter().filter(|(_, set)| set.is_ipv4()).count();
    if version < Version::V0_3_0 && (ipv4 > 1 || sets.len() - ipv4 > 1) {
        return Err(ConfigError::TooMany(version));
    }
    for (one, (key, set)) in sets.iter().enumerate() {
        let rest = sets.iter().enumerate().skip(one + 1);
        if let Some((other, (other_key, _))) = rest.into_iter().find(|(_, (_, other))| set.overlaps(other)) {
            return Err(ConfigError::Overlap { one, other, keys: format!("{key}, {other_key}") });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
