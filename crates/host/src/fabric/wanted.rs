//! A fabric, with what the kernel calls its links.

use std::borrow::Cow;
use std::net::IpAddr;

use ipnetwork::IpNetwork;
use netstate::{Fabric, Family, Mac, Path, Via};

use super::Shape;
use super::cursor::Cursor;
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
    /// The numbers of paths to a MAC that is another endpoint's already; hardly ever any.
    doubtful: Vec<u32>,
    by_subnet: Cursor,
    by_mac: Cursor,
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
        let mut wanted = Self {
            paths,
            networks: &fabric.networks,
            tunnels,
            underlay,
            shape,
            macs,
            doubtful: Vec::new(),
            by_subnet: Cursor::default(),
            by_mac: Cursor::default(),
        };
        wanted.doubtful = (0..)
            .zip(wanted.paths.iter())
            .filter(|(_, path)| wanted.is_doubtful(path))
            .map(|(number, _)| number)
            .collect();
        wanted
    }

    /// The protocol number that routes get.
    pub(super) fn protocol(&self) -> u8 {
        match self.shape {
            Shape::NextHops | Shape::Plain => PROTOCOL,
            Shape::Flannel => BY_HAND,
        }
    }

    /// Does the path lead to a MAC that an earlier one has at another endpoint?
    fn is_doubtful(&self, path: &Path) -> bool {
        let Via::Tunnel { mac, .. } = path.via else { return false };
        let family = Family::of(path.subnet.ip());
        self.first(family, mac).is_some_and(|first| self.paths[first].via != path.via)
    }

    /// Where the packets of the path of this number go next.
    pub(super) fn hop(&self, number: usize) -> Result<Hop, Obstacle> {
        let path = &self.paths[number];
        let family = Family::of(path.subnet.ip());
        match path.via {
            Via::Direct { gateway } if Family::of(gateway) != family => Err(Obstacle::OtherFamily),
            Via::Direct { gateway } => Ok(Hop { gateway, link: self.underlay.clone()?, onlink: false }),
            Via::Tunnel { mac, .. } => {
                let link = self.tunnels[family as usize].ok_or(Obstacle::NoTunnel(family))?;
                let doubtful = self.doubtful.iter().any(|doubtful| *doubtful as usize == number);
                let hop = Hop { gateway: path.subnet.ip(), link, onlink: true };
                if doubtful { Err(Obstacle::SameMac(mac)) } else { Ok(hop) }
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
        self.by_subnet.find(&self.paths, |path| path.subnet.cmp(&subnet))
    }

    /// The number of the path to a subnet that all of `inner` is in.
    pub(super) fn around(&self, inner: IpNetwork) -> Option<usize> {
        let number = self.paths.partition_point(|path| path.subnet <= inner).checked_sub(1)?;
        let outer = self.paths[number].subnet;
        (outer.prefix() <= inner.prefix() && outer.contains(inner.ip())).then_some(number)
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
        let tunnels = Family::ALL.into_iter().zip(self.tunnels);
        let (family, _) = tunnels.into_iter().find(|(_, tunnel)| *tunnel == Some(link))?;
        self.first(family, mac)
    }

    fn first(&self, family: Family, mac: Mac) -> Option<usize> {
        let macs = &self.macs[family as usize];
        let found = self.by_mac.find(macs, |(known, _)| known.cmp(&mac))?;
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
pub(super) fn in_order(paths: &[Path]) -> Cow<'_, [Path]> {
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
