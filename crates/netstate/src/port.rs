//! Ports of the host that lead into a container (`portmap`). `host::nftables` knows how the kernel is told.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use ipnetwork::IpNetwork;

use crate::{Attachment, Condition, Family};

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

/// What comes to ports of the host goes to the same number of ports of a container, in the same order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PortMapping {
    /// The host's.
    pub from: HostPorts,
    /// The container's address, of the same family, and its first port.
    pub to: SocketAddr,
}

impl PortMapping {
    /// Where a port of the host leads to.
    pub fn target(&self, port: u16) -> Option<SocketAddr> {
        let offset = port.checked_sub(self.from.ports.first).filter(|_| self.from.ports.contains(port))?;
        Some(SocketAddr::new(self.to.ip(), self.to.port().checked_add(offset)?))
    }
}

impl fmt::Display for PortMapping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} to {}", self.from, self.to)
    }
}

/// What comes by a mapped port from `sources`, or from the node's own 127.0.0.0/8, reaches the container with an
/// address of the node as its source: only so its answers come back the same way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Hairpin {
    /// The container's address.
    pub to: IpAddr,
    /// The network next to the container, or everybody (`masqAll`).
    pub sources: IpNetwork,
}

impl fmt::Display for Hairpin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { to, sources } = self;
        write!(f, "masquerade to {to} from {}/{}", sources.network(), sources.prefix())
    }
}

/// A bit of a packet's mark, 0 to 31 (`markMasqBit`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct MarkBit(u8);

/// A number that is no [`MarkBit`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0} is no bit of a packet's mark: 0 to 31")]
pub struct MarkBitError(pub i64);

impl MarkBit {
    /// The mark with this bit alone.
    pub const fn mark(self) -> u32 {
        1 << self.0
    }

    /// Its number.
    pub const fn number(self) -> u8 {
        self.0
    }
}

/// The reference's.
impl Default for MarkBit {
    fn default() -> Self {
        Self(13)
    }
}

impl TryFrom<i64> for MarkBit {
    type Error = MarkBitError;

    fn try_from(number: i64) -> Result<Self, MarkBitError> {
        u8::try_from(number).ok().filter(|bit| *bit < 32).map(Self).ok_or(MarkBitError(number))
    }
}

/// What networks must have in common so that their mappings lie in the same maps.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PortClass {
    /// Marks, on their way through the node, packets that may need a [`Hairpin`].
    pub mark: MarkBit,
    /// What a packet must be like beside its destination, each family's, in the order of [`Family::ALL`].
    pub conditions: [Vec<Condition>; 2],
}

/// All mapped ports of an attachment. No two of its mappings overlap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ports {
    /// Where they lie.
    pub class: PortClass,
    /// The ports.
    pub mappings: Vec<PortMapping>,
    /// Whose sources are hidden from the container: one for each of its addresses at most.
    pub hairpins: Vec<Hairpin>,
    /// Whose they are: only its owner, or nobody living, takes them away.
    pub owner: Attachment,
}

/// Mapped ports by chains of iptables, for networks with conditions that only iptables knows, or with a chain of
/// somebody's that marks packets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PortChains {
    /// The ports; their class says nothing here.
    pub ports: Ports,
    /// How packets that may need a [`Hairpin`] are marked.
    pub marking: Marking,
    /// What a packet must be like, in iptables' words, each family's, in the order of [`Family::ALL`].
    pub conditions: [Vec<String>; 2],
}

/// How iptables marks a packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Marking {
    /// By this bit, and what has it is masqueraded.
    Bit(MarkBit),
    /// By a chain that is there already and sees to the rest (`externalSetMarkChain`).
    Chain(String),
}

impl fmt::Display for PortChains {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "iptables {}", self.ports)?;
        if let Marking::Chain(chain) = &self.marking {
            write!(f, " marked by {chain};")?;
        }
        let conditions = self.conditions.iter().filter(|words| !words.is_empty());
        conditions.into_iter().try_for_each(|words| write!(f, " where {};", words.join(" ")))
    }
}

impl Ports {
    /// The container's address to which ports of 127.0.0.0/8 lead, if there are any.
    pub fn from_loopback(&self) -> Option<IpAddr> {
        let loopback = |mapping: &&PortMapping| {
            mapping.from.family == Family::V4
                && mapping.from.address.is_none_or(|address| address.is_loopback())
        };
        let to = self.mappings.iter().find(loopback)?.to.ip();
        self.hairpins.iter().any(|hairpin| hairpin.to == to).then_some(to)
    }
}

impl fmt::Display for Ports {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ports")?;
        for mapping in &self.mappings {
            write!(f, " {mapping};")?;
        }
        for conditions in &self.class.conditions {
            conditions.iter().try_for_each(|condition| write!(f, " where {condition};"))?;
        }
        self.hairpins.iter().try_for_each(|hairpin| write!(f, " {hairpin};"))
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
    fn each_port_of_a_range_has_its_own_target() {
        let mapping = PortMapping { from: ports(None, 80, 90), to: "10.1.0.2:8080".parse().unwrap() };
        assert_eq!(mapping.target(85), Some("10.1.0.2:8085".parse().unwrap()));
        assert_eq!((mapping.target(79), mapping.target(91)), (None, None));
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

    #[test]
    fn only_what_127_0_0_1_leads_to_needs_loopback_packets_to_pass() {
        let to: SocketAddr = "10.1.0.2:80".parse().unwrap();
        let owner = Attachment { network: "net".into(), container: "c".into(), ifname: "eth0".into() };
        let hairpin = Hairpin { to: to.ip(), sources: "10.1.0.0/24".parse().unwrap() };
        for (address, hairpins, wanted) in [
            (None, vec![hairpin], Some(to.ip())),
            (Some("127.0.0.1"), vec![hairpin], Some(to.ip())),
            (Some("192.0.2.1"), vec![hairpin], None),
            (None, vec![], None),
        ] {
            let mappings = vec![PortMapping { from: ports(address, 80, 80), to }];
            let class = PortClass::default();
            let ports = Ports { class, mappings, hairpins, owner: owner.clone() };
            assert_eq!(ports.from_loopback(), wanted, "{address:?}");
        }
    }
}
