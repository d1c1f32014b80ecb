//! Links that are the container's alone.

use netlink_packet_route::link::{InfoData, InfoIpVlan, InfoMacVlan, InfoVlan};
use netstate::{ContainerLink, Device, LinkKind, LinkName, Lower, Mac, Place, Tap};

use super::{Found, find};
use crate::container_link;
use crate::link::{Seen, Socket};

/// Is the link as it was made? `host` and `container` are sockets of either side.
pub(super) fn container_link(host: &mut Socket, container: &mut Socket, wanted: &ContainerLink) -> Found {
    let seen = match find(container, &wanted.name)? {
        Ok(seen) => seen,
        Err(found) => return Ok(Some(found)),
    };
    let kind = container_link::kind(&wanted.kind).to_string();
    if !seen.is_kind(&kind) {
        return Ok(Some(format!("is of the kind {}", seen.kind.as_deref().unwrap_or("none"))));
    }
    if let Some(lower) = wanted.kind.lower() {
        let socket = match lower.place {
            Place::Host => host,
            Place::Container => container,
        };
        if let Some(found) = rests_elsewhere(socket, &seen, lower)? {
            return Ok(Some(found));
        }
    }
    if let LinkKind::Tap(Tap { bridge: Some(bridge), .. }) = &wanted.kind
        && let Some(found) = no_port(container, &seen, bridge)?
    {
        return Ok(Some(found));
    }
    if !same(container_link::data(&wanted.kind).as_ref(), seen.data.as_ref()) {
        return Ok(Some("has another mode or VLAN".to_owned()));
    }
    if let Some(mtu) = wanted.mtu.filter(|mtu| *mtu != seen.mtu) {
        return Ok(Some(format!("has the MTU {} instead of {mtu}", seen.mtu)));
    }
    Ok(other_mac(&seen, wanted.mac))
}

/// Is the device in the container?
pub(super) fn device(container: &mut Socket, wanted: &Device) -> Found {
    Ok(match find(container, &wanted.name)? {
        Ok(seen) => other_mac(&seen, wanted.mac),
        Err(found) => Some(found),
    })
}

fn other_mac(seen: &Seen, wanted: Option<Mac>) -> Option<String> {
    wanted.filter(|mac| seen.mac != Some(*mac)).map(|_| {
        let mac = seen.mac.map_or_else(|| "none".to_owned(), |mac| mac.to_string());
        format!("has the address {mac}")
    })
}

fn rests_elsewhere(socket: &mut Socket, seen: &Seen, lower: &Lower) -> Found {
    Ok(match find(socket, &lower.name)? {
        Err(found) => Some(format!("{} {found}", lower.name)),
        Ok(found) if seen.peer != Some(found.index) => Some(format!("does not rest on {}", lower.name)),
        Ok(_) => None,
    })
}

fn no_port(socket: &mut Socket, seen: &Seen, bridge: &LinkName) -> Found {
    let there = find(socket, bridge)?.ok().map(|found| found.index);
    Ok((there.is_none() || seen.master != there).then(|| format!("is no port of {bridge}")))
}

/// Does what the kernel shows hold the mode or VLAN that is wanted?
fn same(wanted: Option<&InfoData>, seen: Option<&InfoData>) -> bool {
    match (wanted, seen) {
        (None, _) => true,
        (Some(InfoData::MacVlan(wanted)), Some(InfoData::MacVlan(seen))) => {
            seen.iter().any(|option| matches!(option, InfoMacVlan::Mode(_)) && wanted.contains(option))
        }
        (Some(InfoData::IpVlan(wanted)), Some(InfoData::IpVlan(seen))) => {
            seen.iter().any(|option| matches!(option, InfoIpVlan::Mode(_)) && wanted.contains(option))
        }
        (Some(InfoData::Vlan(wanted)), Some(InfoData::Vlan(seen))) => {
            seen.iter().any(|option| matches!(option, InfoVlan::Id(_)) && wanted.contains(option))
        }
        _ => false,
    }
}
