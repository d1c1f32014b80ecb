//! What others ask of a pass.

use host::watch::Part;
use netstate::LinkName;

use super::Pass;
use crate::conflist::BRIDGE;
use crate::duties;
use crate::report::{self, Wish};
use crate::status::Status;

impl Pass {
    /// How the kernel differs from what it was told last, one line a difference.
    ///
    /// # Errors
    /// Where it was told nothing yet, or can't be asked.
    pub(crate) fn differences(&mut self) -> Result<Vec<String>, String> {
        let Some(wanted) = &self.wanted else {
            return Err(self.status().ready().err().unwrap_or_else(|| "no pass was made yet".to_owned()));
        };
        let fabric = self.host.drift(&wanted.fabric, self.shape).map_err(|error| error.to_string())?;
        let rules = self.host.pod_rules_drift(&wanted.rules).map_err(|error| error.to_string())?;
        let failures = fabric.failures.iter().map(ToString::to_string);
        let fabric = fabric.changes.iter().map(ToString::to_string).chain(failures);
        Ok(fabric.chain(rules.iter().map(ToString::to_string)).collect())
    }

    /// The links that matter, and what of them: what happens on others is not ours. None while it is not known which.
    pub(crate) fn links(&mut self) -> Vec<(String, Option<u32>, Part)> {
        let (Some(wanted), Ok(bridge)) = (&self.wanted, LinkName::new(BRIDGE)) else { return Vec::new() };
        let fabric = &wanted.fabric;
        let tunnels = fabric.tunnels.iter().map(|tunnel| (&tunnel.name, Part::WithNeighbours));
        let others = fabric.underlay.iter().chain([&bridge]).map(|name| (name, Part::Itself));
        let mut index = |name| self.host.find(name).ok().flatten().map(|seen| seen.index);
        tunnels.chain(others).map(|(name, part)| (name.to_string(), index(name), part)).collect()
    }

    /// What is known by now.
    pub(crate) fn status(&self) -> Status {
        Status {
            complete: self.nodes.complete(),
            passed: self.wanted.is_some(),
            lost: self.nodes.lost().map(str::to_owned),
            nodes: self.nodes.len(),
            subnets: self.own.iter().map(ToString::to_string).collect(),
            ..self.status.clone()
        }
    }

    /// What the cluster shall know of this node.
    pub(crate) fn wish(&self) -> Wish {
        Wish {
            own: self.nodes.get(&self.terms.own).cloned(),
            annotations: self.site.as_ref().map(|site| duties::annotations(&self.decisions, site)),
            availability: {
                let known = self.wanted.is_some() || !self.status.problems.is_empty();
                (known && !self.flanneld_speaks()).then(|| report::availability(self.status.problems.first()))
            },
        }
    }

    /// Tunnel packets that were dropped, by source.
    pub(crate) fn dropped(&mut self) -> Vec<(String, u64)> {
        let dropped = self.host.dropped_tunnel_packets().unwrap_or_default();
        dropped.into_iter().map(|dropped| (dropped.source.to_string(), dropped.packets)).collect()
    }
}
