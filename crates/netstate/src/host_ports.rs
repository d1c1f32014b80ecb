//! Ports of the host.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use crate::Family;

/// A protocol that has ports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Transport {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
    /// SCTP.
    Sctp,
}

/// Text that names no [`Transport`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no protocol with ports: tcp, udp or sctp")]
pub struct TransportError(pub String);

impl Transport {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Tcp, Self::Udp, Self::Sctp];

    /// Its number in the IP header (`IPPROTO_*`).
    pub const fn number(self) -> u8 {
        match self {
            Self::Tcp => 6,
            Self::Udp => 17,
            Self::Sctp => 132,
        }
    }
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
            Self::Sctp => "sctp",
        })
    }
}

impl FromStr for Transport {
    type Err = TransportError;

    fn from_str(text: &str) -> Result<Self, TransportError> {
        let named = |known: &Self| known.to_string().eq_ignore_ascii_case(text);
        Self::ALL.into_iter().find(named).ok_or_else(|| TransportError(text.to_owned()))
    }
}

/// Ports that follow one another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PortRange {
    /// The lowest.
    pub first: u16,
    /// The highest, which may be the same.
    pub last: u16,
}

impl PortRange {
    /// A range of one.
    pub const fn one(port: u16) -> Self {
        Self { first: port, last: port }
    }

    /// The only port, where there is but one.
    pub fn single(self) -> Option<u16> {
        (self.first == self.last).then_some(self.first)
    }

    /// Do they have a port in common?
    pub fn overlaps(self, other: Self) -> bool {
        self.first <= other.last && other.first <= self.last
    }

    /// Is the port one of them?
    pub fn contains(self, port: u16) -> bool {
        self.overlaps(Self::one(port))
    }
}

impl fmt::Display for PortRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.single() {
            Some(port) => port.fmt(f),
            None => write!(f, "{}-{}", self.first, self.last),
        }
    }
}

/// Ports of the host, on one of its addresses or on all of the family.
///
/// Two of them exclude each other, as sockets do, where this table says so and protocol and port are the same:
///
/// | held | asked for | |
/// |---|---|---|
/// | any address | any address | taken |
/// | any address | 192.0.2.1 | taken |
/// | 192.0.2.1 | any address | taken |
/// | 192.0.2.1 | 192.0.2.1 | taken |
/// | 192.0.2.1 | 192.0.2.2 | free |
/// | any IPv4 address | any IPv6 address | free |
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct HostPorts {
    /// Of which family.
    pub family: Family,
    /// The only address of the host on which they are mapped; all of them where absent.
    pub address: Option<IpAddr>,
    /// Of which protocol.
    pub protocol: Transport,
    /// Which.
    pub ports: PortRange,
}

impl HostPorts {
    /// Does a packet exist that belongs to both? See the table above.
    pub fn overlaps(&self, other: &Self) -> bool {
        let apart = self.address.zip(other.address).is_some_and(|(one, other)| one != other);
        self.family == other.family
            && self.protocol == other.protocol
            && !apart
            && self.ports.overlaps(other.ports)
    }
}

impl fmt::Display for HostPorts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { family, address, protocol, ports } = self;
        let address = address.unwrap_or(family.unspecified());
        match address {
            IpAddr::V4(v4) => write!(f, "{v4}:{ports}/{protocol}"),
            IpAddr::V6(v6) => write!(f, "[{v6}]:{ports}/{protocol}"),
        }
    }
}

/// Text that tells of no ports of a host.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no ADDRESS:PORT/PROTOCOL or ADDRESS:PORT-PORT/PROTOCOL")]
pub struct HostPortsError(pub String);

/// As it is displayed: `0.0.0.0` and `::` stand for all addresses of their family.
impl FromStr for HostPorts {
    type Err = HostPortsError;

    fn from_str(text: &str) -> Result<Self, HostPortsError> {
        let parse = || {
            let (rest, protocol) = text.rsplit_once('/')?;
            let (address, ports) = rest.rsplit_once(':')?;
            let address: IpAddr = address.trim_matches(['[', ']']).parse().ok()?;
            let (first, last) = ports.split_once('-').unwrap_or((ports, ports));
            Some(Self {
                family: Family::of(address),
                address: Some(address).filter(|address| !address.is_unspecified()),
                protocol: protocol.parse().ok()?,
                ports: PortRange { first: first.parse().ok()?, last: last.parse().ok()? },
            })
        };
        parse().ok_or_else(|| HostPortsError(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ports(address: Option<&str>, first: u16, last: u16) -> HostPorts {
        let address: Option<IpAddr> = address.map(|text| text.parse().unwrap());
        let family = address.map_or(Family::V4, Family::of);
        HostPorts { family, address, protocol: Transport::Tcp, ports: PortRange { first, last } }
    }

    #[test]
    fn host_ports_exclude_each_other_as_the_table_says() {
        let (any, one, two) = (None, Some("192.0.2.1"), Some("192.0.2.2"));
        for (held, asked, taken) in
            [(any, any, true), (any, one, true), (one, any, true), (one, one, true), (one, two, false)]
        {
            assert_eq!(ports(held, 80, 80).overlaps(&ports(asked, 80, 80)), taken, "{held:?} {asked:?}");
            assert!(!ports(held, 80, 80).overlaps(&ports(asked, 81, 90)), "{held:?} {asked:?}");
        }
        let v6 = HostPorts { family: Family::V6, ..ports(None, 80, 80) };
        let udp = HostPorts { protocol: Transport::Udp, ..ports(None, 80, 80) };
        assert!(!v6.overlaps(&ports(None, 80, 80)) && !udp.overlaps(&ports(None, 80, 80)));
        assert!(ports(None, 80, 90).overlaps(&ports(one, 90, 95)));
    }

    #[test]
    fn ports_are_read_as_they_are_displayed() {
        for text in ["0.0.0.0:80/tcp", "192.0.2.1:80-90/udp", "[::]:1/sctp", "[2001:db8::1]:65535/tcp"] {
            let ports: HostPorts = text.parse().unwrap();
            assert_eq!(ports.to_string(), text);
            assert_eq!(ports.address.is_none(), text.starts_with("0.") || text.starts_with("[::]"));
        }
        for text in ["80/tcp", "0.0.0.0:80", "0.0.0.0:80-/tcp", "0.0.0.0:65536/tcp", "a:80/tcp"] {
            assert!(text.parse::<HostPorts>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_protocol_is_read_in_letters_of_any_size() {
        assert_eq!("TCP".parse(), Ok(Transport::Tcp));
        assert_eq!("sctp".parse(), Ok(Transport::Sctp));
        assert_eq!(
            "icmp".parse::<Transport>().unwrap_err().to_string(),
            "\"icmp\" is no protocol with ports: tcp, udp or sctp"
        );
    }
}
