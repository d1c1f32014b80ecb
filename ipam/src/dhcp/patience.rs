//! How long a client waits for servers, and how often it asks.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

/// The daemon's settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Patience {
    /// For one answer.
    pub(super) timeout: Duration,
    /// Between two requests at most.
    pub(super) resend_max: Duration,
    /// For all requests of an ADD together.
    pub(super) resend_timeout: Duration,
}

impl Default for Patience {
    /// The reference's.
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(10),
            resend_max: Duration::from_secs(62),
            resend_timeout: Duration::from_secs(208),
        }
    }
}

/// The first pauses. A new link may need a moment until frames pass.
const FIRST: [Duration; 4] =
    [Duration::from_millis(250), Duration::from_millis(500), Duration::from_secs(1), Duration::from_secs(2)];

/// The pause after those, which doubles from then on (RFC 2131, 4.1).
const NEXT: Duration = Duration::from_secs(4);

/// One request of several.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Round {
    /// How long an answer is waited for.
    pub(super) listen: Duration,
    /// How long nothing happens after that.
    pub(super) pause: Duration,
}

impl Patience {
    /// The rounds of an ADD.
    pub(super) fn rounds(self) -> impl Iterator<Item = Round> {
        let mut left = self.resend_timeout;
        let mut doubled = NEXT;
        let mut number = 0;
        std::iter::from_fn(move || {
            if left.is_zero() {
                return None;
            }
            let delay = FIRST.get(number).copied().unwrap_or_else(|| {
                let delay = doubled;
                doubled *= 2;
                spread(delay)
            });
            number += 1;
            let delay = delay.min(self.resend_max.max(FIRST[0])).min(left);
            left = left.saturating_sub(delay);
            let listen = delay.min(self.timeout);
            Some(Round { listen, pause: delay.saturating_sub(listen) })
        })
    }

    /// The rounds of a renewal, which comes again by itself.
    pub(super) fn few_rounds(self) -> impl Iterator<Item = Round> {
        self.rounds().skip(1).take(4)
    }
}

/// Up to a second more or less, so that those who began at once don't go on at once (RFC 2131, 4.1).
fn spread(delay: Duration) -> Duration {
    let millis = random() % 2000;
    (delay + Duration::from_millis(u64::from(millis))).saturating_sub(Duration::from_secs(1))
}

/// A number that nobody foresees: std seeds its hasher from the kernel's randomness.
pub(super) fn random() -> u32 {
    let [a, b, c, d, ..] = RandomState::new().hash_one(()).to_ne_bytes();
    u32::from_ne_bytes([a, b, c, d])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_add_asks_fast_first_then_ever_slower_until_its_time_is_over() {
        let rounds: Vec<Duration> =
            Patience::default().rounds().map(|round| round.listen + round.pause).collect();
        assert_eq!(rounds[..4], FIRST);
        assert_eq!(rounds.iter().sum::<Duration>(), Duration::from_secs(208));
        assert!(rounds.iter().all(|delay| *delay <= Duration::from_secs(62)), "{rounds:?}");
        assert!(rounds[4] >= Duration::from_secs(3) && rounds[4] < Duration::from_secs(5), "{rounds:?}");
    }

    #[test]
    fn one_answer_is_not_waited_for_longer_than_its_time() {
        let patience = Patience { timeout: Duration::from_secs(1), ..Patience::default() };
        assert!(patience.rounds().all(|round| round.listen <= patience.timeout));
        let short = Patience { resend_timeout: Duration::from_millis(300), ..Patience::default() };
        assert_eq!(short.rounds().count(), 2);
    }
}
