//! One pass: links first, then what lies on them is read, compared and changed, what is missing before what is too much.

use std::sync::Arc;

use ipnetwork::IpNetwork;
use netstate::{Fabric, Family};

use super::bulk::{Bulk, Change};
use super::compare::{self, Seen};
use super::hops::Hops;
use super::object::{NextHop, Object};
use super::report::{Action, Drift, Failure, Obstacle, Pass};
use super::wanted::Wanted;
use super::{Effect, Shape};
use crate::error::{Context, Error};
use crate::link;
use crate::netlink::Refusal;

/// A pass on its way.
pub(super) struct Work<'a> {
    pub(super) links: &'a mut link::Socket,
    pub(super) bulk: &'a mut Bulk,
    pub(super) effect: Effect,
    pub(super) shape: Shape,
    /// The names of links, as far as they were asked for.
    names: Vec<(u32, Arc<str>)>,
    pass: Pass,
}

impl<'a> Work<'a> {
    pub(super) fn new(links: &'a mut link::Socket, bulk: &'a mut Bulk, effect: Effect, shape: Shape) -> Self {
        Self { links, bulk, effect, shape, names: Vec::new(), pass: Pass::default() }
    }

    /// # Errors
    /// Where a table can't be read, or the socket fails. What was done by then is done; the next pass goes on.
    pub(super) fn run(mut self, fabric: &Fabric) -> Result<Pass, Error> {
        let mut tunnels = [None; 2];
        for wanted in &fabric.tunnels {
            let index = self.tunnel(wanted, &fabric.networks);
            self.names.extend(index.map(|index| (index, Arc::from(wanted.name.as_str()))));
            tunnels[Family::of(wanted.address.ip()) as usize] = index;
        }
        let underlay = self.underlay(fabric)?;
        // An older kernel has no next hop objects.
        let standing = self.bulk.next_hops().context("read", &"the next hops")?;
        if standing.is_none() && self.shape == Shape::NextHops {
            self.shape = Shape::Plain;
        }
        let wanted = Wanted::new(fabric, tunnels, underlay, self.shape);
        let changes = self.compare(&wanted, standing.unwrap_or_default())?;
        self.carry_out(&wanted, changes)?;
        self.strange_tunnels(fabric).context("read", &"the VXLAN devices")?;
        Ok(self.pass)
    }

    fn underlay(&mut self, fabric: &Fabric) -> Result<Result<u32, Obstacle>, Error> {
        let Some(name) = &fabric.underlay else { return Ok(Err(Obstacle::NoUnderlay)) };
        Ok(match link::find(self.links, name).context("find", name)? {
            None => Err(Obstacle::NoLink(name.clone())),
            Some(seen) if !seen.is_up() => Err(Obstacle::Down(name.clone())),
            Some(seen) => Ok(seen.index),
        })
    }

    /// Reads what there is, and tells what is to be done about it, in the order in which it is to be done.
    fn compare(&mut self, wanted: &Wanted<'_>, standing: Vec<NextHop>) -> Result<Vec<Change>, Error> {
        let mut hops = Hops::new(wanted);
        for next_hop in standing {
            hops.see(next_hop);
        }
        let new_hops = hops.number();
        let mut routes = self.bulk.routes(wanted, &hops).context("read", &"the routes")?;
        let neighbours = self.bulk.neighbours(wanted).context("read", &"the neighbours")?;
        let entries = self.bulk.entries(wanted).context("read", &"the forwarding entries")?;

        let mut changes = Vec::new();
        let mut push = |action, object, path| changes.push(Change { action, object, path });
        for (number, path) in wanted.paths.iter().enumerate() {
            let hop = match wanted.hop(number) {
                Ok(hop) => hop,
                Err(obstacle) => {
                    self.pass.failures.push(Failure::Blocked { subnet: path.subnet, obstacle });
                    continue;
                }
            };
            let Some((neighbour, entry)) = Wanted::beyond(path, hop) else { continue };
            if let Some(action) = neighbours.action(number) {
                push(action, Object::Neighbour(neighbour), Some(number));
            }
            if let Some(action) = entries.action(number).filter(|_| Seen::is_first(wanted, number, &entry)) {
                push(action, Object::Entry(entry), Some(number));
            }
        }
        for next_hop in new_hops {
            push(Action::Add, Object::NextHop(next_hop), None);
        }
        for number in 0..wanted.paths.len() {
            let Some(action) = routes.action(number) else { continue };
            if let Some(route) = compare::route(wanted, &hops, number) {
                push(action, Object::Route(route), Some(number));
            }
        }
        hops.unwanted.retain(|next_hop| !routes.keeps(next_hop));
        let superfluous = routes.superfluous();
        let unwanted = superfluous.into_iter().chain(routes.unwanted).map(Object::Route);
        let unwanted = unwanted
            .chain(hops.unwanted.into_iter().map(Object::NextHop))
            .chain(entries.unwanted.into_iter().map(Object::Entry))
            .chain(neighbours.unwanted.into_iter().map(Object::Neighbour));
        for object in unwanted {
            push(Action::Remove, object, None);
        }
        Ok(changes)
    }

    fn carry_out(&mut self, wanted: &Wanted<'_>, changes: Vec<Change>) -> Result<(), Error> {
        let refused = match self.effect {
            Effect::Look => Vec::new(),
            Effect::Change => self.bulk.change(&changes).context("change", &"the fabric")?,
        };
        let mut refused = refused.into_iter().peekable();
        self.pass.changes.reserve_exact(changes.len());
        for (number, change) in changes.into_iter().enumerate() {
            let Some((_, refusal)) = refused.next_if(|(index, _)| *index == number) else {
                self.note(change.action, change.object);
                continue;
            };
            if change.action == Action::Remove && is_absence(&refusal) {
                continue;
            }
            let subnet = change.path.map(|number| wanted.paths[number].subnet);
            self.fail_for(subnet, (change.action, change.object), refusal);
        }
        Ok(())
    }

    /// Notes what was done.
    pub(super) fn note(&mut self, action: Action, object: Object) {
        let drift = self.drift(action, object);
        self.pass.changes.push(drift);
    }

    /// Notes what could not be done.
    pub(super) fn fail(&mut self, action: Action, object: Object, refusal: Refusal) {
        self.fail_for(None, (action, object), refusal);
    }

    fn fail_for(&mut self, subnet: Option<IpNetwork>, tried: (Action, Object), source: Refusal) {
        let drift = Box::new(self.drift(tried.0, tried.1));
        self.pass.failures.push(Failure::Refused { subnet, drift, source });
    }

    fn drift(&mut self, action: Action, object: Object) -> Drift {
        let link = link_of(&object).map(|index| self.name(index));
        Drift { action, object, link }
    }

    /// A link's name; where it has none any more, its number.
    fn name(&mut self, index: u32) -> Arc<str> {
        if let Some((_, name)) = self.names.iter().find(|(known, _)| *known == index) {
            return Arc::clone(name);
        }
        let found = link::by_index(self.links, index).ok().flatten();
        let name: Arc<str> = found.map_or_else(|| index.to_string(), |seen| seen.name).into();
        self.names.push((index, Arc::clone(&name)));
        name
    }
}

/// Is what was to be removed gone already?
fn is_absence(refusal: &Refusal) -> bool {
    [libc::ESRCH, libc::ENOENT, libc::ENODEV].into_iter().any(|errno| refusal.is(errno))
}

fn link_of(object: &Object) -> Option<u32> {
    match object {
        Object::Device(_) | Object::Setting(..) => None,
        Object::Address { link, .. } => Some(*link),
        Object::NextHop(next_hop) => next_hop.hop.map(|hop| hop.link),
        Object::Route(route) => route.way.link(),
        Object::Neighbour(neighbour) => Some(neighbour.link),
        Object::Entry(entry) => Some(entry.link),
    }
}
