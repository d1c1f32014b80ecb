//! Routes of others where pods' addresses are.

use std::fmt;
use std::net::IpAddr;

use ipnetwork::IpNetwork;
use netstate::{Fabric, Family};

use super::bulk::Bulk;
use super::object::{BY_HAND, MAIN, PROTOCOL, Route, Way};
use super::wire::Message;
use crate::error::{Context, Error};
use crate::link;
use crate::machine::Host;
use crate::netlink::Refusal;

/// Protocol numbers and their names (`/etc/iproute2/rt_protos`).
const PROTOCOLS: &[(u8, &str)] = &[
    (0, "unspec"),
    (2, "kernel"),
    (3, "boot"),
    (4, "static"),
    (9, "ra"),
    (11, "zebra"),
    (12, "bird"),
    (16, "dhcp"),
    (186, "bgp"),
    (188, "ospf"),
];

/// A route of the main table that is neither ours nor flannel's, to pods' addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Foreign {
    /// Where to.
    pub destination: IpNetwork,
    /// Through which link; none where it has several or none.
    pub link: Option<String>,
    /// By whom.
    pub gateway: Option<IpAddr>,
    /// Whose it is (`rtm_protocol`).
    pub protocol: u8,
    /// Its metric.
    pub metric: u32,
}

impl fmt::Display for Foreign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "route {}", self.destination)?;
        self.gateway.iter().try_for_each(|gateway| write!(f, " via {gateway}"))?;
        self.link.iter().try_for_each(|link| write!(f, " dev {link}"))?;
        match PROTOCOLS.iter().find(|(number, _)| *number == self.protocol) {
            Some((_, name)) => write!(f, " proto {name}"),
            None => write!(f, " proto {}", self.protocol),
        }
    }
}

impl Host {
    /// The routes of the main table within the fabric's networks that are neither ours nor such as flannel makes: over a
    /// device named like one of our tunnels, or added without a protocol or metric of its own by way of the underlay.
    ///
    /// [`Host::reconcile`] replaces a route of anybody's to a wanted subnet. So ask before a path is wanted for the first
    /// time, and leave out those that an equal or more specific route contradicts.
    ///
    /// # Errors
    /// Where the kernel's tables can't be read.
    pub fn foreign_routes(&mut self, fabric: &Fabric) -> Result<Vec<Foreign>, Error> {
        let mut flannels = Vec::new();
        for tunnel in &fabric.tunnels {
            flannels.extend(self.find(&tunnel.name)?.map(|seen| seen.index));
        }
        let underlay = match &fabric.underlay {
            Some(name) => self.find(name)?.map(|seen| seen.index),
            None => None,
        };
        let within = |route: &Route| {
            fabric.networks.iter().any(|network| {
                network.prefix() <= route.destination.prefix() && network.contains(route.destination.ip())
            })
        };
        let flannels_own = |route: &Route| {
            let plain = route.protocol == BY_HAND && route.is_usual() && !route.special;
            let direct = matches!(route.way, Way::Hop(hop) if Some(hop.link) == underlay);
            route.way.link().is_some_and(|link| flannels.contains(&link)) || (plain && direct)
        };
        let found = self.bulk()?.find_routes(&Family::ALL, &|route| {
            route.table == MAIN && route.protocol != PROTOCOL && within(route) && !flannels_own(route)
        });
        found.context("read", &"the routes")?.into_iter().map(|route| self.foreign(route)).collect()
    }

    fn foreign(&mut self, route: Route) -> Result<Foreign, Error> {
        let link = match route.way.link() {
            Some(index) => link::by_index(&mut self.route, index).context("find link", &index)?,
            None => None,
        };
        Ok(Foreign::new(&route, link.map(|seen| seen.name)))
    }
}

impl Foreign {
    /// A route through a link of this name.
    pub(super) fn new(route: &Route, link: Option<String>) -> Self {
        Self {
            destination: route.destination,
            link,
            gateway: route.way.gateway(),
            protocol: route.protocol,
            metric: route.metric,
        }
    }
}

impl Bulk {
    /// The routes of these families that satisfy the condition. Of thousands each family's dump takes milliseconds.
    pub(super) fn find_routes(
        &mut self,
        families: &[Family],
        wanted: &dyn Fn(&Route) -> bool,
    ) -> Result<Vec<Route>, Refusal> {
        let mut all = Vec::new();
        for family in families {
            all.extend(self.socket().walk(&Message::routes(*family), Vec::new, |found, message| {
                if let Message::Route(route) = message
                    && wanted(&route)
                {
                    found.push(route);
                }
            })?);
        }
        Ok(all)
    }
}
