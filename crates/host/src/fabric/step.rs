//! A step: Nodes come or go, and their paths with them, while nobody touches the kernel. Nothing is read for it.

use std::iter::Peekable;
use std::slice::Iter;

use netstate::{Fabric, Path, Via};

use super::Shape;
use super::bulk::Bulk;
use super::hops::Hops;
use super::object::{NextHop, Object, PROTOCOL, Route, Way};
use super::report::{Action, Drift, Pass};
use super::wanted::{Wanted, in_order};
use crate::error::{Context, Error};
use crate::machine::Host;

/// Where more paths than these come and go at once, a look costs little beside.
const MOST: usize = 64;

/// What a pass left that found all as it should be.
#[derive(Clone, Copy)]
pub(crate) struct Left {
    pub(super) tunnels: [Option<u32>; 2],
    pub(super) underlay: u32,
    pub(super) shape: Shape,
    /// A number that no next hop has, nor any above it.
    free: u32,
}

impl Left {
    /// None where there is no going on from it.
    pub(super) fn of(wanted: &Wanted<'_>, hops: &Hops) -> Option<Self> {
        let underlay = wanted.underlay.as_ref().ok().copied()?;
        let made_for_ourselves = wanted.shape != Shape::Flannel;
        let left = Self { tunnels: wanted.tunnels, underlay, shape: wanted.shape, free: hops.above()? };
        made_for_ourselves.then_some(left)
    }
}

impl Host {
    /// Makes a kernel that holds `from` hold `to`, without looking: for who has heard nothing of the kernel since a
    /// [`Host::reconcile`] with `from` that changed nothing. Next hops that nobody needs any more are left to the next
    /// reconcile.
    ///
    /// None where only a look can tell what to do: where more differs than a few paths that come or go, or the kernel
    /// refuses something. It may have done some of it then.
    ///
    /// # Errors
    /// Where the socket fails.
    pub fn step(&mut self, from: &Fabric, to: &Fabric) -> Result<Option<Pass>, Error> {
        let bulk = self.bulk()?;
        let Some(left) = &bulk.left else { return Ok(None) };
        let Some(changes) = changes(left, from, to) else { return Ok(None) };
        bulk.go(changes)
    }
}

impl Bulk {
    fn go(&mut self, changes: Vec<Drift>) -> Result<Option<Pass>, Error> {
        let before = self.socket().traffic();
        if !changes.is_empty() {
            self.left = None;
            if !self.change(&changes).context("change", &"the fabric")?.is_empty() {
                return Ok(None);
            }
        }
        let traffic = self.socket().traffic().since(before);
        Ok(Some(Pass { changes, traffic, ..Pass::default() }))
    }
}

/// What is to be done, in its order.
fn changes(left: &Left, from: &Fabric, to: &Fabric) -> Option<Vec<Drift>> {
    let same_links =
        (&from.tunnels, &from.underlay, &from.networks) == (&to.tunnels, &to.underlay, &to.networks);
    if !same_links {
        return None;
    }
    let (old, new) = (in_order(&from.paths), in_order(&to.paths));
    let (gone, come) = differences(&old, &new)?;
    // A way that is shared stays for the others, and there is one next hop for all.
    let is_alone = |path: &Path| {
        let others = old.iter().chain(new.iter()).filter(|other| other.subnet != path.subnet);
        others.into_iter().all(|other| !shares(other.via, path.via))
    };
    if !gone.iter().chain(&come).all(is_alone) {
        return None;
    }
    let come = Fabric { paths: come, networks: to.networks.clone(), ..Fabric::default() };
    let come = Wanted::new(&come, left.tunnels, Ok(left.underlay), left.shape);
    let gone = Fabric { paths: gone, networks: to.networks.clone(), ..Fabric::default() };
    let gone = Wanted::new(&gone, left.tunnels, Ok(left.underlay), left.shape);
    let mut objects = Vec::new();
    let (mut ways, mut id) = (Vec::new(), left.free);
    for (number, path) in come.paths.iter().enumerate() {
        let hop = come.hop(number).ok()?;
        if let Some((neighbour, entry)) = Wanted::beyond(path, hop) {
            objects.extend([Object::Neighbour(neighbour), Object::Entry(entry)]);
        }
        let mut way = Way::Hop(hop);
        if left.shape == Shape::NextHops {
            objects.push(Object::NextHop(NextHop { id, protocol: PROTOCOL, hop: Some(hop) }));
            way = Way::Object { id, gateway: Some(hop.gateway), link: Some(hop.link) };
            id = id.checked_add(1)?;
        }
        ways.push(Object::Route(Route::new(path.subnet, way, PROTOCOL)));
    }
    let change = |action| move |object| Drift { action, object, link: None };
    let mut changes: Vec<_> = objects.into_iter().chain(ways).map(change(Action::Add)).collect();
    let (mut routes, mut beyond) = (Vec::new(), Vec::new());
    for (number, path) in gone.paths.iter().enumerate() {
        // Whichever way it leads.
        routes.push(Object::Route(Route::new(path.subnet, Way::Other { link: None }, PROTOCOL)));
        if let Some((neighbour, entry)) = Wanted::beyond(path, gone.hop(number).ok()?) {
            beyond.extend([Object::Entry(entry), Object::Neighbour(neighbour)]);
        }
    }
    changes.extend(routes.into_iter().chain(beyond).map(change(Action::Remove)));
    Some(changes)
}

/// The paths that go, and those that come. None where there are many, or one takes another way.
fn differences(from: &[Path], to: &[Path]) -> Option<(Vec<Path>, Vec<Path>)> {
    let (mut from, mut to) = (from.iter().peekable(), to.iter().peekable());
    let (mut gone, mut come) = (Vec::new(), Vec::new());
    let before = |one: &mut Peekable<Iter<'_, Path>>, other: &mut Peekable<Iter<'_, Path>>| {
        let (first, second) = (one.peek()?.subnet, other.peek().map(|path| path.subnet));
        second.is_none_or(|second| first < second).then(|| one.next()).flatten().copied()
    };
    loop {
        if let Some(path) = before(&mut from, &mut to) {
            gone.push(path);
        } else if let Some(path) = before(&mut to, &mut from) {
            come.push(path);
        } else {
            let (Some(old), Some(new)) = (from.next(), to.next()) else { return Some((gone, come)) };
            if old.via != new.via {
                return None;
            }
        }
        if gone.len() + come.len() > MOST {
            return None;
        }
    }
}

/// Do both lead to the same neighbour, or to the same MAC?
fn shares(one: Via, other: Via) -> bool {
    match (one, other) {
        (Via::Direct { gateway: one }, Via::Direct { gateway: other }) => one == other,
        (Via::Tunnel { mac: one, .. }, Via::Tunnel { mac: other, .. }) => one == other,
        _ => false,
    }
}
