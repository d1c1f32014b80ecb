//! What a pass found and did, as values that can be shown.

use std::fmt;
use std::sync::Arc;

use ipnetwork::IpNetwork;
use netstate::{Family, LinkName, Mac};

use super::foreign::Foreign;
use super::object::{Hop, Object, Setting, Way};
use crate::netlink::{Refusal, Traffic};

/// What a pass did, and what it could not do.
#[derive(Debug, Default)]
pub struct Pass {
    /// What was changed, in order; empty where the kernel held just what is wanted.
    pub changes: Vec<Drift>,
    /// What is not as it should be, still. None keeps any other path from being made.
    pub failures: Vec<Failure>,
    /// Routes of others that take packets from a path, each with the path's subnet. They stay.
    pub foreign: Vec<(IpNetwork, Foreign)>,
    /// What it took: of the socket for what there is one of a path.
    pub traffic: Traffic,
}

impl Pass {
    /// Was everything there, and nothing else?
    pub fn is_clean(&self) -> bool {
        self.changes.is_empty() && self.failures.is_empty()
    }
}

impl fmt::Display for Pass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.changes.iter().try_for_each(|change| writeln!(f, "{change}"))?;
        self.failures.iter().try_for_each(|failure| writeln!(f, "! {failure}"))
    }
}

/// What becomes of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// It is missing.
    Add,
    /// Another stands in its place.
    Replace,
    /// Nobody wants it.
    Remove,
}

/// What sort of object it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A VXLAN device.
    Device,
    /// A setting of one.
    Setting(Setting),
    /// An address of one.
    Address,
    /// A next hop object.
    NextHop,
    /// A route.
    Route,
    /// A neighbour.
    Neighbour,
    /// A forwarding entry.
    Entry,
}

impl Kind {
    /// The word for it, as metrics have it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Device => "device",
            Self::Setting(_) => "setting",
            Self::Address => "address",
            Self::NextHop => "nexthop",
            Self::Route => "route",
            Self::Neighbour => "neighbour",
            Self::Entry => "fdb",
        }
    }
}

/// One difference between what is wanted and what is there: `+ route 10.244.5.0/24 via 192.0.2.5 dev eth0`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drift {
    /// What is, or was, to be done.
    pub action: Action,
    pub(super) object: Object,
    /// The name of the object's link, where it has one.
    pub(super) link: Option<Arc<str>>,
}

impl Drift {
    /// What sort of object differs.
    pub fn kind(&self) -> Kind {
        match self.object {
            Object::Device(_) => Kind::Device,
            Object::Setting(_, setting) => Kind::Setting(setting),
            Object::Address { .. } => Kind::Address,
            Object::NextHop(_) => Kind::NextHop,
            Object::Route(_) => Kind::Route,
            Object::Neighbour(_) => Kind::Neighbour,
            Object::Entry(_) => Kind::Entry,
        }
    }

    /// Where the route leads, if it is one.
    pub fn destination(&self) -> Option<IpNetwork> {
        if let Object::Route(route) = &self.object { Some(route.destination) } else { None }
    }
}

impl fmt::Display for Drift {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = match self.action {
            Action::Add => '+',
            Action::Replace => '~',
            Action::Remove => '-',
        };
        write!(f, "{sign} {}", self.object)?;
        self.link.iter().try_for_each(|link| write!(f, " dev {link}"))
    }
}

impl fmt::Display for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Device(name) => write!(f, "device {name}"),
            Self::Setting(name, setting) => write!(f, "device {name} {setting}"),
            Self::Address { network, .. } => write!(f, "address {network}"),
            Self::NextHop(next_hop) => {
                write!(f, "nexthop id {}", next_hop.id)?;
                next_hop.hop.iter().try_for_each(|hop| write!(f, " via {}", hop.gateway))
            }
            Self::Route(route) => {
                write!(f, "route {}", route.destination)?;
                match route.way {
                    Way::Object { gateway: Some(gateway), .. } | Way::Hop(Hop { gateway, .. }) => {
                        write!(f, " via {gateway}")
                    }
                    Way::Object { id, .. } => write!(f, " nhid {id}"),
                    Way::Several { .. } | Way::Other { .. } => Ok(()),
                }
            }
            Self::Neighbour(neighbour) => {
                write!(f, "neighbour {}", neighbour.address)?;
                neighbour.mac.iter().try_for_each(|mac| write!(f, " lladdr {mac}"))
            }
            Self::Entry(entry) => {
                write!(f, "fdb {}", entry.mac)?;
                entry.endpoint.iter().try_for_each(|endpoint| write!(f, " dst {endpoint}"))
            }
        }
    }
}

/// Something that is not as it should be after a pass.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The kernel said no.
    #[error("{drift}: {source}")]
    Refused {
        /// Whose path it is; none for what several share, and for what is to be removed.
        subnet: Option<IpNetwork>,
        /// What was tried.
        drift: Box<Drift>,
        /// The kernel's answer.
        source: Refusal,
    },
    /// Not even tried: what the path rests on is missing.
    #[error("route {subnet}: {obstacle}")]
    Blocked {
        /// Whose path it is.
        subnet: IpNetwork,
        /// What is missing.
        obstacle: Obstacle,
    },
}

impl Failure {
    /// The pod subnet that is out of reach for it, where it is one alone.
    pub fn subnet(&self) -> Option<IpNetwork> {
        match self {
            Self::Refused { subnet, .. } => *subnet,
            Self::Blocked { subnet, .. } => Some(*subnet),
        }
    }
}

/// Why a path can't be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Obstacle {
    /// [`netstate::Fabric::underlay`] names none.
    #[error("no link leads to the other nodes")]
    NoUnderlay,
    /// There is no such link.
    #[error("there is no link {0}")]
    NoLink(LinkName),
    /// It is down.
    #[error("link {0} is down")]
    Down(LinkName),
    /// No tunnel of the family is wanted, or it could not be made.
    #[error("there is no tunnel for {0}")]
    NoTunnel(Family),
    /// Another path leads through the tunnel to the same MAC at another endpoint.
    #[error("another node has the MAC {0}")]
    SameMac(Mac),
    /// The gateway is of the other family, or the subnet has no such way.
    #[error("its gateway is of another family")]
    OtherFamily,
}
