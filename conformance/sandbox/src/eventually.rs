//! Waiting for a condition, never for a time.

use std::thread;
use std::time::{Duration, Instant};

/// How long a test waits for what should come at once: long enough for a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// Asks until the answer is yes, or the deadline has passed. Says which it was.
#[must_use = "a condition that never came is a failure"]
pub fn eventually(deadline: Duration, mut condition: impl FnMut() -> bool) -> bool {
    let end = Instant::now() + deadline;
    loop {
        if condition() {
            return true;
        }
        if Instant::now() >= end {
            return false;
        }
        thread::park_timeout(Duration::from_millis(10));
    }
}
