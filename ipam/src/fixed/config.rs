//! static's part of the network configuration.

use std::net::IpAddr;

use cni::args::{ArgsError, Arguments};
use cni::{Code, Coded, DecodeError, Dns, Ip, Request, Route, Version, go};
use ipnetwork::IpNetwork;
use serde::Deserialize;

/// What ADD answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Settings {
    pub(super) ips: Vec<Ip>,
    pub(super) routes: Vec<Route>,
    pub(super) dns: Dns,
}

/// A configuration that static can't follow. The texts are the reference's, with the key.
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
    /// `ipam.addresses[…].address` is no address with a prefix length.
    #[error(
        "ipam.addresses[{index}].address: the 'address' field is expected to be in CIDR notation, got: '{value}'"
    )]
    Address {
        /// Which.
        index: usize,
        /// The text.
        value: String,
    },
    /// The same of `args.cni.ips` or `runtimeConfig.ips`.
    #[error("{key}[{index}]: an entry in the 'ips' field is NOT in CIDR notation, got: '{value}'")]
    Entry {
        /// The list.
        key: &'static str,
        /// Which.
        index: usize,
        /// The text.
        value: String,
    },
    /// The same of `IP` in `CNI_ARGS`.
    #[error("CNI_ARGS: IP: the 'ip' field is expected to be in CIDR notation, got: '{0}'")]
    ArgsAddress(String),
    /// `GATEWAY` in `CNI_ARGS`.
    #[error("CNI_ARGS: GATEWAY: invalid gateway address: {0}")]
    ArgsGateway(String),
    /// Results up to 0.2.0 hold one address a family.
    #[error("CNI version {0} does not support more than 1 address per family")]
    TooMany(Version),
}

impl Coded for ConfigError {
    fn code(&self) -> Code {
        match self {
            Self::NoIpam | Self::Address { .. } | Self::Entry { .. } | Self::TooMany(_) => {
                Code::InvalidConfig
            }
            Self::Decode(error) => error.code(),
            Self::Args(error) => error.code(),
            Self::ArgsAddress(_) | Self::ArgsGateway(_) => Code::InvalidEnvironment,
        }
    }
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Network {
    ipam: Option<Ipam>,
    args: Args,
    runtime_config: Ips,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Ipam {
    addresses: Vec<Written>,
    routes: Vec<Route>,
    dns: Dns,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Written {
    address: String,
    #[serde(deserialize_with = "go::optional_address")]
    gateway: Option<IpAddr>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Args {
    cni: Ips,
}

/// Addresses asked for by name. An empty text is none.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Ips {
    ips: Vec<String>,
}

impl Settings {
    /// What the runtime supplies comes before `args`, those before `ipam.addresses` with what `CNI_ARGS` adds: each
    /// takes the place of what comes after it, gateways and all, as with the reference.
    ///
    /// # Errors
    /// [`ConfigError`].
    pub(super) fn of(request: &Request) -> Result<Self, ConfigError> {
        let network: Network = request.config.decode()?;
        let Ipam { addresses, routes, dns } = network.ipam.ok_or(ConfigError::NoIpam)?;
        let written = written(addresses, &request.args)?;
        let args = entries("args.cni.ips", &network.args.cni)?;
        let supplied = entries("runtimeConfig.ips", &network.runtime_config)?;
        let chosen = [supplied, args].into_iter().find(|ips| !ips.is_empty());
        let ips = chosen.unwrap_or(written);
        let ipv4 = ips.iter().filter(|ip| ip.address.is_ipv4()).count();
        if request.config.version < Version::V0_3_0 && (ipv4 > 1 || ips.len() - ipv4 > 1) {
            return Err(ConfigError::TooMany(request.config.version));
        }
        Ok(Self { ips, routes, dns })
    }
}

/// `ipam.addresses`, and what `CNI_ARGS` adds to them.
fn written(addresses: Vec<Written>, args: &str) -> Result<Vec<Ip>, ConfigError> {
    let mut ips = Vec::new();
    for (index, Written { address, gateway }) in addresses.into_iter().enumerate() {
        let network = network(&address).ok_or(ConfigError::Address { index, value: address })?;
        ips.push(Ip { interface: None, address: network, gateway });
    }
    let arguments = Arguments::parse(args, &["IP", "GATEWAY"])?;
    for text in list(arguments.get("IP")) {
        let address = network(text).ok_or_else(|| ConfigError::ArgsAddress(text.to_owned()))?;
        ips.push(Ip { interface: None, address, gateway: None });
    }
    for text in list(arguments.get("GATEWAY")) {
        let gateway: IpAddr = text.parse().map_err(|_| ConfigError::ArgsGateway(text.to_owned()))?;
        for ip in ips.iter_mut().filter(|ip| ip.address.contains(gateway)) {
            ip.gateway = Some(gateway);
        }
    }
    Ok(ips)
}

fn list(text: Option<&str>) -> impl Iterator<Item = &str> {
    text.into_iter().flat_map(|text| text.split(',')).map(str::trim)
}

fn entries(key: &'static str, written: &Ips) -> Result<Vec<Ip>, ConfigError> {
    let texts = written.ips.iter().enumerate().filter(|(_, text)| !text.is_empty());
    let entry = |(index, text): (usize, &String)| {
        let address =
            network(text).ok_or_else(|| ConfigError::Entry { key, index, value: text.to_owned() })?;
        Ok(Ip { interface: None, address, gateway: None })
    };
    texts.map(entry).collect()
}

/// An address and its prefix length, both written out.
fn network(text: &str) -> Option<IpNetwork> {
    let (address, prefix) = text.split_once('/')?;
    let digits = !prefix.is_empty() && prefix.bytes().all(|byte| byte.is_ascii_digit());
    IpNetwork::new(address.parse().ok()?, digits.then(|| prefix.parse().ok())??).ok()
}
