//! Where this node stands.

use host::uplink::Interface;
use netstate::Family;

use super::Pass;
use crate::agent::locator::Found;
use crate::duties::{self, Site};
use crate::status::Status;

impl Pass {
    /// Where this node stands now, and the pods' bridge; where that can't be told, where it stood last.
    pub(super) fn stand(&mut self, status: &mut Status) -> Option<(Site, Option<Interface>)> {
        let own = self.nodes.get(&self.terms.own);
        let found = match self.found.take() {
            Some(found) => Ok(found),
            None => self.locator.find(&mut self.host, own, &self.own, &self.decisions),
        };
        let (site, bridge) = match found {
            Ok(found) => {
                // The bridge was put right, if it was not: that holds until the kernel is looked at again.
                self.found = Some(Found { bridge: None, ..found.clone() });
                let Found { mut site, bridge, wrong } = found;
                status.warnings.extend(wrong);
                for family in self.decisions.networks.iter().map(|network| Family::of(network.ip())) {
                    if site.address(family).is_some() {
                        continue;
                    }
                    status.problems.push(format!("{}: it has no {family} address", site.link));
                    if let Some(last) = self.site.as_ref().filter(|last| last.link == site.link) {
                        site.keep(last, family);
                    }
                }
                (site, bridge)
            }
            Err(why) => {
                let Some(last) = self.site.clone() else {
                    status.problems.push(why.to_string());
                    return None;
                };
                // What stands goes on; what does not work any more, the kernel will say.
                status.warnings.push(why.to_string());
                (last, None)
            }
        };
        status.link = Some(site.link.to_string());
        status.addresses = site.addresses.iter().map(ToString::to_string).collect();
        status.pod_mtu = duties::pod_mtu(&self.decisions, &site);
        Some((site, bridge))
    }
}
