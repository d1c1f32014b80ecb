//! How long to wait before mending what is undone again and again. Pure: the clock is an argument.

use std::time::{Duration, Instant};

/// So many repairs in a row are made at once.
const FREE: u32 = 5;

/// The first wait after those; each later one is twice as long.
const FIRST: Duration = Duration::from_millis(250);

/// The longest wait.
const LONGEST: Duration = Duration::from_secs(30);

/// After so long without a repair all is forgotten.
const CALM: Duration = Duration::from_secs(60);

/// What it knows of the past.
#[derive(Debug, Default)]
pub(crate) struct Patience {
    repairs: u32,
    last: Option<Instant>,
}

impl Patience {
    /// A repair was made at `now`. Says whether it is time to tell somebody: once, when waiting begins.
    pub(crate) fn repaired(&mut self, now: Instant) -> bool {
        self.forget(now);
        self.repairs += 1;
        self.last = Some(now);
        self.repairs == FREE + 1
    }

    /// The earliest moment of the next repair.
    pub(crate) fn next(&mut self, now: Instant) -> Instant {
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

    #[test]
    fn the_first_repairs_are_made_at_once_and_later_ones_ever_later() {
        let (start, mut patience) = (Instant::now(), Patience::default());
        let mut now = start;
        let mut waits = Vec::new();
        for _ in 0..15 {
            patience.repaired(now);
            let next = patience.next(now);
            waits.push((next - now).as_millis());
            now = next;
        }
        assert_eq!(waits, [0, 0, 0, 0, 0, 250, 500, 1000, 2000, 4000, 8000, 16000, 30000, 30000, 30000]);
    }

    #[test]
    fn it_is_told_once_and_forgotten_after_a_calm_minute() {
        let (start, mut patience) = (Instant::now(), Patience::default());
        let told: Vec<bool> = (0..8).map(|_| patience.repaired(start)).collect();
        assert_eq!(told.iter().filter(|told| **told).count(), 1);
        let later = start + CALM + Duration::from_secs(1);
        assert_eq!(patience.next(later), later);
    }
}
