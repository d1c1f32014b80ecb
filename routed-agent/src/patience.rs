//! How long to wait before mending what is undone again and again. Pure: the clock is an argument.
//!
//! Each topic that the kernel speaks of has a patience of its own: whoever flushes the packet rules every second does not
//! slow the repair of a route.

use std::time::{Duration, Instant};

use host::watch::{Topic, Wake};

/// So many repairs in a row are made at once.
const FREE: u32 = 5;

/// The first wait after those; each later one is twice as long.
const FIRST: Duration = Duration::from_millis(250);

/// The longest wait.
const LONGEST: Duration = Duration::from_secs(30);

/// After so long without a repair all is forgotten.
const CALM: Duration = Duration::from_secs(60);

/// Kinds of repaired objects, as metrics have them, and what the kernel speaks of when one is spoilt.
const TOPICS: [(&str, Topic); 8] = [
    ("device", Topic::Link),
    ("setting", Topic::Link),
    ("address", Topic::Address),
    ("nexthop", Topic::NextHop),
    ("route", Topic::Route),
    ("neighbour", Topic::Neighbour),
    ("fdb", Topic::Neighbour),
    ("rule", Topic::Rules),
];

/// What it knows of the past, by kinds in the order of [`TOPICS`].
#[derive(Debug, Default)]
pub(crate) struct Patience([Past; TOPICS.len()]);

impl Patience {
    /// Objects of these kinds were repaired at `now`. Says whether it is time to tell somebody: once, when waiting for one
    /// of the kinds begins.
    pub(crate) fn repaired(&mut self, kinds: &[&str], now: Instant) -> bool {
        let mut tell = false;
        for ((kind, _), past) in TOPICS.iter().zip(&mut self.0) {
            if kinds.contains(kind) {
                tell |= past.repaired(now);
            }
        }
        tell
    }

    /// The earliest moment of the next repair of what the kernel speaks of.
    pub(crate) fn next(&mut self, wake: Wake, now: Instant) -> Instant {
        let touched = TOPICS.iter().zip(&mut self.0).filter(|((_, topic), _)| wake.touches(*topic));
        touched.map(|(_, past)| past.next(now)).max().unwrap_or(now)
    }
}

#[derive(Debug, Default)]
struct Past {
    repairs: u32,
    last: Option<Instant>,
}

impl Past {
    fn repaired(&mut self, now: Instant) -> bool {
        self.forget(now);
        self.repairs += 1;
        self.last = Some(now);
        self.repairs == FREE + 1
    }

    fn next(&mut self, now: Instant) -> Instant {
        self.forget(now);
        let Some(last) = self.last else { return now };
        let Some(doublings) = self.repairs.checked_sub(FREE + 1) else { return now };
        let wait = FIRST.saturating_mul(2u32.saturating_pow(doublings)).min(LONGEST);
        (last + wait).max(now)
    }

    fn forget(&mut self, now: Instant) {
        if self.last.is_some_and(|last| now.duration_since(last) > CALM) {
            *self = Self::default();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(patience: &mut Patience, now: Instant) -> bool {
        patience.repaired(&["rule", "rule"], now)
    }

    #[test]
    fn the_first_repairs_are_made_at_once_and_later_ones_ever_later() {
        let (start, mut patience) = (Instant::now(), Patience::default());
        let mut now = start;
        let mut waits = Vec::new();
        for _ in 0..15 {
            rules(&mut patience, now);
            let next = patience.next(Topic::Rules.into(), now);
            waits.push((next - now).as_millis());
            now = next;
        }
        assert_eq!(waits, [0, 0, 0, 0, 0, 250, 500, 1000, 2000, 4000, 8000, 16000, 30000, 30000, 30000]);
    }

    #[test]
    fn it_is_told_once_and_forgotten_after_a_calm_minute() {
        let (start, mut patience) = (Instant::now(), Patience::default());
        let told: Vec<bool> = (0..8).map(|_| rules(&mut patience, start)).collect();
        assert_eq!(told.iter().filter(|told| **told).count(), 1);
        let later = start + CALM + Duration::from_secs(1);
        assert_eq!(patience.next(Topic::Rules.into(), later), later);
    }

    #[test]
    fn what_is_contested_slows_no_other_topic() {
        let (now, mut patience) = (Instant::now(), Patience::default());
        for _ in 0..10 {
            rules(&mut patience, now);
        }
        assert_eq!(patience.next(Topic::Route.into(), now), now);
        assert!(patience.next(Topic::Rules.into(), now) > now);
        let both = Wake::from(Topic::Rules).and(Topic::Route.into());
        assert_eq!(patience.next(both, now), patience.next(Topic::Rules.into(), now));
        assert!(patience.next(Topic::Lost.into(), now) > now, "it may be of anything");
    }
}
