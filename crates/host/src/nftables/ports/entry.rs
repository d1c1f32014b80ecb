//! Elements of the maps of ports, as they are asked for and as they are told.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use netlink_packet_netfilter::NetfilterMessage;
use netstate::{Family, HostPorts, PortMapping, PortRange, Ports, Transport};

use super::TABLE;
use super::class::{Class, Map, inside_name};
use crate::nftables::address::bytes;
use crate::nftables::answer::Entry;
use crate::nftables::message::Change;
use crate::nftables::owner::Owner;
use crate::nftables::set::{Key, Leads, NewEntry};

/// Who asks for an element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sharing {
    /// Its owner.
    Alone,
    /// The owner's container by another interface, too, which is to have it afterwards.
    Shared,
}

/// An element: the ports, or the hairpin, of an owner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PortEntry {
    /// Which ports; none for a hairpin.
    pub(super) from: Option<HostPorts>,
    /// Whose.
    pub(super) owner: Owner,
    /// The map.
    pub(super) map: String,
    /// Its key.
    pub(super) key: Key,
    /// Where it leads to.
    pub(super) leads: Leads,
    /// Who asks for it.
    pub(super) sharing: Sharing,
}

/// The elements that an attachment's ports need.
pub(super) fn of(class: &Class, ports: &Ports) -> Vec<PortEntry> {
    let owner = Owner::of(&ports.owner);
    let each = ports.mappings.iter().flat_map(pieces);
    let mut entries: Vec<PortEntry> = each
        .map(|mapping| PortEntry {
            from: Some(mapping.from),
            owner: owner.clone(),
            map: map_of(&mapping.from).name(mapping.from.family, class.suffix()),
            key: key(&mapping.from),
            leads: Leads::Value(value(&mapping)),
            sharing: Sharing::Alone,
        })
        .collect();
    entries.extend(ports.hairpins.iter().map(|hairpin| PortEntry {
        from: None,
        owner: owner.clone(),
        map: Map::Hairpins.name(Family::of(hairpin.to), class.suffix()),
        key: bytes(hairpin.to).into(),
        leads: Leads::Chain(inside_name(hairpin.sources)),
        sharing: Sharing::Alone,
    }));
    entries
}

/// A range that is moved is its single ports.
fn pieces(mapping: &PortMapping) -> Vec<PortMapping> {
    let PortRange { first, last } = mapping.from.ports;
    if first == last || first == mapping.to.port() {
        return vec![*mapping];
    }
    (first..=last)
        .map(|port| PortMapping {
            from: HostPorts { ports: PortRange::one(port), ..mapping.from },
            to: SocketAddr::new(mapping.to.ip(), mapping.to.port().wrapping_add(port - first)),
        })
        .collect()
}

/// The map that holds such ports.
pub(super) fn map_of(from: &HostPorts) -> Map {
    match (from.ports.single(), from.address) {
        (None, _) => Map::Ranges,
        (Some(_), Some(_)) => Map::ByAddress,
        (Some(_), None) => Map::Ports,
    }
}

/// Each part is filled up to a multiple of 4 bytes.
pub(super) fn key(from: &HostPorts) -> Key {
    let part = |address: Option<IpAddr>, port: u16| {
        let [high, low] = port.to_be_bytes();
        let mut key = address.map(bytes).unwrap_or_default();
        key.extend([from.protocol.number(), 0, 0, 0, high, low, 0, 0]);
        key
    };
    let ports = from.ports;
    if ports.single().is_some() {
        return part(from.address, ports.first).into();
    }
    let highest = match from.family {
        Family::V4 => IpAddr::from([0xff; 4]),
        Family::V6 => IpAddr::from([0xff; 16]),
    };
    Key {
        first: part(from.address.or(Some(from.family.unspecified())), ports.first),
        last: Some(part(from.address.or(Some(highest)), ports.last)),
    }
}

/// Address and port, or where ports keep their numbers the address.
fn value(mapping: &PortMapping) -> Vec<u8> {
    let mut value = bytes(mapping.to.ip());
    if map_of(&mapping.from) != Map::Ranges {
        let [high, low] = mapping.to.port().to_be_bytes();
        value.extend([high, low, 0, 0]);
    }
    value
}

/// Reads the ports of an element of one of our maps.
pub(super) fn parse(map: Map, family: Family, found: &Entry) -> Option<HostPorts> {
    let length = usize::from(family.bits() / 8);
    let (address, rest) = found.key.split_at_checked(if map == Map::Ports { 0 } else { length })?;
    let (protocol, port) = (*rest.first()?, u16::from_be_bytes([*rest.get(4)?, *rest.get(5)?]));
    let (mut last, mut any) = (port, map == Map::Ports);
    if let Some(highest) = &found.last {
        let tail = highest.get(length + 4..)?;
        last = u16::from_be_bytes([*tail.first()?, *tail.get(1)?]);
        any = highest.get(..length)? != address;
    }
    let address = match address.len() {
        _ if any => None,
        4 => Some(IpAddr::from(<[u8; 4]>::try_from(address).ok()?)),
        _ => Some(IpAddr::from(<[u8; 16]>::try_from(address).ok()?)),
    };
    let protocol = Transport::ALL.into_iter().find(|known| known.number() == protocol)?;
    Some(HostPorts { family, address, protocol, ports: PortRange { first: port, last } })
}

impl PortEntry {
    /// Asks for it.
    pub(super) fn question(&self) -> NetfilterMessage {
        TABLE.get_element(&self.map, &self.key.first)
    }

    /// Has the element this key? A question about a range is answered with whatever range holds its beginning.
    pub(super) fn is_keyed(&self, found: &Entry) -> bool {
        found.key == self.key.first && found.last == self.key.last
    }

    /// The same, for somebody else, too.
    pub(super) fn shared(&self) -> Self {
        Self { sharing: Sharing::Shared, ..self.clone() }
    }

    /// Is it the same element, whosever it is?
    pub(super) fn is_same(&self, other: &Self) -> bool {
        (&self.map, &self.key) == (&other.map, &other.key)
    }

    fn addition(self) -> NewEntry {
        let comment = match self.sharing {
            Sharing::Alone => self.owner.comment(None),
            Sharing::Shared => self.owner.comment_of_shared(),
        };
        NewEntry { name: self.to_string(), comment, key: self.key, leads: self.leads }
    }
}

impl fmt::Display for PortEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.from, &self.leads) {
            (Some(from), _) => write!(f, "port {from}"),
            (None, Leads::Chain(chain)) => write!(f, "hairpin {chain}"),
            (None, _) => f.write_str("hairpin"),
        }
    }
}

/// Deletes elements that are there, a message for each map.
pub(super) fn deletions(entries: &[PortEntry]) -> Vec<Change> {
    let keys = |map: &str| -> Vec<Key> {
        entries.iter().filter(|entry| entry.map == map).map(|entry| entry.key.clone()).collect()
    };
    maps(entries).iter().flat_map(|map| TABLE.delete_ranges(map, &keys(map))).collect()
}

/// Adds elements.
pub(super) fn additions(entries: &[PortEntry]) -> Vec<Change> {
    let mut changes = Vec::new();
    for map in maps(entries) {
        let some = entries.iter().filter(|entry| entry.map == map).cloned().map(PortEntry::addition);
        changes.extend(TABLE.add_entries(&map, some.collect()));
    }
    changes
}

/// The maps, each once.
fn maps(entries: &[PortEntry]) -> Vec<String> {
    let mut maps: Vec<String> = entries.iter().map(|entry| entry.map.clone()).collect();
    maps.sort();
    maps.dedup();
    maps
}
