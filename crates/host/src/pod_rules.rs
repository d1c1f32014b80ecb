//! The verbs on a node's packet rules.

use netstate::PodRules;

use crate::error::Error;
use crate::machine::Host;
use crate::nftables::{DroppedTunnelPackets, RuleDrift, RulesPass};

impl Host {
    /// Makes the node's packet rules be these and no others, and tells what it had to repair and what keeps pods'
    /// packets back all the same. A pass that finds the ruleset as the last one left it costs next to nothing.
    ///
    /// # Errors
    /// Where the kernel refuses, or has no `nf_tables`; then nothing was changed. Where only xtables-legacy can't be
    /// read, the rules are right.
    pub fn reconcile_pod_rules(&mut self, rules: &PodRules) -> Result<RulesPass, Error> {
        Ok(self.nftables.reconcile_pod_rules(rules)?)
    }

    /// What a pass would repair, to be shown.
    ///
    /// # Errors
    /// Where the kernel can't be read, or has no `nf_tables`.
    pub fn pod_rules_drift(&mut self, rules: &PodRules) -> Result<Vec<RuleDrift>, Error> {
        Ok(self.nftables.pod_rules_drift(rules)?)
    }

    /// Removes all packet rules that [`Host::reconcile_pod_rules`] made. Absence is success.
    ///
    /// # Errors
    /// Where the kernel refuses; then nothing was removed.
    pub fn remove_pod_rules(&mut self) -> Result<(), Error> {
        Ok(self.nftables.remove_pod_rules()?)
    }

    /// Who sends tunnel packets without being a node of the cluster, and how many were dropped.
    ///
    /// # Errors
    /// Where the kernel can't be read, or has no `nf_tables`.
    pub fn dropped_tunnel_packets(&mut self) -> Result<Vec<DroppedTunnelPackets>, Error> {
        Ok(self.nftables.dropped_tunnel_packets()?)
    }
}
