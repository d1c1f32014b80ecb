//! What follows for this node from the cluster: the fabric, the pods' packet rules, what is said to others. Pure.

mod announcement;
mod fabric;
mod rules;

use std::net::IpAddr;

use ipnetwork::IpNetwork;
use netstate::{Family, LinkName, Mac, SourcePort};

pub(crate) use announcement::annotations;
pub(crate) use fabric::{Paths, device, fabric, overhead, paths, pod_mtu};
pub(crate) use rules::{pod_networks, pod_rules};

use crate::net_conf::Backend;

/// What an administrator has decided for all nodes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Decisions {
    /// The addresses of all pods: one network a family in use.
    pub(crate) networks: Vec<IpNetwork>,
    /// How pods are reached.
    pub(crate) backend: Backend,
    /// Whether, and how, pods leave the network with their node's address.
    pub(crate) masquerade: Option<SourcePort>,
    /// Whether packets of pods are let through the node.
    pub(crate) forward: bool,
}

/// Where this node stands among the others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Site {
    /// The link to the other nodes.
    pub(crate) link: LinkName,
    /// Its MTU in bytes.
    pub(crate) mtu: u32,
    /// This node's address there: one a family at most.
    pub(crate) addresses: Vec<IpAddr>,
    /// What others are told in their place (`public-ip-overwrite`).
    pub(crate) advertised: Vec<IpAddr>,
    /// Networks on the link itself, reached without a gateway.
    pub(crate) networks: Vec<IpNetwork>,
    /// The MAC of this node's tunnel: one a family at most.
    pub(crate) macs: Vec<(Family, Mac)>,
}

impl Site {
    /// This node's address of a family.
    pub(crate) fn address(&self, family: Family) -> Option<IpAddr> {
        of(&self.addresses, family)
    }

    /// Stands where it stood before, in a family.
    pub(crate) fn keep(&mut self, last: &Self, family: Family) {
        let own = |address: &&IpAddr| Family::of(**address) == family;
        self.addresses.extend(last.addresses.iter().filter(own));
        self.advertised.extend(last.advertised.iter().filter(own));
        self.networks.extend(last.networks.iter().filter(|network| Family::of(network.ip()) == family));
    }

    /// Is the address reached without a gateway?
    fn is_neighbour(&self, address: IpAddr) -> bool {
        self.networks.iter().any(|network| network.contains(address))
    }
}

/// The address of a family.
fn of(addresses: &[IpAddr], family: Family) -> Option<IpAddr> {
    addresses.iter().copied().find(|address| Family::of(*address) == family)
}
