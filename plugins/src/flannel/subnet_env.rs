//! `subnet.env`, by which flanneld tells what it has been given for this node.
//!
//! ```text
//! FLANNEL_NETWORK=10.244.0.0/16              the pod network; several are separated by commas
//! FLANNEL_SUBNET=10.244.1.1/24               this node's, with the gateway's address
//! FLANNEL_IPV6_NETWORK=fd00:10:244::/48
//! FLANNEL_IPV6_SUBNET=fd00:10:244:1::1/64
//! FLANNEL_MTU=1450                           in bytes
//! FLANNEL_IPMASQ=true                        flanneld masquerades; where it does not, the delegate has to
//! ```
//!
//! One family's lines are enough. What else is in the file is ignored, and of a line given twice the last counts.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use cni::{Code, Coded, go};
use ipnetwork::IpNetwork;
use serde::de::IntoDeserializer;
use serde::de::value::{Error as ValueError, StrDeserializer};

/// What flanneld says, with the bits beyond each prefix cleared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SubnetEnv {
    /// The pod network: IPv4 first, none twice.
    pub(super) networks: Vec<IpNetwork>,
    /// This node's subnets, at most one of each family: IPv4 first.
    pub(super) subnets: Vec<IpNetwork>,
    /// The pods' MTU, in bytes.
    pub(super) mtu: u32,
    /// flanneld masquerades what leaves the pod network.
    pub(super) ipmasq: bool,
}

/// Why a node has no subnet. Administrators know the first words: they are flannel's own.
#[derive(Debug, thiserror::Error)]
pub(super) enum SubnetEnvError {
    /// The file can't be read; flanneld has not been here yet.
    #[error(
        "failed to load flannel 'subnet.env' file: open {}: {source}. Check the flannel pod log for this node.",
        .path.display()
    )]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A line is wrong.
    #[error(
        "failed to load flannel 'subnet.env' file: {}: line {line}: {key}: invalid value {value:?}: {reason}",
        .path.display()
    )]
    Line {
        /// The file.
        path: PathBuf,
        /// Its line, from 1 on.
        line: usize,
        /// The variable.
        key: &'static str,
        /// What it says.
        value: String,
        /// What is wrong with that.
        reason: &'static str,
    },
    /// Lines are missing.
    #[error(
        "failed to load flannel 'subnet.env' file: {} is missing {}. Check the flannel pod log for this node.",
        .path.display(), .keys.join(", ")
    )]
    Missing {
        /// The file.
        path: PathBuf,
        /// The variables.
        keys: Vec<&'static str>,
    },
}

impl Coded for SubnetEnvError {
    /// A file that is not there yet will be there when flanneld has come up.
    fn code(&self) -> Code {
        match self {
            Self::Read { source, .. } if source.kind() == io::ErrorKind::NotFound => Code::TryAgain,
            Self::Read { .. } => Code::Io,
            Self::Line { .. } | Self::Missing { .. } => Code::InvalidConfig,
        }
    }
}

/// The variables, in the order in which missing ones are told.
const NETWORK: &str = "FLANNEL_NETWORK";
const IPV6_NETWORK: &str = "FLANNEL_IPV6_NETWORK";
const SUBNET: &str = "FLANNEL_SUBNET";
const IPV6_SUBNET: &str = "FLANNEL_IPV6_SUBNET";
const MTU: &str = "FLANNEL_MTU";
const IPMASQ: &str = "FLANNEL_IPMASQ";
const KEYS: [&str; 6] = [NETWORK, IPV6_NETWORK, SUBNET, IPV6_SUBNET, MTU, IPMASQ];

/// The last line of each variable that was there.
#[derive(Default)]
struct Lines {
    networks: Vec<IpNetwork>,
    ipv6_networks: Vec<IpNetwork>,
    subnet: Option<IpNetwork>,
    ipv6_subnet: Option<IpNetwork>,
    mtu: Option<u32>,
    ipmasq: Option<bool>,
}

impl SubnetEnv {
    /// Reads the file.
    ///
    /// # Errors
    /// [`SubnetEnvError`], which names the file and the line.
    pub(super) fn read(path: &Path) -> Result<Self, SubnetEnvError> {
        let read = fs::read(path).map_err(|source| SubnetEnvError::Read { path: path.to_owned(), source });
        Self::parse(&String::from_utf8_lossy(&read?), path)
    }

    fn parse(text: &str, path: &Path) -> Result<Self, SubnetEnvError> {
        let mut lines = Lines::default();
        for (index, line) in text.lines().enumerate() {
            let (name, value) = line.split_once('=').unwrap_or((line, ""));
            let Some(key) = KEYS.into_iter().find(|key| *key == name) else { continue };
            lines.set(key, value).map_err(|reason| SubnetEnvError::Line {
                path: path.to_owned(),
                line: index + 1,
                key,
                value: value.to_owned(),
                reason,
            })?;
        }
        let keys = lines.missing();
        let missing = || SubnetEnvError::Missing { path: path.to_owned(), keys };
        lines.whole().ok_or_else(missing)
    }
}

impl Lines {
    fn set(&mut self, key: &str, value: &str) -> Result<(), &'static str> {
        match key {
            NETWORK => self.networks = networks(value)?,
            IPV6_NETWORK => self.ipv6_networks = networks(value)?,
            SUBNET => self.subnet = Some(network(value)?),
            IPV6_SUBNET => self.ipv6_subnet = Some(network(value)?),
            MTU => self.mtu = Some(number(value)?),
            // As flannel reads it: whatever else is there, nobody has said that flanneld masquerades.
            _ => self.ipmasq = Some(value == "true"),
        }
        Ok(())
    }

    fn missing(&self) -> Vec<&'static str> {
        let mut missing = Vec::new();
        if self.networks.is_empty() && self.ipv6_networks.is_empty() {
            missing.extend([NETWORK, IPV6_NETWORK]);
        }
        if self.subnet.is_none() && self.ipv6_subnet.is_none() {
            missing.extend([SUBNET, IPV6_SUBNET]);
        }
        missing.extend(self.mtu.is_none().then_some(MTU));
        missing.extend(self.ipmasq.is_none().then_some(IPMASQ));
        missing
    }

    fn whole(self) -> Option<SubnetEnv> {
        let networks = [self.networks, self.ipv6_networks].concat();
        let subnets: Vec<_> = self.subnet.into_iter().chain(self.ipv6_subnet).collect();
        let known = !networks.is_empty() && !subnets.is_empty();
        known.then_some(SubnetEnv { networks, subnets, mtu: self.mtu?, ipmasq: self.ipmasq? })
    }
}

fn networks(list: &str) -> Result<Vec<IpNetwork>, &'static str> {
    let mut networks = Vec::new();
    for text in list.split(',') {
        let network = network(text)?;
        if !networks.contains(&network) {
            networks.push(network);
        }
    }
    Ok(networks)
}

fn network(text: &str) -> Result<IpNetwork, &'static str> {
    const REASON: &str = "expected an address and the length of its prefix, as in 10.244.1.1/24";
    let text: StrDeserializer<'_, ValueError> = text.into_deserializer();
    let network = go::network(text).map_err(|_| REASON)?;
    IpNetwork::new(network.network(), network.prefix()).map_err(|_| REASON)
}

fn number(text: &str) -> Result<u32, &'static str> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten().ok_or("expected a number of bytes")
}

#[cfg(test)]
mod tests {
    use super::*;

    const DUAL: &str = "FLANNEL_NETWORK=10.244.0.0/16\nFLANNEL_SUBNET=10.244.1.1/24\nFLANNEL_IPV6_NETWORK=fd00::/48\n\
                        FLANNEL_IPV6_SUBNET=fd00:0:0:1::1/64\nFLANNEL_MTU=1450\nFLANNEL_IPMASQ=true\n";

    fn parse(text: &str) -> Result<SubnetEnv, String> {
        SubnetEnv::parse(text, Path::new("/run/env")).map_err(|error| error.to_string())
    }

    fn texts(networks: &[IpNetwork]) -> Vec<String> {
        networks.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn what_flanneld_writes_is_read_in_every_family() {
        let dual = parse(DUAL).unwrap();
        assert_eq!(texts(&dual.networks), ["10.244.0.0/16", "fd00::/48"]);
        assert_eq!(texts(&dual.subnets), ["10.244.1.0/24", "fd00:0:0:1::/64"]);
        assert_eq!((dual.mtu, dual.ipmasq), (1450, true));
        let v6 = parse(&DUAL.replace("_NETWORK=10", "=").replace("_SUBNET=10", "=")).unwrap();
        assert_eq!(texts(&v6.networks), ["fd00::/48"]);
        assert_eq!(texts(&v6.subnets), ["fd00:0:0:1::/64"]);
    }

    #[test]
    fn several_networks_are_told_apart_and_other_lines_ignored() {
        let text = format!(
            "\n# a note\r\nOTHER\n{DUAL}FLANNEL_NETWORK=10.1.2.3/16,10.1.0.0/16,10.2.0.0/16\r\nFLANNEL_IPMASQ=yes"
        );
        let several = parse(&text).unwrap();
        assert_eq!(texts(&several.networks), ["10.1.0.0/16", "10.2.0.0/16", "fd00::/48"]);
        assert!(!several.ipmasq);
    }

    #[test]
    fn what_is_wrong_is_named_with_file_line_and_value() {
        let start = "failed to load flannel 'subnet.env' file: /run/env: line 5: FLANNEL_MTU: invalid value";
        for (wrong, shown) in [("=big", r#""big""#), ("", r#""""#), ("=+1", r#""+1""#), ("=4294967296", "…")]
        {
            let error = parse(&DUAL.replace("=1450", wrong)).unwrap_err();
            let shown = shown.replace('…', r#""4294967296""#);
            assert_eq!(error, format!("{start} {shown}: expected a number of bytes"));
        }
        let error = parse(&DUAL.replace("10.244.1.1/24", "10.244.1.1")).unwrap_err();
        assert_eq!(
            error,
            "failed to load flannel 'subnet.env' file: /run/env: line 2: FLANNEL_SUBNET: invalid value \
             \"10.244.1.1\": expected an address and the length of its prefix, as in 10.244.1.1/24"
        );
    }

    #[test]
    fn missing_lines_are_told_all_at_once_in_the_words_of_flannel() {
        assert_eq!(
            parse("").unwrap_err(),
            "failed to load flannel 'subnet.env' file: /run/env is missing FLANNEL_NETWORK, FLANNEL_IPV6_NETWORK, \
             FLANNEL_SUBNET, FLANNEL_IPV6_SUBNET, FLANNEL_MTU, FLANNEL_IPMASQ. Check the flannel pod log for this node."
        );
    }
}
