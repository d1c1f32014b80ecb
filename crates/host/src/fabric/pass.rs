//! One pass: links first, then what lies on them is read, compared and changed, what is missing before what is too much.

use std::sync::Arc;

use ipnetwork::IpNetwork;
use netstate::{Fabric, Family};

use super::bulk::Bulk;
use super::compare::{self, Seen};
use super::foreign::Foreign;
use super::hops::Hops;
use super::object::{Object, Route};
use super::report::{Action, Drift, Failure, Obstacle, Pass};
use super::step::Left;
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
    pub(super) pass: Pass,
}

/// The index of each family's tunnel, and of the underlay, or why it can't be used.
pub(super) type Standing = ([Option<u32>; 2], Result<u32, Obstacle>);

impl<'a> Work<'a> {
    pub(super) fn new(links: &'a mut link::Socket, bulk: &'a mut Bulk, effect: Effect, shape: Shape) -> Self {
        Self { links, bulk, effect, shape, names: Vec::new(), pass: Pass::default() }
    }

    /// # Errors
    /// Where a table can't be read, or the socket fails. What was done by then is done; the next pass goes on.
    pub(super) fn run(mut self, fabric: &Fabric) -> Result<Pass, Error> {
        if self.effect == Effect::Change {
            self.bulk.left = None;
        }
        let before = self.bulk.socket().traffic();
        let (tunnels, underlay) = self.stand(fabric)?;
        let mut wanted = Wanted::new(fabric, tunnels, underlay, self.shape);
        let found = self.bulk.next_hops(&wanted).context("read", &"the next hops")?;
        // An older kernel has no next hop objects.
        if found.is_none() && wanted.shape == Shape::NextHops {
            wanted.shape = Shape::Plain;
        }
        let mut hops = found.unwrap_or_else(|| Hops::new(&wanted));
        let first = self.pass.changes.len();
        self.compare(&wanted, &mut hops)?;
        self.carry_out(&wanted, first)?;
        self.strange_tunnels(fabric).context("read", &"the VXLAN devices")?;
        if self.effect == Effect::Change && self.pass.is_clean() {
            self.bulk.left = Left::of(&wanted, &hops);
        }
        self.pass.traffic = self.bulk.socket().traffic().since(before);
        Ok(self.pass)
    }

    /// The indexes of the tunnels, put right where they were not, and of the underlay.
    pub(super) fn stand(&mut self, fabric: &Fabric) -> Result<Standing, Error> {
        let mut tunnels = [None; 2];
        for wanted in &fabric.tunnels {
            let index = self.tunnel(wanted, &fabric.networks);
            self.names.extend(index.map(|index| (index, Arc::from(wanted.name.as_str()))));
            tunnels[Family::of(wanted.address.ip()) as usize] = index;
        }
        Ok((tunnels, self.underlay(fabric)?))
    }

    fn underlay(&mut self, fabric: &Fabric) -> Result<Result<u32, Obstacle>, Error> {
        let Some(name) = &fabric.underlay else { return Ok(Err(Obstacle::NoUnderlay)) };
        Ok(match link::find(self.links, name).context("find", name)? {
            None => Err(Obstacle::NoLink(name.clone())),
            Some(seen) if !seen.is_up() => Err(Obstacle::Down(name.clone())),
            Some(seen) => {
                self.names.push((seen.index, Arc::from(name.as_str())));
                Ok(seen.index)
            }
        })
    }

    /// Reads what there is, and notes what is to be done about it, in the order in which it is to be done.
    fn compare(&mut self, wanted: &Wanted<'_>, hops: &mut Hops) -> Result<(), Error> {
        let new_hops = hops.number();
        let take = |seen: &mut Seen<Route>, route| seen.route(wanted, hops, route);
        let mut routes = self.bulk.routes(wanted, take).context("read", &"the routes")?;
        let neighbours = self.bulk.neighbours(wanted).context("read", &"the neighbours")?;
        let entries = self.bulk.entries(wanted).context("read", &"the forwarding entries")?;

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
                self.note(action, Object::Neighbour(neighbour));
            }
            if let Some(action) = entries.action(number).filter(|_| Seen::is_first(wanted, number, &entry)) {
                self.note(action, Object::Entry(entry));
            }
        }
        for next_hop in new_hops {
            self.note(Action::Add, Object::NextHop(next_hop));
        }
        for number in 0..wanted.paths.len() {
            let Some(action) = routes.action(number) else { continue };
            if let Some(route) = compare::route(wanted, hops, number) {
                self.note(action, Object::Route(route));
            }
        }
        self.tell_foreign(wanted, routes.foreign.drain(..));
        hops.unwanted.retain(|next_hop| !routes.keeps(next_hop));
        let superfluous = routes.superfluous();
        let unwanted = superfluous.into_iter().chain(routes.unwanted).map(Object::Route);
        let unwanted = unwanted
            .chain(hops.unwanted.drain(..).map(Object::NextHop))
            .chain(entries.unwanted.into_iter().map(Object::Entry))
            .chain(neighbours.unwanted.into_iter().map(Object::Neighbour));
        for object in unwanted {
            self.note(Action::Remove, object);
        }
        Ok(())
    }

    /// Notes routes of others, each in the way of the path of a number.
    pub(super) fn tell_foreign(
        &mut self,
        wanted: &Wanted<'_>,
        found: impl IntoIterator<Item = (usize, Route)>,
    ) {
        for (number, route) in found {
            let link = route.way.link().map(|index| self.name(index).to_string());
            self.pass.foreign.push((wanted.paths[number].subnet, Foreign::new(&route, link)));
        }
    }

    /// Carries out what was noted from the `first` change on.
    fn carry_out(&mut self, wanted: &Wanted<'_>, first: usize) -> Result<(), Error> {
        if self.effect == Effect::Look {
            return Ok(());
        }
        let refused = self.bulk.change(&self.pass.changes[first..]).context("change", &"the fabric")?;
        if refused.is_empty() {
            return Ok(());
        }
        let mut refused = refused.into_iter().peekable();
        for (number, change) in self.pass.changes.split_off(first).into_iter().enumerate() {
            let Some((_, source)) = refused.next_if(|(index, _)| *index == number) else {
                self.pass.changes.push(change);
                continue;
            };
            if change.action == Action::Remove && is_absence(&source) {
                continue;
            }
            let subnet = subnet_of(wanted, &change);
            self.pass.failures.push(Failure::Refused { subnet, drift: Box::new(change), source });
        }
        Ok(())
    }

    /// Notes what was done.
    pub(super) fn note(&mut self, action: Action, object: Object) {
        let drift = self.drift(action, object);
        self.pass.changes.push(drift);
    }

    /// Notes what could not be done.
    pub(super) fn fail(&mut self, action: Action, object: Object, source: Refusal) {
        let drift = Box::new(self.drift(action, object));
        self.pass.failures.push(Failure::Refused { subnet: None, drift, source });
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

/// The subnet of the one path that a change is made for.
fn subnet_of(wanted: &Wanted<'_>, change: &Drift) -> Option<IpNetwork> {
    let number = match &change.object {
        _ if change.action == Action::Remove => None,
        Object::Route(route) => wanted.by_subnet(route.destination),
        Object::Neighbour(neighbour) => wanted.by_first_address(neighbour.address),
        Object::Entry(entry) => wanted.by_mac(entry.link, entry.mac),
        Object::Device(_) | Object::Setting(..) | Object::Address { .. } | Object::NextHop(_) => None,
    };
    number.map(|number| wanted.paths[number].subnet)
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
