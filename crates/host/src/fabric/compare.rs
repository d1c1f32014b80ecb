//! What the kernel has beside what is wanted: for each path whether its object is there, and what nobody wants.
//!
//! Each object is looked at as the kernel tells it, and forgotten: nothing here grows but with what differs.

use std::collections::BTreeSet;

use netstate::Family;

use super::Shape;
use super::hops::Hops;
use super::object::{
    BY_ADVERTISEMENT, BY_KERNEL, Entry, Hop, MAIN, Neighbour, NextHop, PROTOCOL, Route, Way,
};
use super::report::Action;
use super::tunnel::IMAGINED;
use super::wanted::Wanted;

/// What stands in the place of a path's object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mark {
    Nothing,
    Another,
    Itself,
}

/// Marks, one a path, and what belongs to no path.
pub(super) struct Seen<T> {
    marks: Vec<Mark>,
    /// What stands in a place beside the first, or beside what belongs there.
    beside: Vec<(usize, T)>,
    /// What nobody wants.
    pub(super) unwanted: Vec<T>,
    /// The next hops of routes that stay while their paths can't be made.
    kept: BTreeSet<u32>,
    /// What others have put into the way of a path, by its number.
    pub(super) foreign: Vec<(usize, T)>,
}

impl<T> Seen<T> {
    pub(super) fn nothing(wanted: &Wanted<'_>) -> Self {
        let marks = vec![Mark::Nothing; wanted.paths.len()];
        Self { marks, beside: Vec::new(), unwanted: Vec::new(), kept: BTreeSet::new(), foreign: Vec::new() }
    }

    /// What is to be done to a path's object: nothing where it is there.
    pub(super) fn action(&self, number: usize) -> Option<Action> {
        match self.marks[number] {
            Mark::Nothing => Some(Action::Add),
            Mark::Another => Some(Action::Replace),
            Mark::Itself => None,
        }
    }

    /// Is every path's object there, and nothing else?
    pub(super) fn is_right(&self) -> bool {
        self.unwanted.is_empty()
            && self.beside.is_empty()
            && self.marks.iter().all(|mark| *mark == Mark::Itself)
    }

    /// Takes in what was seen of other paths.
    pub(super) fn join(&mut self, other: Self) {
        for (mark, other) in self.marks.iter_mut().zip(other.marks) {
            if other != Mark::Nothing {
                *mark = other;
            }
        }
        self.beside.extend(other.beside);
        self.unwanted.extend(other.unwanted);
        self.kept.extend(other.kept);
        self.foreign.extend(other.foreign);
    }

    fn another(&mut self, number: usize) {
        if self.marks[number] == Mark::Nothing {
            self.marks[number] = Mark::Another;
        }
    }
}

/// The route to a path's subnet as it should be; none while the path can't be made.
pub(super) fn route(wanted: &Wanted<'_>, hops: &Hops, number: usize) -> Option<Route> {
    let hop = wanted.hop(number).ok()?;
    let object = hops.id(hop).map(|id| Way::Object { id, gateway: Some(hop.gateway), link: Some(hop.link) });
    Some(Route::new(wanted.paths[number].subnet, object.unwrap_or(Way::Hop(hop)), wanted.protocol()))
}

impl Seen<Route> {
    /// Takes in one route.
    ///
    /// One to a wanted subnet with the metric of ours, in the main table, is in the way, whoever made it: it is
    /// replaced. So a route that somebody changed is whole again, and flannel's become ours without a gap. Who
    /// wants to spare a route of others does not want the path (see `foreign_routes`). Beyond that, routes of ours
    /// anywhere go, and on our tunnels all within the cluster's networks that the kernel did not make itself.
    pub(super) fn route(&mut self, wanted: &Wanted<'_>, hops: &Hops, seen: Route) {
        if let Some(number) = wanted.by_subnet(seen.destination).filter(|_| seen.is_usual()) {
            match route(wanted, hops, number) {
                Some(right) if seen.is(&right) => self.marks[number] = Mark::Itself,
                Some(_) if made_by_the_kernel(&seen) => {}
                Some(_) => {
                    self.another(number);
                    self.beside.push((number, seen));
                }
                None => {
                    if let Way::Object { id, .. } = seen.way {
                        self.kept.insert(id);
                    }
                }
            }
        } else if seen.protocol == PROTOCOL || is_left_over(wanted, &seen) {
            self.unwanted.push(seen);
        } else if seen.table == MAIN
            && let Some(number) = wanted.around(seen.destination)
            && seen.wins_over(&wanted.paths[number])
        {
            self.foreign.push((number, seen));
        }
    }

    /// Takes in one route, by what it tells itself of its next hop.
    pub(super) fn route_by_its_word(&mut self, wanted: &Wanted<'_>, seen: Route) {
        let place = wanted.by_subnet(seen.destination).filter(|_| seen.is_usual());
        let Some(number) = place.filter(|_| wanted.shape == Shape::NextHops) else {
            return self.route(wanted, &Hops::default(), seen);
        };
        let as_made = Route::new(seen.destination, seen.way, wanted.protocol());
        let is_right = |way: Way| {
            let Way::Object { id, gateway, link } = way else { return false };
            let leads = |hop: Hop| (gateway, link) == (Some(hop.gateway), Some(hop.link));
            Hops::may_be(id) && wanted.hop(number).is_ok_and(leads)
        };
        if seen == as_made && is_right(seen.way) {
            self.marks[number] = Mark::Itself;
        } else {
            self.beside.push((number, seen));
        }
    }

    /// Does a route rest on this next hop that stays, as the last known, until its path can be made again?
    pub(super) fn keeps(&self, next_hop: &NextHop) -> bool {
        self.kept.contains(&next_hop.id)
    }

    /// Whatever stands beside what belongs in its place, or beside the one that will be replaced.
    pub(super) fn superfluous(&mut self) -> Vec<Route> {
        let mut beside = std::mem::take(&mut self.beside);
        beside.sort_by_key(|(number, _)| *number);
        let mut last = None;
        beside.retain(|(number, seen)| {
            let first = last.replace(*number) != Some(*number);
            // One of ours can't be told from its successor in a deletion; the next pass finds it alone.
            self.marks[*number] == Mark::Itself || !first && seen.protocol != PROTOCOL
        });
        beside.into_iter().map(|(_, seen)| seen).collect()
    }
}

/// Does it lead pods' packets through a tunnel of ours?
fn is_left_over(wanted: &Wanted<'_>, seen: &Route) -> bool {
    wanted.is_tunnel(seen.way.link())
        && seen.table == MAIN
        && !made_by_the_kernel(seen)
        && wanted.covers(seen.destination)
}

fn made_by_the_kernel(route: &Route) -> bool {
    matches!(route.protocol, BY_KERNEL | BY_ADVERTISEMENT)
}

impl Seen<Neighbour> {
    /// Takes in a neighbour on a tunnel.
    pub(super) fn neighbour(&mut self, wanted: &Wanted<'_>, seen: Neighbour) {
        if !wanted.is_tunnel(Some(seen.link)) {
            return;
        }
        if let Some(number) = wanted.by_first_address(seen.address) {
            let path = &wanted.paths[number];
            let right = wanted.hop(number).ok().and_then(|hop| Wanted::beyond(path, hop));
            match right {
                Some((right, _)) if seen == right => self.marks[number] = Mark::Itself,
                _ => self.another(number),
            }
        } else if seen.permanent && wanted.covers(seen.address.into()) {
            self.unwanted.push(seen);
        }
    }
}

impl Seen<Entry> {
    /// Takes in a forwarding entry of a tunnel. All that stay by themselves are ours; the others were learnt.
    pub(super) fn entry(&mut self, wanted: &Wanted<'_>, seen: Entry) {
        if !wanted.is_tunnel(Some(seen.link)) {
            return;
        }
        if let Some(number) = wanted.by_mac(seen.link, seen.mac) {
            let path = &wanted.paths[number];
            let right = wanted.hop(number).ok().and_then(|hop| Wanted::beyond(path, hop));
            match right {
                Some((_, right)) if seen == right => self.marks[number] = Mark::Itself,
                _ => self.another(number),
            }
        } else if seen.permanent {
            self.unwanted.push(seen);
        }
    }

    /// Is this path the one that its MAC's entry is made for?
    pub(super) fn is_first(wanted: &Wanted<'_>, number: usize, entry: &Entry) -> bool {
        wanted.by_mac(entry.link, entry.mac) == Some(number)
    }
}

/// The families that have a tunnel in the kernel, with its index.
pub(super) fn tunnels(wanted: &Wanted<'_>) -> impl Iterator<Item = (Family, u32)> {
    let tunnels = Family::ALL.into_iter().zip(wanted.tunnels);
    tunnels.filter_map(|(family, link)| Some((family, link.filter(|link| *link < IMAGINED)?)))
}
