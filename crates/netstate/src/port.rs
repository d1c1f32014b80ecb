//! What ports of the host lead to in a container (`portmap`). `host::nftables` knows how the kernel is told.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use ipnetwork::IpNetwork;

use crate::{Attachment, Condition, Family, HostPorts};

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

    #[test]
    fn each_port_of_a_range_has_its_own_target() {
        let mapping =
            PortMapping { from: "0.0.0.0:80-90/tcp".parse().unwrap(), to: "10.1.0.2:8080".parse().unwrap() };
        assert_eq!(mapping.target(85), Some("10.1.0.2:8085".parse().unwrap()));
        assert_eq!((mapping.target(79), mapping.target(91)), (None, None));
    }

    #[test]
    fn only_what_127_0_0_1_leads_to_needs_loopback_packets_to_pass() {
        let to: SocketAddr = "10.1.0.2:80".parse().unwrap();
        let owner = Attachment { network: "net".into(), container: "c".into(), ifname: "eth0".into() };
        let hairpin = Hairpin { to: to.ip(), sources: "10.1.0.0/24".parse().unwrap() };
        for (from, hairpins, wanted) in [
            ("0.0.0.0:80/tcp", vec![hairpin], Some(to.ip())),
            ("127.0.0.1:80/tcp", vec![hairpin], Some(to.ip())),
            ("192.0.2.1:80/tcp", vec![hairpin], None),
            ("0.0.0.0:80/tcp", vec![], None),
        ] {
            let mappings = vec![PortMapping { from: from.parse().unwrap(), to }];
            let class = PortClass::default();
            let ports = Ports { class, mappings, hairpins, owner: owner.clone() };
            assert_eq!(ports.from_loopback(), wanted, "{from}");
        }
    }
}
