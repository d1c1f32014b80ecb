//! A range: the addresses of a subnet from its first to its last, without its gateway.

use std::fmt;
use std::net::IpAddr;

use cni::go;
use ipnetwork::IpNetwork;
use serde::Deserialize;

use super::number;

/// A range as configurations and runtimes write it. Some runtimes write empty texts for what they leave open.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Written {
    #[serde(deserialize_with = "go::optional_network")]
    pub(crate) subnet: Option<IpNetwork>,
    #[serde(deserialize_with = "go::optional_address")]
    pub(crate) range_start: Option<IpAddr>,
    #[serde(deserialize_with = "go::optional_address")]
    pub(crate) range_end: Option<IpAddr>,
    #[serde(deserialize_with = "go::optional_address")]
    pub(crate) gateway: Option<IpAddr>,
}

/// A range in which an address can be chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Range {
    subnet: IpNetwork,
    first: IpAddr,
    last: IpAddr,
    gateway: IpAddr,
}

/// Why a range can't be used. The texts are the reference's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RangeError {
    /// There is no `subnet`.
    #[error("subnet: missing")]
    NoSubnet,
    /// IPv4 in IPv6's clothes.
    #[error("subnet {0}: write an IPv4 subnet as such")]
    Mapped(IpNetwork),
    /// A /31, a /32 and their like have no address to give.
    #[error("Network {0} too small to allocate from")]
    TooSmall(IpNetwork),
    /// The subnet's address is not its first.
    #[error(
        "Network has host bits set. For a subnet mask of length {length} the network address is {address}",
        length = .subnet.prefix(), address = .subnet.network()
    )]
    HostBits {
        /// `subnet`.
        subnet: IpNetwork,
    },
    /// `rangeStart` is outside the subnet, or behind `rangeEnd`.
    #[error("RangeStart {address} not in network {subnet}")]
    Start {
        /// `rangeStart`.
        address: IpAddr,
        /// `subnet`.
        subnet: IpNetwork,
    },
    /// `rangeEnd` is outside the subnet, or before `rangeStart`.
    #[error("RangeEnd {address} not in network {subnet}")]
    End {
        /// `rangeEnd`.
        address: IpAddr,
        /// `subnet`.
        subnet: IpNetwork,
    },
}

impl Range {
    /// Checks a range and fills in what was left open: from the subnet's second address (the gateway) to its last.
    pub(crate) fn new(written: &Written) -> Result<Self, RangeError> {
        let subnet = written.subnet.ok_or(RangeError::NoSubnet)?;
        let address = subnet.ip();
        if address.to_canonical() != address {
            return Err(RangeError::Mapped(subnet));
        }
        if subnet.prefix() > number::bits(address) - 2 {
            return Err(RangeError::TooSmall(subnet));
        }
        if subnet.network() != address {
            return Err(RangeError::HostBits { subnet });
        }
        let [start, end, gateway] = [written.range_start, written.range_end, written.gateway]
            .map(|given| given.map(|ip| ip.to_canonical()));
        let second = number::next(address);
        let range = Self {
            subnet,
            first: start.unwrap_or(second),
            last: end.unwrap_or_else(|| number::last_usable(subnet)),
            gateway: gateway.unwrap_or(second),
        };
        let ordered = end.is_none() || range.first <= range.last;
        match (start, end) {
            (Some(address), _) if !subnet.contains(address) || !ordered => {
                Err(RangeError::Start { address, subnet })
            }
            (_, Some(address)) if !subnet.contains(address) || !ordered => {
                Err(RangeError::End { address, subnet })
            }
            _ => Ok(range),
        }
    }

    pub(crate) fn subnet(&self) -> IpNetwork {
        self.subnet
    }

    pub(crate) fn first(&self) -> IpAddr {
        self.first
    }

    pub(crate) fn last(&self) -> IpAddr {
        self.last
    }

    pub(crate) fn gateway(&self) -> IpAddr {
        self.gateway
    }

    /// Is the address between the first and the last?
    pub(crate) fn contains(&self, address: IpAddr) -> bool {
        // The order of `IpAddr` puts every IPv4 address before every IPv6 address, so families don't mix.
        self.first <= address && address <= self.last && self.subnet.contains(address)
    }

    /// Have the two an address in common?
    pub(crate) fn overlaps(&self, other: &Self) -> bool {
        self.contains(other.first)
            || self.contains(other.last)
            || other.contains(self.first)
            || other.contains(self.last)
    }

    /// How many addresses it can give.
    pub(crate) fn capacity(&self) -> u128 {
        let gateway = u128::from(self.contains(self.gateway));
        (number::of(self.last) - number::of(self.first)).saturating_add(1) - gateway
    }
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.first, self.last)
    }
}
