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

#[cfg(test)]
mod tests {
    use super::*;

    fn written(subnet: &str, [start, end, gateway]: [&str; 3]) -> Written {
        let address = |text: &str| (!text.is_empty()).then(|| text.parse().unwrap());
        Written {
            subnet: Some(subnet.parse().unwrap()),
            range_start: address(start),
            range_end: address(end),
            gateway: address(gateway),
        }
    }

    fn range(subnet: &str, start: &str, end: &str) -> Result<Range, RangeError> {
        Range::new(&written(subnet, [start, end, ""]))
    }

    /// Subnet, what is given, and what comes of it: first, last, gateway.
    const DEFAULTS: &[(&str, [&str; 3], [&str; 3])] = &[
        ("192.0.2.0/24", ["", "", ""], ["192.0.2.1", "192.0.2.254", "192.0.2.1"]),
        ("192.0.2.0/25", ["", "", ""], ["192.0.2.1", "192.0.2.126", "192.0.2.1"]),
        ("10.0.0.0/30", ["", "", ""], ["10.0.0.1", "10.0.0.2", "10.0.0.1"]),
        (
            "2001:db8:1::/64",
            ["", "", ""],
            ["2001:db8:1::1", "2001:db8:1:0:ffff:ffff:ffff:ffff", "2001:db8:1::1"],
        ),
        (
            "192.0.2.0/24",
            ["192.0.2.40", "192.0.2.50", "192.0.2.254"],
            ["192.0.2.40", "192.0.2.50", "192.0.2.254"],
        ),
        ("192.0.2.0/24", ["::ffff:192.0.2.40", "", ""], ["192.0.2.40", "192.0.2.254", "192.0.2.1"]),
        ("::/0", ["", "", ""], ["::1", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "::1"]),
    ];

    #[test]
    fn what_is_left_open_follows_from_the_subnet() {
        for (subnet, given, expected) in DEFAULTS {
            let range = Range::new(&written(subnet, *given)).unwrap();
            let found = [range.first, range.last, range.gateway].map(|address| address.to_string());
            assert_eq!(found, *expected, "{subnet}");
        }
    }

    #[test]
    fn a_wrong_range_is_refused_in_the_words_of_the_reference() {
        for (subnet, start, end, text) in [
            (
                "192.0.2.12/24",
                "",
                "",
                "Network has host bits set. For a subnet mask of length 24 the network address is 192.0.2.0",
            ),
            (
                "2001:DB8:1::24:19ff:fee1:c44a/64",
                "",
                "",
                "Network has host bits set. For a subnet mask of length 64 the network address is 2001:db8:1::",
            ),
            (
                "2001:DB8:24:19ff::/63",
                "",
                "",
                "Network has host bits set. For a subnet mask of length 63 the network address is 2001:db8:24:19fe::",
            ),
            (
                "192.168.127.0/23",
                "",
                "",
                "Network has host bits set. For a subnet mask of length 23 the network address is 192.168.126.0",
            ),
            ("192.0.2.0/31", "", "", "Network 192.0.2.0/31 too small to allocate from"),
            ("192.0.2.7/32", "", "", "Network 192.0.2.7/32 too small to allocate from"),
            ("2001:db8::/127", "", "", "Network 2001:db8::/127 too small to allocate from"),
            ("192.0.2.0/24", "192.0.3.0", "", "RangeStart 192.0.3.0 not in network 192.0.2.0/24"),
            ("192.0.2.0/24", "", "192.0.4.0", "RangeEnd 192.0.4.0 not in network 192.0.2.0/24"),
            ("192.0.2.0/24", "192.0.2.50", "192.0.2.40", "RangeStart 192.0.2.50 not in network 192.0.2.0/24"),
            ("192.0.2.0/24", "", "192.0.2.0", "RangeEnd 192.0.2.0 not in network 192.0.2.0/24"),
            ("192.0.2.0/24", "2001:db8::5", "", "RangeStart 2001:db8::5 not in network 192.0.2.0/24"),
            ("::ffff:10.0.0.0/120", "", "", "subnet ::ffff:10.0.0.0/120: write an IPv4 subnet as such"),
        ] {
            assert_eq!(range(subnet, start, end).unwrap_err().to_string(), text);
        }
    }

    #[test]
    fn an_address_outside_its_ends_or_of_the_other_family_is_not_in_a_range() {
        for (subnet, start, end, inside, outside) in [
            (
                "192.0.2.0/24",
                "192.0.2.40",
                "192.0.2.50",
                ["192.0.2.40", "192.0.2.50"],
                ["192.0.3.0", "192.0.2.39", "192.0.2.51", "::1"],
            ),
            (
                "2001:db8:1::/64",
                "2001:db8:1::40",
                "2001:db8:1::50",
                ["2001:db8:1::40", "2001:db8:1::50"],
                ["2001:db8:2::", "2001:db8:1::39", "2001:db8:1::51", "1.2.3.4"],
            ),
        ] {
            let range = range(subnet, start, end).unwrap();
            assert!(inside.iter().all(|address| range.contains(address.parse().unwrap())));
            assert!(!outside.iter().any(|address| range.contains(address.parse().unwrap())));
        }
    }

    #[test]
    fn ranges_overlap_where_they_have_an_address_in_common() {
        for (one, other, overlap) in [
            (["10.0.0.0/24", "", ""], ["10.0.1.0/24", "", ""], false),
            (["0.0.0.0/24", "", ""], ["::/24", "", ""], false),
            (["10.0.0.0/24", "", ""], ["10.0.0.0/24", "", ""], true),
            (["10.0.0.0/20", "", ""], ["10.0.1.0/24", "", ""], true),
            (["10.0.0.0/24", "", "10.0.0.127"], ["10.0.0.0/24", "10.0.0.128", ""], false),
            (["10.0.0.0/24", "", "10.0.0.127"], ["10.0.0.0/24", "10.0.0.127", ""], true),
        ] {
            let [one, other] = [one, other].map(|[subnet, start, end]| range(subnet, start, end).unwrap());
            assert_eq!((one.overlaps(&other), other.overlaps(&one)), (overlap, overlap), "{one} {other}");
        }
    }

    #[test]
    fn the_gateway_is_not_among_the_addresses_to_give() {
        for (subnet, given, capacity) in [
            ("10.0.0.0/30", ["", "", ""], 1),
            ("10.0.0.0/24", ["", "", ""], 253),
            ("10.0.0.0/24", ["10.0.0.10", "10.0.0.19", ""], 10),
            ("::/0", ["", "", ""], u128::MAX - 1),
        ] {
            assert_eq!(Range::new(&written(subnet, given)).unwrap().capacity(), capacity, "{subnet}");
        }
    }
}
