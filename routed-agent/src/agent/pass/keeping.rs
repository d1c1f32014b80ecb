//! What a pass keeps: the fabric, the packet rules, forwarding, the files. Each failure is told in the status.

use std::collections::BTreeSet;

use host::Applied;
use host::fabric::{Drift, Foreign, Pass as Laid};
use host::netlink::Traffic;
use netstate::{Fabric, Family, Object, Plan, PodRules};

use super::{LINES, Outcome, Pass};
use crate::agent::ground::Ground;
use crate::duties;
use crate::files::Facts;
use crate::status::{self, Status};

impl Pass {
    /// Returns what was changed: by a first pass in a large cluster tens of thousands of objects, which nobody reads.
    pub(super) fn keep_fabric(
        &mut self,
        fabric: &Fabric,
        status: &mut Status,
        outcome: &mut Outcome,
    ) -> Vec<Drift> {
        let wanted = fabric.paths.len();
        status.paths = status::Paths { wanted, ..status::Paths::default() };
        let pass = match self.lay(fabric, outcome) {
            Ok(pass) => pass,
            Err(error) => {
                status.problems.push(error.to_string());
                return Vec::new();
            }
        };
        let Traffic { sends, receipts } = pass.traffic;
        tracing::debug!(changes = pass.changes.len(), sends, receipts, "the fabric is compared");
        if outcome.ground != Ground::Confirmed {
            let told =
                |(subnet, foreign): &(_, Foreign)| format!("{foreign}: it takes packets to pods of {subnet}");
            self.foreign = pass.foreign.iter().take(LINES).map(told).collect();
        }
        status.warnings.extend(self.foreign.iter().cloned());
        outcome.refusals += pass.failures.len() as u64;
        let missing: BTreeSet<_> = pass.failures.iter().filter_map(host::fabric::Failure::subnet).collect();
        status.paths.programmed = wanted - missing.len().min(wanted);
        if let (0, Some(first)) = (status.paths.programmed, pass.failures.first()) {
            status.problems.push(format!("no path to any other node's pods is in the kernel: {first}"));
        }
        for failure in &pass.failures {
            // What is no single path's is this node's own.
            let lines = if failure.subnet().is_some() { &mut status.failed } else { &mut status.problems };
            lines.push(failure.to_string());
        }
        pass.changes
    }

    /// The difference alone where it can be known, else whatever a glance or a look finds.
    fn lay(&mut self, fabric: &Fabric, outcome: &mut Outcome) -> Result<Laid, host::Error> {
        let laid = match (self.ground, &self.wanted) {
            (Ground::Confirmed, Some(last)) => self.host.step(&last.fabric, fabric)?,
            (Ground::Told, Some(last)) if last.fabric == *fabric => self.host.glance(fabric)?,
            _ => None,
        };
        match laid {
            Some(pass) => {
                outcome.ground = self.ground;
                Ok(pass)
            }
            None => self.host.reconcile_as(fabric, self.shape),
        }
    }

    pub(super) fn keep_rules(
        &mut self,
        rules: &PodRules,
        status: &mut Status,
        outcome: &mut Outcome,
    ) -> Vec<(&'static str, String)> {
        match self.host.reconcile_pod_rules(rules) {
            Ok(pass) => {
                status.warnings.extend(pass.blocked.iter().map(ToString::to_string));
                pass.repaired.iter().map(|drift| ("rule", drift.to_string())).collect()
            }
            Err(error) => {
                outcome.refusals += 1;
                status.problems.push(error.to_string());
                Vec::new()
            }
        }
    }

    pub(super) fn keep_forwarding(&mut self, status: &mut Status) {
        let mut plan = Plan::default();
        for network in &self.decisions.networks {
            plan.node(Object::Forwarding(Family::of(network.ip())));
        }
        if let Err(error) = self.host.apply(&plan, None, &mut Applied::default()) {
            status.problems.push(error.to_string());
        }
    }

    /// The conflist lets the runtime start pods, so it comes last, and only when they will have a network.
    pub(super) fn keep_files(&mut self, status: &mut Status) {
        if self.nodes.get(&self.terms.own).is_none() {
            // It may come back as another Node, with other subnets, before our successor knows of them.
            status.problems.extend(self.files.withdraw().err().map(|error| error.to_string()));
            return;
        }
        if self.own.is_empty() || !status.problems.is_empty() {
            return;
        }
        let facts = Facts {
            pods: duties::pod_networks(&self.decisions, &self.own),
            mtu: status.pod_mtu,
            masquerade: self.decisions.masquerade.is_some(),
        };
        status.warnings.extend(self.files.rival().map(|rival| rival.to_string()));
        status.problems.extend(self.files.keep(&facts).iter().map(ToString::to_string));
    }
}
