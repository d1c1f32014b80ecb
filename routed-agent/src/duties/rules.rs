//! The packet rules of this node.

use std::net::IpAddr;

use ipnetwork::IpNetwork;
use netstate::{PodNetwork, PodRules, TunnelFilter};

use super::Decisions;
use crate::net_conf::Backend;

/// The UDP port of a VXLAN device that asks for none (Linux's own, older than the assigned 4789).
const KERNEL_PORT: u16 = 8472;

/// `own` are this node's subnets, `endpoints` every address that tunnel packets may come from.
pub(crate) fn pod_rules(decisions: &Decisions, own: &[IpNetwork], endpoints: Vec<IpAddr>) -> PodRules {
    let tunnel = match &decisions.backend {
        Backend::Vxlan(conf) => Some(TunnelFilter { port: conf.port.unwrap_or(KERNEL_PORT), endpoints }),
        Backend::HostGw | Backend::Alloc => None,
    };
    let networks = pod_networks(decisions, own);
    PodRules { networks, masquerade: decisions.masquerade, forward: decisions.forward, tunnel }
}

/// This node's subnets, each in the cluster's network of its family.
pub(crate) fn pod_networks(decisions: &Decisions, own: &[IpNetwork]) -> Vec<PodNetwork> {
    let within = |subnet: &IpNetwork| {
        let network = decisions.networks.iter().find(|network| network.is_ipv4() == subnet.is_ipv4())?;
        Some(PodNetwork { network: *network, subnet: *subnet })
    };
    own.iter().filter_map(within).collect()
}
