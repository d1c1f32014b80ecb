//! How long to wait before the server is asked again: a thousand agents that lost it together shall not come back
//! together.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

/// Within this, agents started together ask for their first list.
const START: Duration = Duration::from_millis(500);

/// After a first failure; each further one doubles it.
const FIRST: Duration = Duration::from_millis(500);

/// It never gets longer.
const LONGEST: Duration = Duration::from_secs(30);

/// The pauses of one source.
#[derive(Debug)]
pub(super) struct Pauses {
    next: Duration,
}

impl Default for Pauses {
    fn default() -> Self {
        Self { next: FIRST }
    }
}

impl Pauses {
    /// Before a list.
    #[expect(clippy::unused_self, reason = "all pauses are asked of the same value")]
    pub(super) fn start(&self) -> Duration {
        START.mul_f64(chance())
    }

    /// After a failure: between half of the present length and all of it.
    pub(super) fn next(&mut self) -> Duration {
        let now = self.next;
        self.next = (now * 2).min(LONGEST);
        now.mul_f64(0.5 + chance() / 2.0)
    }

    /// It went well.
    pub(super) fn reset(&mut self) {
        self.next = FIRST;
    }
}

/// A number from 0 to 1. The standard library seeds its hashers from the kernel's random numbers.
pub(super) fn chance() -> f64 {
    let [high, low, ..] = RandomState::new().hash_one(0).to_le_bytes();
    f64::from(u16::from_le_bytes([high, low])) / f64::from(u16::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest_and_begin_anew_after_a_success() {
        let mut pauses = Pauses::default();
        let mut longest = FIRST;
        for _ in 0..20 {
            let pause = pauses.next();
            assert!(pause >= longest / 2 && pause <= longest, "{pause:?} of {longest:?}");
            longest = (longest * 2).min(LONGEST);
        }
        assert_eq!(longest, LONGEST);
        pauses.reset();
        assert!(pauses.next() <= FIRST);
    }

    #[test]
    fn two_agents_hardly_ever_pause_alike() {
        let starts: std::collections::BTreeSet<_> = (0..100).map(|_| Pauses::default().start()).collect();
        assert!(starts.len() > 50, "{starts:?}");
        assert!(starts.iter().all(|start| *start <= START));
    }
}
