//! Why a Node is no member.

use std::fmt;
use std::net::IpAddr;
use std::rc::Rc;

use ipnetwork::IpNetwork;
use netstate::{Family, LinkName, Mac};

/// A Node that is no member in one family.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refused {
    /// Its name.
    pub(crate) node: Rc<str>,
    /// In which family.
    pub(crate) family: Family,
    /// Why.
    pub(crate) reason: Reason,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Node {}, {}: {}", self.node, self.family, self.reason)
    }
}

/// Why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Reason {
    /// Nobody has given it one yet.
    #[error(
        "it has no podCIDR; kube-controller-manager gives it one with --allocate-node-cidrs and --cluster-cidr"
    )]
    NoSubnet,
    /// The text is no subnet.
    #[error("podCIDR {0:?} is no network")]
    Subnet(String),
    /// It has two where one is allowed.
    #[error("it has two podCIDRs, {0} and {1}")]
    TwoSubnets(IpNetwork, IpNetwork),
    /// Pods there would have addresses of nobody's.
    #[error("podCIDR {subnet} is not inside {network}")]
    Outside {
        /// Its own.
        subnet: IpNetwork,
        /// The cluster's.
        network: IpNetwork,
    },
    /// Another Node has it, or a part of it.
    #[error(
        "podCIDR {subnet} overlaps {theirs} of Node {holder}, which is older; delete this Node, and its kubelet registers it anew, with a podCIDR of its own"
    )]
    Taken {
        /// Its own.
        subnet: IpNetwork,
        /// The other's.
        theirs: IpNetwork,
        /// The other.
        holder: Rc<str>,
    },
    /// Another Node's tunnel has its MAC.
    #[error("its tunnel's MAC {mac} is that of Node {holder}, which is older")]
    MacTaken {
        /// The MAC.
        mac: Mac,
        /// The other.
        holder: Rc<str>,
    },
    /// The machine has a route there already, which is not ours.
    #[error("podCIDR {subnet}: there is a foreign route to {foreign}")]
    ForeignRoute {
        /// Its own.
        subnet: IpNetwork,
        /// As the kernel shows it.
        foreign: String,
    },
    /// Neither annotation nor `InternalIP`.
    #[error("it has no address: neither annotation {0} nor an InternalIP")]
    NoAddress(&'static str),
    /// The annotation is no address of the family.
    #[error("annotation {key}: {value:?} is no address")]
    Address {
        /// Which annotation.
        key: &'static str,
        /// What it says.
        value: String,
    },
    /// Its agent has not said how to reach it.
    #[error("its agent has not written annotation {0} yet")]
    Silent(&'static str),
    /// The annotation can't be read.
    #[error("annotation {key}: {value:?} has no VNI and VtepMAC")]
    BackendData {
        /// Which annotation.
        key: &'static str,
        /// What it says.
        value: String,
    },
    /// Its tunnel and ours are two networks.
    #[error("its VNI is {theirs}, ours is {ours}")]
    Vni {
        /// Its own.
        theirs: u32,
        /// This node's.
        ours: u32,
    },
    /// A way of reaching it that this agent does not have.
    #[error("backend-type {0:?} can't be reached from here")]
    Backend(String),
    /// It has no tunnel that ours could speak to, and is no neighbour.
    #[error("{address} is not on a network of {link}")]
    Far {
        /// Its address.
        address: IpAddr,
        /// The link to the other nodes.
        link: LinkName,
    },
    /// The address is this node's own.
    #[error("its address {0} is this node's own")]
    OwnAddress(IpAddr),
    /// This node has no address of the family to reach it from.
    #[error("this node has no {0} address on the link to the other nodes")]
    NoFamily(Family),
}

impl Reason {
    /// Is it what every new Node goes through?
    pub(crate) fn is_temporary(&self) -> bool {
        matches!(self, Self::NoSubnet | Self::Silent(_) | Self::NoFamily(_))
    }
}
