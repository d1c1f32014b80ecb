//! From what the runtime asks for to mappings that don't overlap.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use netstate::{Family, HostPorts, PortMapping, PortRange, Transport};

use super::conf::{Asked, ConfError};

/// Fewer ports in a row than this are kept one by one: a range is dearer to change than a few ports.
const ROW: usize = 16;

/// One port of the host.
type Place = (Family, Transport, u16);

/// The mappings to a container's addresses, one of each family at most. What is asked for twice is mapped once, and ports
/// in a row are one mapping.
///
/// # Errors
/// [`ConfError::Twice`], where one port would lead to two places.
pub(super) fn mappings(asked: &[Asked], addresses: &[IpAddr]) -> Result<Vec<PortMapping>, ConfError> {
    let mut places: BTreeMap<Place, Vec<PortMapping>> = BTreeMap::new();
    for (asked, address) in asked.iter().flat_map(|asked| addresses.iter().map(move |to| (asked, *to))) {
        let Some(mapping) = mapping(asked, address) else { continue };
        let place = (mapping.from.family, mapping.from.protocol, asked.host_port);
        insert(places.entry(place).or_default(), mapping)?;
    }
    let mut singles: Vec<PortMapping> = places.into_values().flatten().collect();
    singles.sort_by_key(|mapping| mapping.from);
    Ok(rows(&singles))
}

/// None where the port is of an address of the other family.
fn mapping(asked: &Asked, to: IpAddr) -> Option<PortMapping> {
    let family = Family::of(to);
    if asked.host_ip.is_some_and(|address| Family::of(address) != family) {
        return None;
    }
    let address = asked.host_ip.filter(|address| !address.is_unspecified());
    let ports = PortRange::one(asked.host_port);
    let from = HostPorts { family, address, protocol: asked.protocol, ports };
    Some(PortMapping { from, to: SocketAddr::new(to, asked.container_port) })
}

/// A port of all addresses covers that of one.
fn insert(there: &mut Vec<PortMapping>, new: PortMapping) -> Result<(), ConfError> {
    let overlapping = |old: &&PortMapping| old.from.overlaps(&new.from);
    if let Some(old) = there.iter().filter(overlapping).find(|old| old.to != new.to) {
        let [from, one, other] = [new.from.to_string(), old.to.to_string(), new.to.to_string()];
        return Err(ConfError::Twice(from, one, other));
    }
    if new.from.address.is_none() {
        there.clear();
    }
    if !there.iter().any(|old| old.from.overlaps(&new.from)) {
        there.push(new);
    }
    Ok(())
}

/// Puts ports together that follow one another at both ends.
fn rows(singles: &[PortMapping]) -> Vec<PortMapping> {
    let follows = |one: &PortMapping, next: &PortMapping| {
        let same = |mapping: &PortMapping| (mapping.from.family, mapping.from.address, mapping.from.protocol);
        same(one) == same(next)
            && one.from.ports.last.checked_add(1) == Some(next.from.ports.first)
            && one.to.ip() == next.to.ip()
            && one.to.port().checked_add(1) == Some(next.to.port())
    };
    let row = |row: &[PortMapping]| match row {
        [first, .., last] if row.len() >= ROW => {
            let ports = PortRange { first: first.from.ports.first, last: last.from.ports.last };
            vec![PortMapping { from: HostPorts { ports, ..first.from }, to: first.to }]
        }
        few => few.to_vec(),
    };
    singles.chunk_by(follows).flat_map(row).collect()
}
