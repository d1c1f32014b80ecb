//! When the loop has to work by itself.

use std::io;
use std::time::Instant;

use host::watch::Timer;

use super::readiness::Readiness;

/// The loop's clock: at rest it is all that wakes the agent.
pub(crate) struct Alarm {
    timer: Timer,
    readiness: Readiness,
}

impl Alarm {
    /// One that is set to nothing.
    ///
    /// # Errors
    /// Where no descriptor is left.
    pub(crate) fn new() -> io::Result<Self> {
        let timer = Timer::new()?;
        Ok(Self { readiness: Readiness::of(&timer)?, timer })
    }

    /// Waits until then. May be given up and called again with another time. Where the kernel refuses the timer, it does
    /// not wait: rather too many passes than none.
    pub(crate) async fn rings(&mut self, due: Instant) {
        if self.timer.set(due).is_err() {
            return;
        }
        while self.readiness.wait().await.is_ok() {
            self.readiness.forget();
            if !matches!(self.timer.has_come(), Ok(false)) {
                return;
            }
        }
    }
}
