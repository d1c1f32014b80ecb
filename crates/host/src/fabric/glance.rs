//! A glance: links and routes alone, while nobody touches next hops, neighbours and forwarding entries.
//!
//! Of those the kernel tells each that comes, goes or changes. Routes go without a word, with the next hops of a link that
//! is set down; and each route tells the number, the gateway and the link of its next hop. So a glance reads half of what
//! a pass reads without tunnels, and a quarter with them.

use netstate::Fabric;

use super::Effect;
use super::bulk::Bulk;
use super::compare::Seen;
use super::object::Route;
use super::pass::Work;
use super::report::Pass;
use super::wanted::Wanted;
use crate::error::{Context, Error};
use crate::machine::Host;

impl Host {
    /// Is the kernel still as the last [`Host::reconcile`] with the same fabric found it, which changed nothing? For who
    /// has heard, since, of no next hop, neighbour or forwarding entry of a tunnel, and has lost no notification. Changes nothing.
    ///
    /// None where something differs, or can't be told by routes alone (`nexthop_compat_mode` is off: they name no gateway).
    ///
    /// # Errors
    /// Where the kernel's tables can't be read.
    pub fn glance(&mut self, fabric: &Fabric) -> Result<Option<Pass>, Error> {
        let bulk = Bulk::ensure(&mut self.fabric)?;
        let Some(left) = bulk.left else { return Ok(None) };
        let mut work = Work::new(&mut self.route, bulk, Effect::Look, left.shape);
        let before = work.bulk.socket().traffic();
        let (tunnels, underlay) = work.stand(fabric)?;
        if (tunnels, underlay.as_ref().ok()) != (left.tunnels, Some(&left.underlay)) {
            return Ok(None);
        }
        let wanted = Wanted::new(fabric, tunnels, underlay, left.shape);
        let take = |seen: &mut Seen<Route>, route| seen.route_by_its_word(&wanted, route);
        let mut routes = work.bulk.routes(&wanted, take).context("read", &"the routes")?;
        work.tell_foreign(&wanted, routes.foreign.drain(..));
        work.strange_tunnels(fabric).context("read", &"the VXLAN devices")?;
        work.pass.traffic = work.bulk.socket().traffic().since(before);
        Ok((routes.is_right() && work.pass.is_clean()).then_some(work.pass))
    }
}
