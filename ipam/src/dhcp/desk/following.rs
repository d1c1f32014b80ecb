//! A lease that is not what it was: the container follows it, and what plugins made for its address.

use std::path::Path;

use host::{Applied, Host};
use netstate::{Object, Plan};

use super::super::errand::Errand;
use super::super::error::LeaseError;
use super::super::lease::Lease;
use super::super::log;

/// The address is the same; its routes may be others now, and are the container's at once.
///
/// # Errors
/// What the kernel says: then some of them are not.
pub(super) fn renewed(errand: &Errand, old: &Lease, new: &Lease) -> Result<(), LeaseError> {
    let wish = errand.client.wish;
    if old.names != new.names {
        let servers: Vec<String> = new.names.servers.iter().map(ToString::to_string).collect();
        log::line(
            errand.client.owner,
            &format!("name servers are now [{}]: for the next ADD", servers.join(" ")),
        );
    }
    let (before, after) = (old.routes_on(&errand.link, wish), new.routes_on(&errand.link, wish));
    let mut plan = Plan::default();
    let mut host = Host::open()?;
    for route in after.iter().filter(|route| !before.contains(route)) {
        // A daemon that was killed may have been here.
        host.remove_route_in(errand.namespace, route)?;
        plan.container(Object::Route(route.clone()));
    }
    let changed = before != after;
    host.apply(&plan, Some(errand.namespace), &mut Applied::default())?;
    for route in before.iter().filter(|route| !after.contains(route)) {
        host.remove_route_in(errand.namespace, route)?;
    }
    if changed {
        log::line(errand.client.owner, "its routes are others now");
    }
    Ok(())
}

/// The lease is over: nobody uses its address from now on.
///
/// # Errors
/// What the kernel says.
pub(super) fn lost(errand: &Errand, old: &Lease) -> Result<(), LeaseError> {
    let host = Host::open()?;
    for route in old.routes_on(&errand.link, errand.client.wish) {
        host.remove_route_in(errand.namespace, &route)?;
    }
    Ok(host.remove_address_in(errand.namespace, &errand.link, old.address)?)
}

/// Another lease is in its place: the container gets its address and routes, and then what other plugins made for the
/// old address is made for this one. What of that fails is told, and no reason to give the address back: CHECK finds it.
/// `root` is the host's.
///
/// # Errors
/// What the kernel says: then the container lacks the address.
pub(super) fn replaced(errand: &Errand, old: &Lease, new: &Lease, root: &Path) -> Result<(), LeaseError> {
    let mut host = Host::open()?;
    let plan = new.plan(&errand.link, errand.client.wish);
    lost(errand, new)?;
    host.apply(&plan, Some(errand.namespace), &mut Applied::default())?;
    for error in host.renumber(errand.client.owner, errand.namespace, &old.became(new), root) {
        log::line(errand.client.owner, &format!("not all that rests on {} follows: {error}", new.address));
    }
    Ok(())
}
