//! `sbr`: source-based routing. Packets from each address of the interface are routed by a table of their own, which
//! gets the interface's routes.

mod conf;
mod plan;

use std::collections::BTreeSet;

use cni::{Failure, Request};
use host::record::Keeper;
use host::{Host, Namespace};
use netstate::{Adjustment, KernelRoute, Plan, SourceRule};

use self::conf::Conf;
use super::flow::{Leaving, Machine, Policy, Wanted};
use crate::failure::of;

/// The plugin.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sbr;

/// What the plan depends on.
pub(crate) enum Seen {
    /// What was moved already: in CHECK, and in an ADD after one that was killed, the routes are no longer where they were.
    Moved(Vec<Adjustment>),
    /// Nothing yet.
    Untouched {
        /// Tables that a rule leads to, or that hold a route.
        taken: BTreeSet<u32>,
        /// The interface's routes in the main table.
        routes: Vec<KernelRoute>,
    },
}

impl Policy for Sbr {
    const NAME: &'static str = "sbr";
    const KEEPER: Keeper = Keeper::Sbr;
    type Conf = Conf;
    type Seen = Seen;

    fn parse(request: &Request) -> Result<Conf, Failure> {
        Conf::parse(request)
    }

    fn look(conf: &Conf, wanted: &Wanted, machine: &mut Machine) -> Result<Seen, Failure> {
        if let Some(moved) = plan::moved(wanted, machine.recorded) {
            return Ok(Seen::Moved(moved));
        }
        let container = machine.container;
        if conf.table.is_some() {
            return Ok(Seen::Untouched { taken: BTreeSet::new(), routes: Vec::new() });
        }
        let mut taken: BTreeSet<u32> = container.ruled_tables().map_err(of)?.into_iter().collect();
        taken.extend(container.routed_tables().map_err(of)?);
        let routes = container.routes_of(&wanted.link).map_err(of)?;
        Ok(Seen::Untouched { taken, routes })
    }

    fn plan(conf: &Conf, wanted: &Wanted, seen: &Seen) -> Result<Plan, Failure> {
        plan::plan(conf, wanted, seen)
    }

    /// The reference's routes are as good as ours; only that each address has its rule can be told.
    fn compare_unrecorded(
        conf: &Conf,
        wanted: &Wanted,
        machine: &mut Machine,
    ) -> Result<Option<Vec<String>>, Failure> {
        let rules = machine.container.source_rules().map_err(of)?;
        let has_rule = |source| {
            rules
                .iter()
                .any(|rule| rule.source == source && conf.table.is_none_or(|table| rule.table == table))
        };
        let missing = plan::addresses(wanted).map(|ip| ip.address.ip()).filter(|source| !has_rule(*source));
        Ok(Some(missing.map(|source| format!("rule from {source}: missing")).collect()))
    }

    /// The reference's rules: those from the interface's addresses. Its routes go with the interface.
    fn remove_unrecorded(leaving: &Leaving, host: &mut Host) -> Vec<Failure> {
        let Some(container) = &leaving.container else { return Vec::new() };
        match reference_rules(leaving, container, host) {
            Ok(rules) => {
                let rules: Vec<_> = rules.into_iter().map(Adjustment::SourceRule).collect();
                host.withdraw(Some(container), &leaving.owner, &rules).into_iter().map(of).collect()
            }
            Err(failure) => vec![failure],
        }
    }
}

fn reference_rules(
    leaving: &Leaving,
    container: &Namespace,
    host: &mut Host,
) -> Result<Vec<SourceRule>, Failure> {
    let table = Conf::parse(leaving.request).ok().and_then(|conf| conf.table);
    let result = leaving.request.config.prev_result().ok().flatten().unwrap_or_default();
    let mut addresses: Vec<_> =
        plan::addresses_of(&result, &leaving.owner.ifname).map(|ip| ip.address.ip()).collect();
    if let Ok(link) = leaving.owner.ifname.parse() {
        // An interface that is gone took its addresses along; its rules stay.
        let there = host.addresses_in(container, &link).unwrap_or_default();
        addresses.extend(there.iter().map(ipnetwork::IpNetwork::ip));
    }
    let mut rules = container.source_rules().map_err(of)?;
    rules.retain(|rule| addresses.contains(&rule.source) && table.is_none_or(|table| rule.table == table));
    Ok(rules)
}
