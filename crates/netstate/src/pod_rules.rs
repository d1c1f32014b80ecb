//! The packet rules of a node: what its pods may do to packets, whichever pod it is. What the agent keeps true.

use std::net::IpAddr;

use ipnetwork::IpNetwork;

/// The packet rules of a node.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PodRules {
    /// One a family at most.
    pub networks: Vec<PodNetwork>,
    /// Traffic from pods to outside the network leaves with the node's address; absent where somebody else sees
    /// to it.
    pub masquerade: Option<SourcePort>,
    /// Packets from and to pods are let through between links.
    pub forward: bool,
    /// Which tunnel packets are taken in; all, where absent.
    pub tunnel: Option<TunnelFilter>,
}

/// The pods of the cluster, and those of this node among them, in one family.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PodNetwork {
    /// All pods' addresses.
    pub network: IpNetwork,
    /// This node's pods'.
    pub subnet: IpNetwork,
}

/// The source port of a masqueraded connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SourcePort {
    /// The pod's, where it is free.
    Kept,
    /// Chosen at random (`--random-fully`): two connections at once don't lose a packet over one port.
    Random,
}

/// VXLAN packets are taken in from these only, and what is dropped is counted by its source.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TunnelFilter {
    /// The UDP port.
    pub port: u16,
    /// The other nodes, of both families, sorted.
    pub endpoints: Vec<IpAddr>,
}
