//! This node's own pod subnets.

use netstate::{Family, Path};

use super::Pass;
use crate::cluster::Cluster;
use crate::status::Status;

impl Pass {
    /// Takes the subnets that the cluster gives this node. One that is no longer given stays: pods have addresses of
    /// it, and whoever took it away has not given another.
    pub(super) fn know_own(&mut self, cluster: &Cluster, status: &mut Status) {
        for network in self.decisions.networks.clone() {
            let family = Family::of(network.ip());
            let given = cluster.own.iter().find(|subnet| Family::of(subnet.ip()) == family);
            let known = self.own.iter_mut().find(|subnet| Family::of(subnet.ip()) == family);
            let why = || {
                let name = &self.terms.own;
                let refused =
                    |refused: &&crate::cluster::Refused| *refused.node == **name && refused.family == family;
                match cluster.refused.iter().find(refused) {
                    Some(refused) => refused.to_string(),
                    None => format!("Node {name}, {family}: it is not among the Nodes"),
                }
            };
            match (given, known) {
                (Some(given), Some(known)) => *known = *given,
                (Some(given), None) => self.own.push(*given),
                (None, Some(known)) => status.warnings.push(format!("{}; {known} stays", why())),
                (None, None) => status.problems.push(why()),
            }
        }
    }

    /// A Node that was a member, and says too little all of a sudden, keeps its path: its pods are there.
    pub(super) fn keep_silent(&self, cluster: &Cluster, paths: &mut Vec<Path>) {
        // Nearly always nobody is, and a pass that changes nothing has nothing to put in order.
        let Some(wanted) = self.wanted.as_ref().filter(|_| !cluster.silent.is_empty()) else { return };
        let kept = wanted.fabric.paths.iter().filter(|path| cluster.silent.contains(&path.subnet));
        paths.extend(kept);
        paths.sort_unstable_by_key(|path| (path.subnet.network(), path.subnet.prefix()));
    }
}
