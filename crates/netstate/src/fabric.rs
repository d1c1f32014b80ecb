//! The fabric: how the pods of this node reach those of every other node. What the agent keeps true.
//!
//! One [`Path`] a pod subnet stands for all that the kernel holds for it: a next hop and a route, and beyond a tunnel
//! a neighbour and a forwarding entry. `host` derives those, compares them with what is there, and changes the
//! difference. The shape is flannel's (`vxlan(4)`, one device a family, `onlink` routes by the subnet's own address),
//! so both can live in one cluster.

use std::fmt;
use std::net::IpAddr;

use ipnetwork::IpNetwork;

use crate::{Family, LinkName, Mac};

/// What the node's kernel must hold for the pods of other nodes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fabric {
    /// VXLAN devices: one a family at most. A device of ours that is not named here goes.
    pub tunnels: Vec<Vxlan>,
    /// The link that leads to the other nodes, for paths without a tunnel; none while it is unknown.
    pub underlay: Option<LinkName>,
    /// The networks that all pods' addresses are in: routes in them over our tunnels are ours, whoever made them.
    pub networks: Vec<IpNetwork>,
    /// One a subnet, sorted by it.
    pub paths: Vec<Path>,
}

impl Fabric {
    /// The tunnel of a family.
    pub fn tunnel(&self, family: Family) -> Option<&Vxlan> {
        self.tunnels.iter().find(|tunnel| Family::of(tunnel.local) == family)
    }
}

/// The way to the pods of one node, in one family.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Path {
    /// The node's pods.
    pub subnet: IpNetwork,
    /// How they are reached.
    pub via: Via,
}

/// How a subnet is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Via {
    /// By the node itself, a neighbour on the underlay.
    Direct {
        /// The node's address there.
        gateway: IpAddr,
    },
    /// Through the VXLAN device of the subnet's family.
    Tunnel {
        /// The node's own VXLAN device.
        mac: Mac,
        /// Where its packets are sent.
        endpoint: IpAddr,
    },
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ", self.subnet)?;
        match self.via {
            Via::Direct { gateway } => write!(f, "via {gateway}"),
            Via::Tunnel { mac, endpoint } => write!(f, "by tunnel to {endpoint} lladdr {mac}"),
        }
    }
}

/// A VXLAN device (RFC 7348).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vxlan {
    /// Its name: `flannel.<VNI>`, `flannel-v6.<VNI>`.
    pub name: LinkName,
    /// The VXLAN network identifier, 24 bits.
    pub vni: u32,
    /// The UDP port; the kernel's own, 8472, where absent.
    pub port: Option<u16>,
    /// The link that its packets leave by.
    pub underlay: LinkName,
    /// The address that its packets leave with.
    pub local: IpAddr,
    /// Its MAC, which other nodes know.
    pub mac: Mac,
    /// Its MTU in bytes: the underlay's, less 50 for IPv4 and 70 for IPv6.
    pub mtu: u32,
    /// It learns forwarding entries from what it receives.
    pub learning: bool,
    /// It carries group policy marks.
    pub group_policy: bool,
    /// Who computes the checksums of what pods send through it.
    pub checksums: Checksums,
    /// Its only address, of a single host: the first of this node's pod subnet.
    pub address: IpNetwork,
}

/// Who computes transport checksums.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Checksums {
    /// The network card, where it can: the kernel's default.
    #[default]
    Offloaded,
    /// The kernel, always: some cards spoil those of inner packets (`tx-checksum-ip-generic off`).
    Computed,
}
