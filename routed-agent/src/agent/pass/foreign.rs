//! Routes of others in the way of new paths.

use std::rc::Rc;

use netstate::{Fabric, Family, Path};

use super::Pass;
use crate::cluster::{Cluster, Reason, Refused, holds};
use crate::status::Status;

impl Pass {
    /// Leaves out paths to where somebody else's route leads already, or to a part of it. Only new paths are asked about:
    /// what stands where one of ours stood is a wrong route, and is replaced.
    ///
    /// # Errors
    /// Where the routes can't be read.
    pub(super) fn yield_to_foreign(
        &mut self,
        fabric: &mut Fabric,
        cluster: &Cluster,
        status: &mut Status,
    ) -> Result<(), host::Error> {
        let known = self.wanted.as_ref().map(|wanted| wanted.fabric.paths.as_slice()).unwrap_or_default();
        let is_known = |path: &Path| known.binary_search_by_key(&path.subnet, |known| known.subnet).is_ok();
        if fabric.paths == known || fabric.paths.iter().all(is_known) {
            return Ok(());
        }
        let foreign = self.host.foreign_routes(fabric)?;
        fabric.paths.retain(|path| {
            let in_the_way = foreign.iter().find(|found| holds(path.subnet, found.destination));
            let Some(found) = in_the_way.filter(|_| !is_known(path)) else { return true };
            let member = cluster.members.iter().find(|member| member.subnet == path.subnet);
            let refused = member.map(|member| Refused {
                node: Rc::clone(&member.node),
                family: Family::of(path.subnet.ip()),
                reason: Reason::ForeignRoute { subnet: path.subnet, foreign: found.to_string() },
            });
            status.refused.extend(refused.map(|refused| refused.to_string()));
            false
        });
        Ok(())
    }
}
