//! dhcp's part of the network configuration.

use std::path::PathBuf;

use cni::{Code, Coded, DecodeError, Request};
use netstate::Family;
use serde::{Deserialize, Serialize};

use super::option;

/// Where the daemon listens unless `ipam.daemonSocketPath` says otherwise.
pub(super) const SOCKET: &str = "/run/cni/dhcp.sock";

/// The longest value of an option, in bytes.
const LONGEST: usize = 255;

/// By what protocol an address is leased.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Protocol {
    /// An IPv4 address by DHCP (RFC 2131).
    Dhcp4,
    /// An IPv6 address by DHCP for IPv6, `IA_NA` (RFC 8415).
    Dhcp6,
    /// An IPv6 address by router advertisements (RFC 4862).
    Slaac,
}

impl Protocol {
    /// Of which family its addresses are.
    pub(super) fn family(self) -> Family {
        match self {
            Self::Dhcp4 => Family::V4,
            Self::Dhcp6 | Self::Slaac => Family::V6,
        }
    }
}

/// What an attachment wants of servers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Wish {
    /// How it gets addresses, in the order of the result.
    pub(super) protocols: Vec<Protocol>,
    /// Options to tell, by number.
    pub(super) provide: Vec<(u8, Vec<u8>)>,
    /// Options to ask for.
    pub(super) request: Vec<u8>,
    /// The metric of every route.
    pub(super) priority: Option<u32>,
    /// Gateways and default routes are left out.
    pub(super) without_gateway: bool,
}

/// A configuration that dhcp can't follow.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// No `ipam`.
    #[error("IPAM config missing 'ipam' key")]
    NoIpam,
    /// A value that can't be read.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// An option's name that is none.
    #[error(
        "{key}[{index}].option: Can not parse option {value:?}: neither one of the known names nor a number up to 255"
    )]
    Option {
        /// `ipam.provide` or `ipam.request`.
        key: &'static str,
        /// Which.
        index: usize,
        /// The text.
        value: String,
    },
    /// A value that no message holds.
    #[error("ipam.provide[{index}]: value too long for option {option:?}: {value:?}")]
    TooLong {
        /// Which.
        index: usize,
        /// The option.
        option: String,
        /// The text.
        value: String,
    },
    /// `ipam.suppress` holds something unknown.
    #[error("ipam.suppress: unknown suppress value {0:?} (supported: \"gateway\")")]
    Suppress(String),
    /// Neither family is wanted.
    #[error("ipam.ipv4: invalid value \"off\": and ipam.ipv6 is off, too, so there is no address to ask for")]
    NoFamily,
}

impl Coded for ConfigError {
    fn code(&self) -> Code {
        match self {
            Self::Decode(error) => error.code(),
            Self::NoIpam
            | Self::Option { .. }
            | Self::TooLong { .. }
            | Self::Suppress(_)
            | Self::NoFamily => Code::InvalidConfig,
        }
    }
}

/// `ipam.ipv4`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Ipv4 {
    #[default]
    Dhcp,
    Off,
}

/// `ipam.ipv6`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Ipv6 {
    #[default]
    Off,
    Dhcp,
    Slaac,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Network {
    ipam: Option<Ipam>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Ipam {
    provide: Vec<Provide>,
    request: Vec<Ask>,
    priority: Option<u32>,
    suppress: Vec<String>,
    ipv4: Ipv4,
    ipv6: Ipv6,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Provide {
    option: String,
    value: String,
    from_arg: String,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Ask {
    option: String,
    skip_default: bool,
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
    daemon_socket_path: String,
}

/// The daemon's socket.
///
/// # Errors
/// Where `ipam.daemonSocketPath` isn't text.
pub(super) fn socket(request: &Request) -> Result<PathBuf, ConfigError> {
    let Bare { ipam } = request.config.decode()?;
    let path = ipam.daemon_socket_path;
    Ok(PathBuf::from(if path.is_empty() { SOCKET } else { &path }))
}

impl Wish {
    /// What the configuration and `CNI_ARGS` want.
    ///
    /// # Errors
    /// [`ConfigError`].
    pub(super) fn of(request: &Request) -> Result<Self, ConfigError> {
        let network: Network = request.config.decode()?;
        let ipam = network.ipam.ok_or(ConfigError::NoIpam)?;
        for value in &ipam.suppress {
            if value != "gateway" {
                return Err(ConfigError::Suppress(value.clone()));
            }
        }
        let protocols = protocols(ipam.ipv4, ipam.ipv6);
        if protocols.is_empty() {
            return Err(ConfigError::NoFamily);
        }
        Ok(Self {
            protocols,
            provide: provided(ipam.provide, &request.args)?,
            request: requested(&ipam.request)?,
            priority: ipam.priority.filter(|priority| *priority != 0),
            without_gateway: !ipam.suppress.is_empty(),
        })
    }
}

fn protocols(ipv4: Ipv4, ipv6: Ipv6) -> Vec<Protocol> {
    let first = match ipv4 {
        Ipv4::Dhcp => Some(Protocol::Dhcp4),
        Ipv4::Off => None,
    };
    let second = match ipv6 {
        Ipv6::Off => None,
        Ipv6::Dhcp => Some(Protocol::Dhcp6),
        Ipv6::Slaac => Some(Protocol::Slaac),
    };
    [first, second].into_iter().flatten().collect()
}

/// A value of `CNI_ARGS` comes before one that is written down. What dhcp does not know there is other plugins'.
fn provided(provide: Vec<Provide>, args: &str) -> Result<Vec<(u8, Vec<u8>)>, ConfigError> {
    let argument = |name: &str| {
        let mut pairs = args.split(';').filter_map(|pair| pair.split_once('='));
        pairs.rfind(|(key, _)| !name.is_empty() && *key == name).map(|(_, value)| value.to_owned())
    };
    let mut options: Vec<(u8, Vec<u8>)> = Vec::new();
    for (index, Provide { option, value, from_arg }) in provide.into_iter().enumerate() {
        let Some(number) = option::number(&option) else {
            return Err(ConfigError::Option { key: "ipam.provide", index, value: option });
        };
        let value = argument(&from_arg).unwrap_or(value);
        if value.len() > LONGEST {
            return Err(ConfigError::TooLong { index, option, value });
        }
        options.retain(|(other, _)| *other != number || value.is_empty());
        if !value.is_empty() {
            options.push((number, value.into_bytes()));
        }
    }
    Ok(options)
}

/// Mask and routers are asked for by themselves; not with `skipDefault`.
fn requested(request: &[Ask]) -> Result<Vec<u8>, ConfigError> {
    let mut numbers = Vec::new();
    for (index, Ask { option, .. }) in request.iter().enumerate() {
        let number = option::number(option);
        let error = || ConfigError::Option { key: "ipam.request", index, value: option.clone() };
        numbers.push(number.ok_or_else(error)?);
    }
    if !request.iter().any(|ask| ask.skip_default) {
        for number in [option::SUBNET_MASK, option::ROUTERS] {
            if !numbers.contains(&number) {
                numbers.push(number);
            }
        }
    }
    Ok(numbers)
}

#[cfg(test)]
mod tests;
