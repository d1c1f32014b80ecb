//! CHECK: a plan against the kernel.

mod container_link;
mod moved;

use std::fmt;

use netstate::{Address, Bridge, Family, LinkName, Object, Place, Plan, Port, PortVlans, Route, Step, Veth};

use crate::adjustment::{Site, by_kind};
use crate::apply::rules;
use crate::error::{Context, Error};
use crate::link::{self, Seen, Socket};
use crate::machine::Host;
use crate::namespace::Namespace;
use crate::route::MAIN;
use crate::{address, route, sysctl};

/// An object of a plan that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// What was wanted.
    pub step: Step,
    /// What was found: "missing", "is down", …
    pub found: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.step.object, self.found)
    }
}

impl Host {
    /// What of `plan` is missing or different. Changes that a later plugin of the chain may rightly make (settings,
    /// more addresses, more routes) are no differences.
    ///
    /// # Errors
    /// Where the kernel can't be read.
    pub fn compare(&mut self, plan: &Plan, container: Option<&Namespace>) -> Result<Vec<Difference>, Error> {
        let mut inner = match container {
            Some(namespace) => Some(namespace.route()?),
            None => None,
        };
        let mut differences = Vec::new();
        for step in plan.steps() {
            let socket = match step.place {
                Place::Host => &mut self.route,
                Place::Container => inner.as_deref_mut().ok_or(Error::NoContainer)?,
            };
            let found = match &step.object {
                Object::Bridge(wanted) => bridge(socket, wanted)?,
                Object::Veth(wanted) => {
                    veth(&mut self.route, inner.as_deref_mut().ok_or(Error::NoContainer)?, wanted)?
                }
                Object::ContainerLink(wanted) => container_link::container_link(
                    &mut self.route,
                    inner.as_deref_mut().ok_or(Error::NoContainer)?,
                    wanted,
                )?,
                Object::Device(wanted) => container_link::device(socket, wanted)?,
                Object::VlanGateway(wanted) => up(socket, &wanted.name)?,
                Object::Up(name) => up(socket, name)?,
                Object::Address(wanted) => on_link(socket, wanted)?,
                Object::Route(wanted) => routed(socket, wanted)?,
                Object::Forwarding(family) => forwarding(*family)?,
                // Rules and adjustments are compared together, below.
                Object::Sysctl(_)
                | Object::Announcement(_)
                | Object::Masquerade(_)
                | Object::MacGuard(_)
                | Object::Adjustment(_) => None,
            };
            differences.extend(found.map(|found| Difference { step: step.clone(), found }));
        }
        drop(inner);
        differences.extend(self.missing_rules(plan)?);
        differences.extend(self.adjustments_amiss(plan, container)?);
        Ok(differences)
    }

    fn adjustments_amiss(
        &mut self,
        plan: &Plan,
        container: Option<&Namespace>,
    ) -> Result<Vec<Difference>, Error> {
        let mut site = Site { host: self, container };
        let mut differences = Vec::new();
        for (kind, wanted) in by_kind(&plan.adjustments()) {
            for (adjustment, found) in kind.compare(&mut site, &wanted)? {
                let object = Object::Adjustment(adjustment);
                let step = plan.steps().iter().find(|step| step.object == object);
                differences.extend(step.map(|step| Difference { step: step.clone(), found }));
            }
        }
        Ok(differences)
    }

    fn missing_rules(&mut self, plan: &Plan) -> Result<Vec<Difference>, Error> {
        let (masquerades, guards) = rules(plan);
        if masquerades.is_empty() && guards.is_empty() {
            return Ok(Vec::new());
        }
        let missing = self.nftables.missing(&masquerades, &guards)?;
        let steps = plan.steps().iter().filter(|step| missing.contains(&step.object));
        Ok(steps.map(|step| Difference { step: step.clone(), found: "missing".to_owned() }).collect())
    }
}

/// What is wrong, in words; none where all is well.
type Found = Result<Option<String>, Error>;

fn find(socket: &mut Socket, name: &LinkName) -> Result<Result<Seen, String>, Error> {
    let seen = link::find(socket, name).context("find", name)?;
    Ok(seen.ok_or_else(|| "missing".to_owned()))
}

fn bridge(socket: &mut Socket, wanted: &Bridge) -> Found {
    Ok(find(socket, &wanted.name)?.map_or_else(Some, |seen| {
        if !seen.is_kind("bridge") {
            return Some("is not a bridge".to_owned());
        }
        link::complete_bridge(wanted, &seen)
            .map(|_| if seen.is_up() { "lacks an option".to_owned() } else { "is down".to_owned() })
    }))
}

fn veth(host: &mut Socket, container: &mut Socket, wanted: &Veth) -> Found {
    let (end, peer) = match (find(host, &wanted.name)?, find(container, &wanted.peer.name)?) {
        (Ok(end), Ok(peer)) => (end, peer),
        (Err(found), _) => return Ok(Some(format!("{} {found}", wanted.name))),
        (_, Err(found)) => return Ok(Some(format!("{} {found} in the container", wanted.peer.name))),
    };
    if peer.peer != Some(end.index) || !peer.is_kind("veth") {
        return Ok(Some(format!("{} is not its other end", wanted.peer.name)));
    }
    if peer.mac != Some(wanted.peer.mac) {
        let mac = peer.mac.map_or_else(|| "none".to_owned(), |mac| mac.to_string());
        return Ok(Some(format!("{} has the address {mac}", wanted.peer.name)));
    }
    match &wanted.port {
        Some(wanted) => port(host, &end, wanted),
        None => Ok((!end.is_up()).then(|| "is down".to_owned())),
    }
}

fn port(host: &mut Socket, end: &Seen, wanted: &Port) -> Found {
    let master = find(host, &wanted.bridge)?.map(|bridge| bridge.index).ok();
    if end.master.is_none() || end.master != master {
        return Ok(Some(format!("is no port of {}", wanted.bridge)));
    }
    if let Some(flag) = wanted.flags.iter().find(|flag| !end.port_flags.contains(flag)) {
        return Ok(Some(format!("{flag} is off")));
    }
    match &wanted.vlans {
        Some(vlans) => port_vlans(host, end.index, vlans),
        None => Ok(None),
    }
}

fn port_vlans(host: &mut Socket, port: u32, wanted: &PortVlans) -> Found {
    let found = link::vlans(host, port).context("read the VLANs of", &port)?;
    let mut all = wanted.untagged.iter().chain(&wanted.tagged);
    Ok(all.find(|vlan| !found.contains(&vlan.id())).map(|vlan| format!("VLAN {vlan} missing")))
}

fn up(socket: &mut Socket, name: &LinkName) -> Found {
    Ok(find(socket, name)?.map_or_else(Some, |seen| (!seen.is_up()).then(|| "is down".to_owned())))
}

fn on_link(socket: &mut Socket, wanted: &Address) -> Found {
    let seen = match find(socket, &wanted.link)? {
        Ok(seen) => seen,
        Err(found) => return Ok(Some(format!("{} {found}", wanted.link))),
    };
    let family = Some(Family::of(wanted.network.ip()));
    let addresses =
        address::of_link(socket, seen.index, family).context("read the addresses of", &wanted.link)?;
    Ok((!addresses.iter().any(|seen| seen.network == wanted.network)).then(|| "missing".to_owned()))
}

fn routed(socket: &mut Socket, wanted: &Route) -> Found {
    let family = Family::of(wanted.destination.ip());
    let link = find(socket, &wanted.link)?.ok();
    let routes = route::all(socket, family).context("read", &"the routes")?;
    let there = |table: u32| {
        routes.iter().any(|seen| {
            seen.destination.network() == wanted.destination.network()
                && seen.destination.prefix() == wanted.destination.prefix()
                && seen.table == table
                && seen.gateway == wanted.gateway
                && seen.link == link.as_ref().map(|link| link.index)
                && (wanted.priority.is_none() || seen.priority == wanted.priority)
        })
    };
    if there(wanted.table.unwrap_or(MAIN)) {
        return Ok(None);
    }
    let elsewhere = match &link {
        Some(link) if wanted.table.is_none() => moved::tables(socket, link, family)?,
        _ => Vec::new(),
    };
    Ok((!elsewhere.into_iter().any(there)).then(|| "missing".to_owned()))
}

fn forwarding(family: Family) -> Found {
    let value = sysctl::read(family.forwarding_sysctl())?;
    Ok((value.as_deref() != Some("1")).then(|| "is off".to_owned()))
}
