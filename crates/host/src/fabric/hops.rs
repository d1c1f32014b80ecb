//! Next hop objects: one for each way that a path takes. What one says never changes: a path that takes another way
//! gets another, and what no path takes goes, after the routes.

use super::Shape;
use super::cursor::Cursor;
use super::object::{Hop, NextHop, PROTOCOL};
use super::wanted::Wanted;

/// The least number that ours get: our protocol number's, above all that people and routing daemons count up from one.
const FIRST: u32 = (PROTOCOL as u32) << 24;

/// The wanted next hops and what the kernel has of them.
#[derive(Default)]
pub(super) struct Hops {
    /// Sorted; with its number, once it has one.
    wanted: Vec<(Hop, Option<u32>)>,
    /// From [`FIRST`] on.
    taken: Vec<u32>,
    /// Ours, and wanted by nobody.
    pub(super) unwanted: Vec<NextHop>,
    by_hop: Cursor,
}

impl Hops {
    /// What the paths need; nothing where routes are to stand on their own.
    pub(super) fn new(wanted: &Wanted<'_>) -> Self {
        let mut hops = Vec::new();
        if wanted.shape == Shape::NextHops {
            hops.reserve_exact(wanted.paths.len());
            hops.extend((0..wanted.paths.len()).filter_map(|number| Some((wanted.hop(number).ok()?, None))));
        }
        hops.sort_unstable();
        hops.dedup();
        Self { wanted: hops, taken: Vec::new(), unwanted: Vec::new(), by_hop: Cursor::default() }
    }

    /// May a next hop of ours have this number?
    pub(super) fn may_be(id: u32) -> bool {
        id >= FIRST
    }

    /// Takes in one that the kernel has.
    pub(super) fn see(&mut self, seen: NextHop) {
        if Self::may_be(seen.id) {
            self.taken.push(seen.id);
        }
        if seen.protocol != PROTOCOL {
            return;
        }
        match seen.hop.and_then(|hop| self.find(hop)) {
            Some(place) if self.wanted[place].1.is_none() => self.wanted[place].1 = Some(seen.id),
            _ => self.unwanted.push(seen),
        }
    }

    /// Numbers those that are missing, and tells them.
    pub(super) fn number(&mut self) -> Vec<NextHop> {
        self.taken.sort_unstable();
        let taken = &self.taken;
        let mut free = (FIRST..).filter(|id| taken.binary_search(id).is_err());
        let mut missing = Vec::new();
        for (hop, number) in self.wanted.iter_mut().filter(|(_, number)| number.is_none()) {
            *number = free.next();
            missing.extend(number.map(|id| NextHop { id, protocol: PROTOCOL, hop: Some(*hop) }));
        }
        missing
    }

    /// A number above all that are taken; none where there is no such.
    pub(super) fn above(&self) -> Option<u32> {
        let numbered = self.wanted.iter().filter_map(|(_, number)| *number);
        self.taken.iter().copied().chain(numbered).max().map_or(Some(FIRST), |last| last.checked_add(1))
    }

    /// The number of a next hop.
    pub(super) fn id(&self, hop: Hop) -> Option<u32> {
        self.wanted[self.find(hop)?].1
    }

    fn find(&self, hop: Hop) -> Option<usize> {
        self.by_hop.find(&self.wanted, |(known, _)| known.cmp(&hop))
    }
}
