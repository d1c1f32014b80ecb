//! A clock that wakes once for what it is set to (`timerfd_create(2)`).
//!
//! tokio's own wheel wakes three times for a minute: it puts a timer into ever finer slots as its time comes nearer.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::time::TimeSpec;
use nix::sys::timerfd::{ClockId, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags};

/// A descriptor that becomes readable when the time has come. It never blocks.
pub struct Timer {
    timer: TimerFd,
    due: Option<Instant>,
}

impl Timer {
    /// One that is set to nothing.
    ///
    /// # Errors
    /// Where no descriptor is left.
    pub fn new() -> io::Result<Self> {
        let flags = TimerFlags::TFD_NONBLOCK | TimerFlags::TFD_CLOEXEC;
        Ok(Self { timer: TimerFd::new(ClockId::CLOCK_MONOTONIC, flags)?, due: None })
    }

    /// Sets it, in place of what it was set to; one that is past is at once.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn set(&mut self, due: Instant) -> io::Result<()> {
        if self.due == Some(due) {
            return Ok(());
        }
        // Zero would switch it off.
        let wait = due.saturating_duration_since(Instant::now()).max(Duration::from_nanos(1));
        self.timer.set(Expiration::OneShot(TimeSpec::from_duration(wait)), TimerSetTimeFlags::empty())?;
        self.due = Some(due);
        Ok(())
    }

    /// Has the time come? Says so once.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn has_come(&mut self) -> io::Result<bool> {
        match self.timer.wait() {
            Ok(()) => {
                self.due = None;
                Ok(true)
            }
            Err(Errno::EAGAIN) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}

impl AsFd for Timer {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.timer.as_fd()
    }
}
