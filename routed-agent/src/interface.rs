//! Which interface leads to the other nodes, and under which addresses they know this one. Pure: the facts are
//! arguments.
//!
//! The order is flannel's: the interfaces asked for by name, address or pattern; the one by which an address is
//! reached; the one that has the public address; the one of the default route. Unlike flannel, of several default
//! routes the one of the lowest metric counts, and an interface that has an address in every family goes before one
//! that lacks some.

mod error;
mod facts;
mod wish;

use std::net::IpAddr;

use ipnetwork::IpNetwork;
use netstate::Family;

pub(crate) use error::UplinkError;
pub(crate) use facts::{DefaultRoute, Facts, Link, LinkAddress, Reach, Standing};
pub(crate) use wish::{Pattern, Selector, Wish};

/// The interface that leads to the other nodes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Uplink {
    /// Its name.
    pub(crate) link: String,
    /// Its MTU in bytes.
    pub(crate) mtu: u32,
    /// This node's addresses there, one a family at most, IPv4 first. A family in use may be missing: its own pods
    /// can't be reached until it comes.
    pub(crate) addresses: Vec<Own>,
}

/// Where this node is reached, in one family.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Own {
    /// The interface's address, which packets leave with.
    pub(crate) local: IpAddr,
    /// What other nodes are told. It differs from `local` where the node stands behind NAT.
    pub(crate) public: IpAddr,
}

/// Chooses. `networks` are the pods', one for each family in use: an address in them is a pod's or a bridge's, never
/// this node's own.
///
/// # Errors
/// [`UplinkError`]: what was looked for and what there is.
pub(crate) fn choose(wish: &Wish, facts: &Facts, networks: &[IpNetwork]) -> Result<Uplink, UplinkError> {
    let chooser = Chooser { wish, facts, networks };
    let candidates = chooser.candidates()?;
    let mut best: Option<Uplink> = None;
    for candidate in &candidates {
        let uplink = chooser.uplink(candidate);
        if best.as_ref().is_none_or(|best| best.addresses.len() < uplink.addresses.len()) {
            best = Some(uplink);
        }
    }
    best.filter(|best| !best.addresses.is_empty()).ok_or_else(|| UplinkError::NoAddress {
        links: candidates.iter().map(|candidate| candidate.link.name.clone()).collect(),
        families: chooser.families().collect(),
        there: facts.to_string(),
    })
}

/// A link that fits, and the address by which it does.
struct Candidate<'a> {
    link: &'a Link,
    by: Option<IpAddr>,
}

struct Chooser<'a> {
    wish: &'a Wish,
    facts: &'a Facts,
    networks: &'a [IpNetwork],
}

impl<'a> Chooser<'a> {
    fn families(&self) -> impl Iterator<Item = Family> {
        Family::ALL
            .into_iter()
            .filter(|family| self.networks.iter().any(|network| Family::of(network.ip()) == *family))
    }

    /// All links that fit the first rule that was asked for, the best first.
    fn candidates(&self) -> Result<Vec<Candidate<'a>>, UplinkError> {
        let there = || self.facts.to_string();
        if !self.wish.interfaces.is_empty() {
            let fitting: Vec<_> = self.wish.interfaces.iter().flat_map(|asked| self.fitting(asked)).collect();
            return if fitting.is_empty() {
                let asked = self.wish.interfaces.iter().map(Selector::to_string).collect();
                Err(UplinkError::NoInterface { asked, there: there() })
            } else {
                Ok(fitting)
            };
        }
        if let Some(target) = self.wish.can_reach {
            let reach = self.facts.reach.as_ref();
            let found = reach.and_then(|reach| Some((self.facts.link(&reach.link)?, reach.source)));
            let (link, by) = found.ok_or_else(|| UplinkError::Unreachable { target, there: there() })?;
            return Ok(vec![Candidate { link, by }]);
        }
        if !self.wish.public.is_empty() {
            let bearers = self.wish.public.iter().flat_map(|public| self.bearing(*public));
            let bearers: Vec<_> = bearers.collect();
            return if bearers.is_empty() {
                Err(UplinkError::NotLocal { public: self.wish.public.clone(), there: there() })
            } else {
                Ok(bearers)
            };
        }
        let routes = self.families().flat_map(|family| self.facts.default_routes(family));
        let links: Vec<_> = routes
            .filter_map(|route| Some(Candidate { link: self.facts.link(&route.link)?, by: None }))
            .collect();
        if links.is_empty() { Err(UplinkError::NoDefaultRoute { there: there() }) } else { Ok(links) }
    }

    /// The links that a selector means.
    fn fitting(&self, asked: &Selector) -> Vec<Candidate<'a>> {
        let links = &self.facts.links;
        match asked {
            Selector::Address(address) => self.bearing(*address).collect(),
            Selector::Name(name) => links
                .iter()
                .filter(|link| link.name == *name)
                .map(|link| Candidate { link, by: None })
                .collect(),
            Selector::Pattern(pattern) => {
                let by_address = links.iter().filter_map(|link| {
                    let mut usable = self.families().flat_map(|family| self.usable(link, family));
                    let by = usable.find(|address| pattern.matches(&address.to_string()))?;
                    Some(Candidate { link, by: Some(by) })
                });
                let by_name = links.iter().filter(|link| pattern.matches(&link.name));
                by_address.chain(by_name.map(|link| Candidate { link, by: None })).collect()
            }
        }
    }

    /// The links that have an address.
    fn bearing(&self, address: IpAddr) -> impl Iterator<Item = Candidate<'a>> + use<'a> {
        let bears = move |link: &&Link| link.addresses.iter().any(|own| own.address == address);
        self.facts.links.iter().filter(bears).map(move |link| Candidate { link, by: Some(address) })
    }

    /// A link's addresses of a family that may be this node's, the best first: beyond the link before on it only,
    /// then by how long they last, then in the kernel's order.
    fn usable(&self, link: &'a Link, family: Family) -> Vec<IpAddr> {
        let pods = |address: IpAddr| self.networks.iter().any(|network| network.contains(address));
        let mut usable: Vec<_> = link
            .addresses
            .iter()
            .filter(|own| Family::of(own.address) == family)
            .filter(|own| !own.address.is_loopback() && !pods(own.address))
            .collect();
        usable.sort_by_key(|own| (is_link_local(own.address), own.standing));
        usable.into_iter().map(|own| own.address).collect()
    }

    fn uplink(&self, candidate: &Candidate<'a>) -> Uplink {
        let Candidate { link, by } = candidate;
        let addresses = self.families().filter_map(|family| {
            let of_family = |address: &IpAddr| Family::of(*address) == family;
            let public = self.wish.public.iter().copied().find(of_family);
            let usable = self.usable(link, family);
            let local = by
                .filter(of_family)
                .or_else(|| public.filter(|public| usable.contains(public)))
                .or_else(|| usable.first().copied())?;
            let told = self.wish.overwrite.iter().copied().find(of_family).or(public);
            Some(Own { local, public: told.unwrap_or(local) })
        });
        Uplink { link: link.name.clone(), mtu: link.mtu, addresses: addresses.collect() }
    }
}

/// Of no use beyond its link.
fn is_link_local(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address.is_link_local(),
        IpAddr::V6(address) => address.is_unicast_link_local(),
    }
}

#[cfg(test)]
mod tests;
