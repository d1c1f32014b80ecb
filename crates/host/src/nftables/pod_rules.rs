//! The rules of all pods of a node: made, repaired, compared and removed, each in one batch.

use std::net::IpAddr;

use netstate::PodRules;

use super::Nftables;
use super::blocked::Blocked;
use super::error::Error;
use super::forward;
use super::legacy_forward;
use super::repair::{Repair, RuleDrift};
use super::routed::{DROPPED, Routed, TABLE};
use super::session::Session;
use super::upkeep::Seen;

/// What came of a pass over the packet rules.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RulesPass {
    /// What was wrong, and is right now.
    pub repaired: Vec<RuleDrift>,
    /// What keeps pods' packets back, and is for an operator to change.
    pub blocked: Vec<Blocked>,
}

impl RulesPass {
    fn with_legacy(mut self, rules: &PodRules) -> Result<Self, Error> {
        self.blocked.extend(legacy_forward::blocked(rules)?);
        Ok(self)
    }
}

/// Tunnel packets that came from no known node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DroppedTunnelPackets {
    /// Where they came from.
    pub source: IpAddr,
    /// How many, since an hour passed without one, or since the rules were made.
    pub packets: u64,
}

/// A ruleset in which nothing was to be done.
pub(super) struct Settled {
    generation: u32,
    rules: PodRules,
    blocked: Vec<Blocked>,
}

impl Settled {
    /// Did nobody change any table since, and is the same wanted?
    fn holds(&self, generation: u32, rules: &PodRules) -> bool {
        self.generation == generation && self.rules == *rules
    }
}

/// A ruleset against what is wanted.
struct Comparison {
    repair: Repair,
    blocked: Vec<Blocked>,
}

impl Comparison {
    fn of(session: &mut Session, rules: &PodRules, wanted: &Routed) -> Result<Self, Error> {
        let chains = session.chains()?;
        let table = Seen::look(session, &chains, wanted)?;
        let hooked = forward::look(session, &chains)?;
        let repair =
            hooked.iter().map(|hooked| hooked.repair(rules)).fold(wanted.repair(&table), Repair::and);
        let blocked = hooked.iter().flat_map(|hooked| hooked.blocked(rules)).collect();
        Ok(Self { repair, blocked })
    }
}

impl Nftables {
    /// Makes the packet rules be these and no others: what is right stays untouched, the rest is changed in one
    /// batch. Where nothing was to be done last time, and nobody changed any table since, the kernel is asked for
    /// its generation, and xtables-legacy for its chain where it is in use.
    ///
    /// # Errors
    /// [`Error`]; then nothing was changed, but where only xtables-legacy could not be read ([`Error::Legacy`]): then
    /// the rules are right, and whether it keeps pods' packets back is not known.
    pub fn reconcile_pod_rules(&mut self, rules: &PodRules) -> Result<RulesPass, Error> {
        let generation = self.session()?.generation()?;
        if let Some(settled) = self.settled.as_ref().filter(|settled| settled.holds(generation, rules)) {
            let blocked = settled.blocked.clone();
            return RulesPass { repaired: Vec::new(), blocked }.with_legacy(rules);
        }
        self.settled = None;
        let wanted = Routed::of(rules);
        let mut pass = RulesPass::default();
        self.session()?.change("set the pods' packet rules", |session| {
            let Comparison { repair, blocked } = Comparison::of(session, rules, &wanted)?;
            pass = RulesPass { repaired: repair.drift, blocked };
            Ok(repair.changes)
        })?;
        if pass.repaired.is_empty() {
            self.settled = Some(Settled { generation, rules: rules.clone(), blocked: pass.blocked.clone() });
        }
        pass.with_legacy(rules)
    }

    /// What a pass would repair.
    ///
    /// # Errors
    /// [`Error`].
    pub fn pod_rules_drift(&mut self, rules: &PodRules) -> Result<Vec<RuleDrift>, Error> {
        let wanted = Routed::of(rules);
        Ok(self.session()?.look(|session| Comparison::of(session, rules, &wanted))?.repair.drift)
    }

    /// Removes our table, and our rules from iptables-nft's chains. Absence is success.
    ///
    /// # Errors
    /// [`Error`]; then nothing was removed.
    pub fn remove_pod_rules(&mut self) -> Result<(), Error> {
        if !self.available()? {
            return Ok(());
        }
        self.reconcile_pod_rules(&PodRules::default()).map(drop)
    }

    /// Whose tunnel packets were dropped, sorted by address. Of very many sources some are not counted.
    ///
    /// # Errors
    /// [`Error`].
    pub fn dropped_tunnel_packets(&mut self) -> Result<Vec<DroppedTunnelPackets>, Error> {
        let mut dropped = Vec::new();
        for set in DROPPED {
            let members = self.session()?.members(TABLE, set)?;
            dropped.extend(
                members
                    .iter()
                    .map(|found| DroppedTunnelPackets { source: found.address, packets: found.packets }),
            );
        }
        dropped.sort_by_key(|dropped| dropped.source);
        Ok(dropped)
    }
}
