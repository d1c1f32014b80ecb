//! Addresses of confirmed subnets only (`ipam.subnetFile`).
//!
//! An agent writes which subnets are the node's into a file below `/run`, in flannel's words (`subnet.env`), before it
//! writes the network configuration. After a reboot the configuration is still there and the file is not: the subnet
//! may be another node's by now, so nothing is given away until the agent has asked again.

use std::fs;
use std::io;
use std::path::PathBuf;

use cni::{Code, Coded};
use ipnetwork::IpNetwork;

use super::config::{ConfigError, Settings};
use super::range_set::RangeSet;

/// The lines that name a subnet, by its first address.
const SUBNETS: [&str; 2] = ["FLANNEL_SUBNET=", "FLANNEL_IPV6_SUBNET="];

/// A range of which nobody has said that it is this node's now.
#[derive(Debug, thiserror::Error)]
#[error(
    "waiting until subnet {subnet} is confirmed as this node's by {}, which {found}: the node's agent writes it once it \
     knows the node's podCIDR", .path.display()
)]
pub(crate) struct Unconfirmed {
    subnet: IpNetwork,
    path: PathBuf,
    found: Found,
}

/// What is in the file.
#[derive(Debug)]
enum Found {
    Unread(io::Error),
    Names(Vec<IpNetwork>),
}

impl std::fmt::Display for Found {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unread(error) if error.kind() == io::ErrorKind::NotFound => f.write_str("is not there yet"),
            Self::Unread(error) => write!(f, "can't be read: {error}"),
            Self::Names(subnets) if subnets.is_empty() => f.write_str("names no subnet"),
            Self::Names(subnets) => {
                let names: Vec<_> = subnets.iter().map(ToString::to_string).collect();
                write!(f, "names {}", names.join(" and "))
            }
        }
    }
}

impl Coded for Unconfirmed {
    fn code(&self) -> Code {
        Code::TryAgain
    }

    fn details(&self) -> String {
        "ipam.subnetFile".to_owned()
    }
}

/// Is every range in a subnet that the file names? Without `subnetFile` nothing is asked.
///
/// # Errors
/// [`Unconfirmed`], of the first that is in none.
pub(crate) fn require(settings: &Settings) -> Result<(), Unconfirmed> {
    let Some(path) = &settings.subnet_file else { return Ok(()) };
    let found = match fs::read_to_string(path) {
        Ok(text) => Found::Names(subnets(&text)),
        Err(error) => Found::Unread(error),
    };
    let known = match &found {
        Found::Names(known) => known.as_slice(),
        Found::Unread(_) => &[],
    };
    let mut ranges = settings.sets.iter().flat_map(RangeSet::subnets);
    match ranges.find(|range| !known.iter().any(|subnet| holds(*subnet, *range))) {
        Some(subnet) => Err(Unconfirmed { subnet, path: path.clone(), found }),
        None => Ok(()),
    }
}

/// A line that can't be read names nothing.
fn subnets(text: &str) -> Vec<IpNetwork> {
    let named = |line: &str| {
        let first = SUBNETS.iter().find_map(|key| line.strip_prefix(key))?;
        let first: IpNetwork = first.trim().parse().ok()?;
        IpNetwork::new(first.network(), first.prefix()).ok()
    };
    text.lines().filter_map(named).collect()
}

fn holds(subnet: IpNetwork, range: IpNetwork) -> bool {
    subnet.contains(range.network()) && subnet.prefix() <= range.prefix()
}

/// The file that `ipam.subnetFile` names; none where the key is empty.
///
/// # Errors
/// [`ConfigError::SubnetFile`]: a runtime calls us wherever it likes.
pub(crate) fn file(name: String) -> Result<Option<PathBuf>, ConfigError> {
    let path = PathBuf::from(&name);
    match (name.is_empty(), path.is_absolute()) {
        (true, _) => Ok(None),
        (_, true) => Ok(Some(path)),
        (_, false) => Err(ConfigError::SubnetFile(name)),
    }
}
