//! What the fabric is made of in the kernel, as compact values: a node of a large cluster holds 20,000 of them.

use std::fmt;
use std::net::IpAddr;

use ipnetwork::IpNetwork;
use netstate::{Family, LinkName, Mac, Path};

/// The protocol number that routes and next hops of ours bear (`rtnetlink(7)`, `rtm_protocol`): one that neither
/// `/etc/iproute2/rt_protos` nor a known routing daemon has.
pub const PROTOCOL: u8 = 116;

/// `RTPROT_KERNEL`.
pub(crate) const BY_KERNEL: u8 = 2;

/// `RTPROT_BOOT`: what flannel's routes, and those that people add by hand, have.
pub(crate) const BY_HAND: u8 = 3;

/// `RTPROT_RA`: from a router's advertisement.
pub(crate) const BY_ADVERTISEMENT: u8 = 9;

/// `RTN_UNICAST`.
pub(crate) const UNICAST: u8 = 1;

/// `RT_TABLE_MAIN`.
pub(crate) const MAIN: u32 = 254;

/// The metric of a route that was added without one.
pub(crate) const fn usual_metric(family: Family) -> u32 {
    [0, 1024][family as usize]
}

/// Where packets go next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Hop {
    /// To whom.
    pub(crate) gateway: IpAddr,
    /// Through which link.
    pub(crate) link: u32,
    /// The gateway counts as a neighbour on the link, whatever its address (`RTNH_F_ONLINK`).
    pub(crate) onlink: bool,
}

/// A next hop object (`ip-nexthop(8)`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NextHop {
    /// Its number.
    pub(crate) id: u32,
    /// Whose it is.
    pub(crate) protocol: u8,
    /// None where it is something else: a group, a black hole, a hop without a gateway.
    pub(crate) hop: Option<Hop>,
}

/// Which way a route leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// By a next hop object, with what the kernel tells of it.
    Object {
        /// Its number.
        id: u32,
        /// Its gateway.
        gateway: Option<IpAddr>,
        /// Its link.
        link: Option<u32>,
    },
    /// By a gateway of its own.
    Hop(Hop),
    /// By several gateways.
    Several {
        /// The link of the first.
        link: Option<u32>,
    },
    /// Any other: a link without a gateway, a black hole.
    Other {
        /// Its link.
        link: Option<u32>,
    },
}

impl Way {
    /// Its link, the first of several.
    pub(crate) fn link(&self) -> Option<u32> {
        match self {
            Self::Hop(hop) => Some(hop.link),
            Self::Object { link, .. } | Self::Several { link } | Self::Other { link } => *link,
        }
    }

    /// Its only gateway.
    pub(crate) fn gateway(&self) -> Option<IpAddr> {
        match self {
            Self::Hop(hop) => Some(hop.gateway),
            Self::Object { gateway, .. } => *gateway,
            Self::Several { .. } | Self::Other { .. } => None,
        }
    }
}

/// A route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Route {
    /// Where to.
    pub(crate) destination: IpNetwork,
    /// Which way.
    pub(crate) way: Way,
    /// Its table.
    pub(crate) table: u32,
    /// Its metric.
    pub(crate) metric: u32,
    /// Whose it is.
    pub(crate) protocol: u8,
    /// `RTN_*`.
    pub(crate) kind: u8,
    /// The type of service that it is for.
    pub(crate) tos: u8,
    /// It has what no route of ours has: a source, metrics of its own, an encapsulation.
    pub(crate) special: bool,
}

impl Route {
    /// The route to a subnet as we make it.
    pub(crate) fn new(destination: IpNetwork, way: Way, protocol: u8) -> Self {
        let metric = usual_metric(Family::of(destination.ip()));
        Self { destination, way, table: MAIN, metric, protocol, kind: UNICAST, tos: 0, special: false }
    }

    /// Does the kernel hold it in the place of [`Route::new`]'s, so that one replaces the other?
    pub(crate) fn is_usual(&self) -> bool {
        let metric = usual_metric(Family::of(self.destination.ip()));
        self.table == MAIN && self.metric == metric && self.tos == 0
    }

    /// Does it take packets from a path's route, which leads to no less?
    pub(crate) fn wins_over(&self, path: &Path) -> bool {
        let metric = usual_metric(Family::of(self.destination.ip()));
        self.destination.prefix() > path.subnet.prefix() || self.metric < metric
    }

    /// The same but for what the kernel only tells of it.
    pub(crate) fn is(&self, wanted: &Self) -> bool {
        let way = match (self.way, wanted.way) {
            (Way::Object { id: seen, .. }, Way::Object { id, .. }) => seen == id,
            (seen, wanted) => seen == wanted,
        };
        way && Self { way: wanted.way, ..*self } == *wanted
    }
}

/// A neighbour's MAC (`ip-neighbour(8)`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Neighbour {
    /// On which link.
    pub(crate) link: u32,
    /// Who.
    pub(crate) address: IpAddr,
    /// None while the kernel does not know it.
    pub(crate) mac: Option<Mac>,
    /// It stays until somebody removes it (`NUD_PERMANENT`).
    pub(crate) permanent: bool,
}

/// A forwarding entry: behind which endpoint a MAC is (`bridge(8)`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Of which device.
    pub(crate) link: u32,
    /// Whose MAC.
    pub(crate) mac: Mac,
    /// None where it is something else: a group of endpoints, a port or a network of its own.
    pub(crate) endpoint: Option<IpAddr>,
    /// It stays until somebody removes it.
    pub(crate) permanent: bool,
}

/// What of a device can differ while it stays the same device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Setting {
    /// Its MTU.
    Mtu,
    /// Its MAC.
    Mac,
    /// Whether it learns forwarding entries.
    Learning,
    /// Who computes checksums.
    Checksums,
    /// Whether it is up.
    Up,
    /// Our mark.
    Alias,
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Mtu => "mtu",
            Self::Mac => "address",
            Self::Learning => "learning",
            Self::Checksums => "checksums",
            Self::Up => "up",
            Self::Alias => "alias",
        })
    }
}

/// One thing that the fabric is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Object {
    Device(LinkName),
    Setting(LinkName, Setting),
    Address { link: u32, network: IpNetwork },
    NextHop(NextHop),
    Route(Route),
    Neighbour(Neighbour),
    Entry(Entry),
}
