//! The fabric of this node: its tunnels, and a path to each member's pods.

use ipnetwork::IpNetwork;
use netstate::{Fabric, Family, LinkName, Path, Via, Vxlan};

use super::{Decisions, Site};
use crate::cluster::{Cluster, Member, Reach, Reason, Refused};
use crate::net_conf::{Backend, VxlanConf};

/// Outer Ethernet, IP, UDP and VXLAN headers, in bytes.
pub(crate) const fn overhead(family: Family) -> u32 {
    match family {
        Family::V4 => 50,
        Family::V6 => 70,
    }
}

/// The paths that are possible, and who can't be reached.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Paths {
    /// Sorted by subnet.
    pub(crate) paths: Vec<Path>,
    /// A reason for each member without one.
    pub(crate) refused: Vec<Refused>,
}

/// A path to each member that can be reached from `site`.
pub(crate) fn paths(decisions: &Decisions, site: &Site, cluster: &Cluster) -> Paths {
    if decisions.backend == Backend::Alloc {
        return Paths::default();
    }
    let mut found = Paths { paths: Vec::with_capacity(cluster.members.len()), refused: Vec::new() };
    for member in &cluster.members {
        match via(decisions, site, member) {
            Ok(via) => found.paths.push(Path { subnet: member.subnet, via }),
            Err(reason) => {
                let (node, family) = (member.node.clone(), Family::of(member.address));
                found.refused.push(Refused { node, family, reason });
            }
        }
    }
    found
}

fn via(decisions: &Decisions, site: &Site, member: &Member) -> Result<Via, Reason> {
    let (address, family) = (member.address, Family::of(member.address));
    let own = site.address(family).ok_or(Reason::NoFamily(family))?;
    if address == own {
        return Err(Reason::OwnAddress(address));
    }
    let direct = Via::Direct { gateway: address };
    match (&decisions.backend, member.reach) {
        (Backend::Vxlan(conf), Reach::Tunnel(_)) if conf.direct_routing && site.is_neighbour(address) => {
            Ok(direct)
        }
        (Backend::Vxlan(_), Reach::Tunnel(mac)) => Ok(Via::Tunnel { mac, endpoint: address }),
        _ if site.is_neighbour(address) => Ok(direct),
        _ => Err(Reason::Far { address, link: site.link.clone() }),
    }
}

/// All that the kernel must hold. A family without an own subnet, or without an address to be reached at, has no
/// tunnel yet.
pub(crate) fn fabric(decisions: &Decisions, site: &Site, own: &[IpNetwork], paths: Vec<Path>) -> Fabric {
    let tunnels: Vec<Vxlan> = match &decisions.backend {
        Backend::Vxlan(conf) => own.iter().filter_map(|subnet| tunnel(conf, site, *subnet)).collect(),
        _ => Vec::new(),
    };
    let has_tunnel = |path: &Path| match path.via {
        Via::Direct { .. } => true,
        Via::Tunnel { endpoint, .. } => {
            tunnels.iter().any(|tunnel| Family::of(tunnel.local) == Family::of(endpoint))
        }
    };
    let paths = paths.into_iter().filter(has_tunnel).collect();
    Fabric { tunnels, underlay: Some(site.link.clone()), networks: decisions.networks.clone(), paths }
}

fn tunnel(conf: &VxlanConf, site: &Site, subnet: IpNetwork) -> Option<Vxlan> {
    let family = Family::of(subnet.ip());
    let (_, mac) = site.macs.iter().find(|(of, _)| *of == family)?;
    Some(Vxlan {
        name: device(family, conf.vni)?,
        vni: conf.vni,
        port: conf.port,
        underlay: site.link.clone(),
        local: site.address(family)?,
        mac: *mac,
        mtu: tunnel_mtu(conf, site, family),
        learning: conf.learning,
        group_policy: conf.gbp,
        checksums: conf.checksums,
        address: IpNetwork::new(subnet.network(), family.bits()).ok()?,
    })
}

/// `flannel.<VNI>`, `flannel-v6.<VNI>`: none where the number is too long for a name.
pub(crate) fn device(family: Family, vni: u32) -> Option<LinkName> {
    let prefix = match family {
        Family::V4 => "flannel",
        Family::V6 => "flannel-v6",
    };
    LinkName::new(&format!("{prefix}.{vni}")).ok()
}

fn tunnel_mtu(conf: &VxlanConf, site: &Site, family: Family) -> u32 {
    conf.mtu.unwrap_or(site.mtu).saturating_sub(overhead(family))
}

/// The MTU of pods, in bytes: what fits through every family's way.
pub(crate) fn pod_mtu(decisions: &Decisions, site: &Site) -> u32 {
    match &decisions.backend {
        Backend::Vxlan(conf) => {
            let families = decisions.networks.iter().map(|network| Family::of(network.ip()));
            families.map(|family| tunnel_mtu(conf, site, family)).min().unwrap_or(site.mtu)
        }
        _ => site.mtu,
    }
}
