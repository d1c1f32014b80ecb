//! A fabric, with what the kernel calls its links.

use std::borrow::Cow;
use std::net::IpAddr;

use ipnetwork::IpNetwork;
use netstate::{Fabric, Family, Mac, Path, Via};

use super::Shape;
use super::object::{BY_HAND, Entry, Hop, Neighbour, PROTOCOL};
use super::report::Obstacle;

/// What is wanted, ready to be compared.
pub(super) struct Wanted<'a> {
    /// Sorted by subnet, each once, each a network address.
    pub(super) paths: Cow<'a, [Path]>,
    /// All pods' addresses.
    pub(super) networks: &'a [IpNetwork],
    /// The index of each family's tunnel.
    pub(super) tunnels: [Option<u32>; 2],
    /// The index of the underlay, or why it can't be used.
    pub(super) underlay: Result<u32, Obstacle>,
    /// What is to stand in the kernel for it.
    pub(super) shape: Shape,
    /// Each family's MACs behind its tunnel, sorted, with the number of the first path to it.
    macs: [Vec<(Mac, u32)>; 2],
}

impl<'a> Wanted<'a> {
    pub(super) fn new(
        fabric: &'a Fabric,
        tunnels: [Option<u32>; 2],
        underlay: Result<u32, Obstacle>,
        shape: Shape,
    ) -> Self {
        let paths = in_order(&fabric.paths);
        let macs = Family::ALL.map(|family| macs(&paths, family));
        Self { paths, networks: &fabric.networks, tunnels, underlay, shape, macs }
    }

    /// The protocol number that routes get.
    pub(super) fn protocol(&self) -> u8 {
        match self.shape {
            Shape::NextHops | Shape::Plain => PROTOCOL,
            Shape::Flannel => BY_HAND,
        }
    }

    /// Where a path's packets go next.
    pub(super) fn hop(&self, path: &Path) -> Result<Hop, Obstacle> {
        let family = Family::of(path.subnet.ip());
        match path.via {
            Via::Direct { gateway } if Family::of(gateway) != family => Err(Obstacle::OtherFamily),
            Via::Direct { gateway } => Ok(Hop { gateway, link: self.underlay.clone()?, onlink: false }),
            Via::Tunnel { mac, endpoint } => {
                let link = self.tunnels[family as usize].ok_or(Obstacle::NoTunnel(family))?;
                let first = self.by_mac(link, mac).map(|number| self.paths[number].via);
                if first == Some(Via::Tunnel { mac, endpoint }) {
                    Ok(Hop { gateway: path.subnet.ip(), link, onlink: true })
                } else {
                    Err(Obstacle::SameMac(mac))
                }
            }
        }
    }

    /// The neighbour and the forwarding entry of a path through a tunnel.
    pub(super) fn beyond(path: &Path, hop: Hop) -> Option<(Neighbour, Entry)> {
        let Via::Tunnel { mac, endpoint } = path.via else { return None };
        let neighbour = Neighbour { link: hop.link, address: hop.gateway, mac: Some(mac), permanent: true };
        let entry = Entry { link: hop.link, mac, endpoint: Some(endpoint), permanent: true };
        Some((neighbour, entry))
    }

    /// The number of the path to exactly this subnet.
    pub(super) fn by_subnet(&self, subnet: IpNetwork) -> Option<usize> {
        self.paths.binary_search_by_key(&subnet, |path| path.subnet).ok()
    }

    /// The number of the path through a tunnel whose subnet begins with this address.
    pub(super) fn by_first_address(&self, address: IpAddr) -> Option<usize> {
        let start = self.paths.partition_point(|path| path.subnet.ip() < address);
        let same = self.paths[start..].iter().take_while(|path| path.subnet.ip() == address);
        let mut through = same.enumerate().filter(|(_, path)| matches!(path.via, Via::Tunnel { .. }));
        through.next().map(|(number, _)| start + number)
    }

    /// The number of the path whose node has this MAC, beyond the tunnel `link`.
    pub(super) fn by_mac(&self, link: u32, mac: Mac) -> Option<usize> {
        let family = self.tunnels.iter().position(|tunnel| *tunnel == Some(link))?;
        let macs = &self.macs[family];
        let found = macs.binary_search_by_key(&mac, |(mac, _)| *mac).ok()?;
        Some(macs[found].1 as usize)
    }

    /// Is this a tunnel of ours?
    pub(super) fn is_tunnel(&self, link: Option<u32>) -> bool {
        link.is_some() && self.tunnels.contains(&link)
    }

    /// Is every address of `inner` a pod's?
    pub(super) fn covers(&self, inner: IpNetwork) -> bool {
        self.networks.iter().any(|network| network.prefix() <= inner.prefix() && network.contains(inner.ip()))
    }
}

/// The paths as they are, where they are in order.
fn in_order(paths: &[Path]) -> Cow<'_, [Path]> {
    let is_network = |path: &Path| path.subnet.ip() == path.subnet.network();
    if paths.is_sorted_by(|one, next| one.subnet < next.subnet) && paths.iter().all(is_network) {
        return Cow::Borrowed(paths);
    }
    let mut paths = paths.to_vec();
    for path in &mut paths {
        if let Ok(subnet) = IpNetwork::new(path.subnet.network(), path.subnet.prefix()) {
            path.subnet = subnet;
        }
    }
    paths.sort_by_key(|path| path.subnet);
    paths.dedup_by_key(|path| path.subnet);
    Cow::Owned(paths)
}

fn macs(paths: &[Path], family: Family) -> Vec<(Mac, u32)> {
    let mut macs: Vec<_> = (0..)
        .zip(paths)
        .filter_map(|(number, path)| match path.via {
            Via::Tunnel { mac, .. } if Family::of(path.subnet.ip()) == family => Some((mac, number)),
            _ => None,
        })
        .collect();
    macs.sort_unstable();
    macs.dedup_by_key(|(mac, _)| *mac);
    macs.shrink_to_fit();
    macs
}
