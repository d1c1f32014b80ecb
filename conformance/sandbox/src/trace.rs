//! SIGKILL after a given change.
//!
//! Between two system calls that change something outside of the process, a kill leaves the same wherever it comes. So a
//! kill after each of those is a kill at every instruction.

mod system_call;

use std::collections::HashMap;

use nix::sys::ptrace::Event;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::observer::{Observer, observe};
use crate::{Call, Reply};

/// Whom a kill takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Victims {
    /// The plugin and all that it has started, as the end of a control group does. Everybody's changes count.
    All,
    /// The plugin alone; what it has started is let run to its end. Only the plugin's own changes count.
    Plugin,
}

/// How a traced call ended.
#[derive(Debug, Clone)]
pub enum End {
    /// By itself: it made fewer changes.
    Itself(Reply),
    /// Killed, after this system call: its number and arguments, as `/proc/PID/syscall` has them.
    Killed(String),
}

/// Tests that kill after changes try every one. Where the kernel is emulated that takes too long, so `TRESTLE_STRIDE` may
/// ask for every so manieth only.
///
/// # Panics
/// Where it is no number above 0.
#[must_use]
pub fn stride() -> usize {
    let Ok(text) = std::env::var("TRESTLE_STRIDE") else { return 1 };
    match text.parse() {
        Ok(0) | Err(_) => panic!("TRESTLE_STRIDE: {text:?} is no number above 0"),
        Ok(stride) => stride,
    }
}

/// Makes the call, and kills it as soon as so many system calls that change something are done (a file is created, a
/// netlink message sent, a process started). Returns when every process of it has ended.
///
/// # Panics
/// Where the plugin can't be started or traced.
#[must_use]
pub fn kill_after(call: &Call, changes: usize, victims: Victims) -> End {
    let (tracer, output) = observe(call, |plugin| Tracer::new(plugin, changes, victims));
    match tracer.killed {
        Some(after) => End::Killed(after),
        None => End::Itself(Reply(output)),
    }
}

/// Makes the call, and counts the system calls of [`Victims::All`] that change something.
///
/// # Panics
/// Where the plugin can't be started or traced.
#[must_use]
pub fn count_changes(call: &Call) -> (usize, Reply) {
    let (tracer, output) = observe(call, |plugin| Tracer::new(plugin, usize::MAX, Victims::All));
    (usize::MAX - tracer.left, Reply(output))
}

/// Trials, each with a kill after more changes than the one before, until a call comes to its end by itself. `trial` gets
/// the number of changes for [`kill_after`].
pub fn kill_ever_later(mut trial: impl FnMut(usize) -> End) {
    let mut changes = 1;
    while let End::Killed(_) = trial(changes) {
        changes += stride();
    }
}

/// Where a thread is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Thread {
    Outside,
    /// In a system call that changes nothing.
    Looking,
    /// In one that changes something.
    Changing,
}

struct Tracer {
    plugin: Pid,
    /// So many changes until the kill.
    left: usize,
    victims: Victims,
    /// Every thread that is traced. Empty until the wrapper has become the plugin.
    threads: HashMap<Pid, Thread>,
    killed: Option<String>,
}

impl Tracer {
    fn new(plugin: Pid, left: usize, victims: Victims) -> Self {
        Self { plugin, left, victims, threads: HashMap::new(), killed: None }
    }

    fn kill(&self) {
        for pid in self.threads.keys() {
            if self.victims == Victims::All || *pid == self.plugin {
                // Who ended meanwhile needs none.
                let _ = kill(*pid, Signal::SIGKILL);
            }
        }
    }
}

impl Observer for Tracer {
    fn at_call(&mut self, thread: Pid) {
        let Some(place) = self.threads.get_mut(&thread) else { return };
        // Its number and arguments, at either stop.
        let call = std::fs::read_to_string(format!("/proc/{thread}/syscall")).unwrap_or_default();
        let was = *place;
        *place = match was {
            Thread::Outside if system_call::changes(&call) => Thread::Changing,
            Thread::Outside => Thread::Looking,
            Thread::Looking | Thread::Changing => Thread::Outside,
        };
        let ours = self.victims == Victims::All || thread == self.plugin;
        if was != Thread::Changing || !ours || self.killed.is_some() {
            return;
        }
        self.left = self.left.saturating_sub(1);
        if self.left == 0 {
            self.killed = Some(call.trim_end().to_owned());
            self.kill();
        }
    }

    fn at_event(&mut self, thread: Pid, event: i32) {
        if event == Event::PTRACE_EVENT_EXEC as i32 {
            // Its end, with which the new program begins, is still to come.
            let becomes = if thread == self.plugin { Thread::Looking } else { Thread::Changing };
            self.threads.insert(thread, becomes);
        } else if thread != self.plugin || !self.threads.is_empty() {
            self.threads.entry(thread).or_insert(Thread::Outside);
        }
        if self.killed.is_some() {
            // Started just before the kill.
            self.kill();
        }
    }

    fn at_end(&mut self, thread: Pid) {
        self.threads.remove(&thread);
    }
}
