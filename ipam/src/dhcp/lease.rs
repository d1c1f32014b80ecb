//! What a server gave, and what time does to it. Pure.

use std::net::{IpAddr, Ipv4Addr};

use cni::{Dns, Ip, Route, Success};
use ipnetwork::IpNetwork;
use netstate::{
    Address, Announcement, Conflict, Detection, LinkName, Mac, Object, Plan, PrefixRoute, Renumbering,
};
use serde::{Deserialize, Serialize};

use super::config::{Protocol, Wish};

/// An address for a time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Lease {
    pub(super) protocol: Protocol,
    pub(super) address: IpNetwork,
    /// The client's MAC when it was given.
    pub(super) mac: [u8; 6],
    pub(super) gateway: Option<IpAddr>,
    pub(super) routes: Vec<Route>,
    pub(super) names: Names,
    pub(super) server: Server,
    pub(super) times: Times,
}

/// Name servers and the local domain.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Names {
    pub(super) servers: Vec<IpAddr>,
    pub(super) domain: Option<String>,
}

/// Who gave it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Server {
    /// Its identifier: the four bytes of an IPv4 address, a DUID, or nothing for routers.
    pub(super) id: Vec<u8>,
    /// The MAC that its answer came from: its own, or that of the way to it.
    pub(super) hop: [u8; 6],
}

impl Server {
    /// The MAC that its answer came from.
    pub(super) fn hop(&self) -> Mac {
        Mac(self.hop)
    }

    /// Its address, where that is its identifier.
    pub(super) fn address(&self) -> Option<Ipv4Addr> {
        <[u8; 4]>::try_from(self.id.as_slice()).ok().map(Ipv4Addr::from)
    }
}

/// A time that never comes.
const NEVER: u64 = u64::MAX;

/// Between two tries to have it extended at least, in seconds (RFC 2131, 4.4.5).
const BREATH: u64 = 60;

/// When what is due, in seconds since the machine started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Times {
    pub(super) renew: u64,
    pub(super) rebind: u64,
    pub(super) expire: u64,
    /// The next try, after one in vain.
    pub(super) again: u64,
}

/// For how long a lease holds, in seconds, as servers say it: `u32::MAX` is for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Spans {
    pub(super) lease: u32,
    pub(super) renew: Option<u32>,
    pub(super) rebind: Option<u32>,
}

/// What has to be done for a lease now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Duty {
    /// Nothing until this second.
    Wait(u64),
    /// Ask its server.
    Renew,
    /// Ask any server.
    Rebind,
    /// It is over.
    Expire,
}

impl Times {
    /// The times of a lease that was given at `now`: where the server says nothing sensible, half the time and seven
    /// eighths (RFC 2131, 4.4.5).
    pub(super) fn new(now: u64, spans: Spans) -> Self {
        if spans.lease == u32::MAX {
            return Self { renew: NEVER, rebind: NEVER, expire: NEVER, again: 0 };
        }
        let lease = u64::from(spans.lease);
        let sensible = |span: Option<u32>, most: u64| span.map(u64::from).filter(|span| *span <= most);
        let rebind = sensible(spans.rebind, lease).unwrap_or(lease * 7 / 8);
        let renew = sensible(spans.renew, rebind).unwrap_or((lease / 2).min(rebind));
        Self { renew: now + renew, rebind: now + rebind, expire: now + lease, again: 0 }
    }

    /// What is due at `now`.
    pub(super) fn duty(&self, now: u64) -> Duty {
        if now >= self.expire {
            if now < self.again { Duty::Wait(self.again) } else { Duty::Expire }
        } else if now < self.renew.max(self.again) {
            Duty::Wait(self.renew.max(self.again).min(self.expire))
        } else if now >= self.rebind {
            Duty::Rebind
        } else {
            Duty::Renew
        }
    }

    /// After a try in vain: the next one comes after half of what is left until the next step, and a minute at least,
    /// but with that step at the latest. Once the lease is over there is no next step.
    pub(super) fn in_vain(&mut self, now: u64) {
        let step = [self.rebind, self.expire].into_iter().find(|step| now < *step);
        let half = step.map_or(0, |step| (step - now) / 2);
        self.again = (now + half.max(BREATH)).min(step.unwrap_or(NEVER));
    }
}

/// What ADD answers.
pub(super) fn success(leases: &[Lease], wish: &Wish) -> Success {
    let mut success = Success::default();
    let mut servers = Vec::new();
    for lease in leases {
        success.ips.push(Ip {
            interface: None,
            address: lease.address,
            gateway: lease.gateway.filter(|_| !wish.without_gateway),
        });
        success.routes.extend(lease.routes(wish));
        servers.extend(lease.names.servers.iter().map(IpAddr::to_string));
        success.dns.domain = success.dns.domain.take().or_else(|| lease.names.domain.clone());
    }
    success.dns = Dns { nameservers: Some(servers).filter(|list| !list.is_empty()), ..success.dns };
    success
}

impl Lease {
    /// Its routes, as they are wanted.
    pub(super) fn routes(&self, wish: &Wish) -> Vec<Route> {
        let wanted = self.routes.iter().filter(|route| !wish.without_gateway || route.dst.prefix() != 0);
        let mut routes: Vec<Route> = wanted.cloned().collect();
        for route in &mut routes {
            route.priority = wish.priority.or(route.priority);
        }
        routes
    }

    /// The same as the container has them.
    pub(super) fn routes_on(&self, link: &LinkName, wish: &Wish) -> Vec<netstate::Route> {
        self.routes(wish).iter().map(|route| crate::route::on_link(route, link, None)).collect()
    }

    /// What a container gets again, or anew, when it had lost its lease; the neighbours are told.
    pub(super) fn plan(&self, link: &LinkName, wish: &Wish) -> Plan {
        let mut plan = Plan::default();
        plan.container(Object::Up(link.clone()));
        plan.container(Object::Address(Address {
            link: link.clone(),
            network: self.address,
            conflict: Conflict::Allow,
            detection: Detection::Off,
            prefix_route: PrefixRoute::Kernel,
        }));
        for route in self.routes_on(link, wish) {
            plan.container(Object::Route(route));
        }
        plan.container(Object::Announcement(Announcement { link: link.clone(), port: None }));
        plan
    }

    /// What became of it, where that is an address in place of another.
    pub(super) fn became(&self, new: &Self) -> Renumbering {
        Renumbering { from: self.address, to: new.address, gateway: self.gateway.zip(new.gateway) }
    }

    /// Would a container that has this one have to change for the other?
    pub(super) fn differs(&self, other: &Self) -> bool {
        (self.address, self.gateway, &self.routes) != (other.address, other.gateway, &other.routes)
    }
}

#[cfg(test)]
mod tests;
