//! The plan of `sbr`. Pure.

use std::collections::BTreeSet;
use std::net::IpAddr;

use cni::{Failure, Ip, Success};
use netstate::{
    Adjustment, Change, Family, KernelRoute, LinkName, Object, Plan, Route, RouteChange, SourceRule,
};

use super::Seen;
use super::conf::{Conf, ConfError};
use crate::chained::flow::Wanted;

/// The first table that is given to an address, as the reference has it.
const FIRST: u32 = 100;

/// The interface's addresses in prevResult.
pub(super) fn addresses<'a>(wanted: &'a Wanted) -> impl Iterator<Item = &'a Ip> {
    addresses_of(wanted.result, wanted.link.as_str())
}

/// An interface's addresses in a result. One that names no interface is taken for it.
pub(super) fn addresses_of<'a>(result: &'a Success, ifname: &'a str) -> impl Iterator<Item = &'a Ip> {
    let other = move |index: usize| result.interfaces.get(index).is_some_and(|found| found.name != ifname);
    result.ips.iter().filter(move |ip| !ip.interface.is_some_and(other))
}

/// What is recorded, where it is of the same addresses, and moved routes.
pub(super) fn moved(wanted: &Wanted, recorded: &[Adjustment]) -> Option<Vec<Adjustment>> {
    let rule = |adjustment: &Adjustment| match adjustment {
        Adjustment::SourceRule(rule) => Some(rule.source),
        _ => None,
    };
    let sources: BTreeSet<IpAddr> = recorded.iter().filter_map(rule).collect();
    let moves = recorded.iter().any(|adjustment| matches!(adjustment, Adjustment::RouteChange(_)));
    let same = sources == addresses(wanted).map(|ip| ip.address.ip()).collect();
    (moves && same).then(|| recorded.to_vec())
}

/// For each address a rule and a table with its routes; then the main table loses them. A route is taken away after all
/// that rest on it stand elsewhere, and comes back before them.
pub(super) fn plan(conf: &Conf, wanted: &Wanted, seen: &Seen) -> Result<Plan, Failure> {
    let mut plan = Plan::default();
    let mut add = |adjustment| plan.container(Object::Adjustment(adjustment));
    let (taken, routes) = match seen {
        Seen::Moved(moved) => {
            moved.iter().cloned().for_each(add);
            return Ok(plan);
        }
        Seen::Untouched { taken, routes } => (taken, routes),
    };
    if addresses(wanted).next().is_none() {
        return Err(ConfError::NoAddress(wanted.link.to_string()).into());
    }
    let rule = |source, table| Adjustment::SourceRule(SourceRule { source, table });
    if let Some(table) = conf.table {
        addresses(wanted).for_each(|ip| add(rule(ip.address.ip(), table)));
        return Ok(plan);
    }
    let free: Vec<u32> =
        (FIRST..).filter(|table| !taken.contains(table)).take(addresses(wanted).count()).collect();
    for (ip, table) in addresses(wanted).zip(&free) {
        add(rule(ip.address.ip(), *table));
    }
    let change = |change, kernel| Adjustment::RouteChange(RouteChange { change, kernel });
    for (ip, table) in addresses(wanted).zip(&free) {
        for route in routes_of(conf, (ip, &wanted.link), routes) {
            add(change(Change::Added, in_table(route, *table)));
        }
    }
    let (direct, mut leaving): (Vec<_>, Vec<_>) =
        routes.iter().filter(|route| !is_link_local(route)).partition(|route| route.route.gateway.is_none());
    let mut hints = Vec::new();
    if conf.hints {
        for route in direct {
            match hint(route, wanted) {
                Some(hint) if hint != *route => {
                    leaving.push(route);
                    hints.push(hint);
                }
                Some(_) | None => {}
            }
        }
    } else {
        leaving.extend(direct);
    }
    for route in leaving {
        add(change(Change::Taken, route.clone()));
    }
    for hint in hints {
        add(change(Change::Added, hint));
    }
    Ok(plan)
}

/// The routes of an address's table: what its network has on the link, what leads to its gateways, and a default route,
/// which an earlier plugin may have taken away. Those without a gateway come first: the others rest on them.
fn routes_of(conf: &Conf, (ip, link): (&Ip, &LinkName), routes: &[KernelRoute]) -> Vec<KernelRoute> {
    let family = Family::of(ip.address.ip());
    let ours = |address: Option<IpAddr>| address.is_some_and(|address| ip.address.contains(address));
    let mut copies: Vec<KernelRoute> = routes
        .iter()
        .filter(|found| Family::of(found.route.destination.ip()) == family)
        .filter(|found| {
            let (source, gateway) = (found.route.source, found.route.gateway);
            ours(source) || ours(gateway) || (source.is_none() && gateway.is_none())
        })
        .cloned()
        .collect();
    let fixed = conf.gateways.iter().copied().find(|gateway| Family::of(*gateway) == family);
    let is_default = |found: &KernelRoute| found.route.destination == family.default_route();
    if fixed.is_some() {
        copies.retain(|found| !is_default(found));
    }
    if let Some(gateway) = fixed.or(ip.gateway)
        && !copies.iter().any(is_default)
    {
        copies.push(default_route(gateway, link));
    }
    copies.sort_by_key(|found| found.route.gateway.is_some());
    copies
}

fn default_route(gateway: IpAddr, link: &LinkName) -> KernelRoute {
    let route = Route {
        destination: Family::of(gateway).default_route(),
        gateway: Some(gateway),
        link: link.clone(),
        priority: None,
        table: None,
        scope: None,
        mtu: None,
        advmss: None,
        source: None,
    };
    KernelRoute { route, protocol: KernelRoute::OF_A_SCRIPT, onlink: false }
}

fn in_table(mut kernel: KernelRoute, table: u32) -> KernelRoute {
    kernel.route.table = Some(table);
    kernel
}

/// Neighbours talk to each other by link-local addresses, which have no rule: their route stays.
fn is_link_local(found: &KernelRoute) -> bool {
    match found.route.destination.ip() {
        IpAddr::V6(ip) => ip.is_unicast_link_local(),
        IpAddr::V4(_) => false,
    }
}

/// The route with the address of its own network for a source.
fn hint(route: &KernelRoute, wanted: &Wanted) -> Option<KernelRoute> {
    let ours = addresses(wanted).find(|ip| ip.address.contains(route.route.destination.ip()))?;
    let mut hint = route.clone();
    hint.route.source = Some(ours.address.ip());
    Some(hint)
}
