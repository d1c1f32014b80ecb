//! SIGKILL after a given change: `ptrace(2)`.
//!
//! Between two system calls that change something outside of the process, a kill leaves the same wherever it comes. So a
//! kill after each of those is a kill at every instruction.

mod system_call;

use std::collections::HashMap;
use std::io::Read;
use std::process::Child;

use nix::sys::ptrace::{self, Event, Options};
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

use crate::{Call, Output, Reply};

/// Stops itself, so that a tracer can take hold of it, and becomes the plugin.
pub(crate) const WRAPPER: [&str; 4] = ["sh", "-c", "kill -STOP $$; exec \"$@\"", "sh"];

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
    let (child, tracer) = traced(call, changes, victims);
    match tracer.killed {
        Some(after) => End::Killed(after),
        None => End::Itself(Reply(output(child, tracer.status))),
    }
}

/// Makes the call, and counts the system calls of [`Victims::All`] that change something.
///
/// # Panics
/// Where the plugin can't be started or traced.
#[must_use]
pub fn count_changes(call: &Call) -> (usize, Reply) {
    let (child, tracer) = traced(call, usize::MAX, Victims::All);
    (usize::MAX - tracer.left, Reply(output(child, tracer.status)))
}

fn traced(call: &Call, changes: usize, victims: Victims) -> (Child, Tracer) {
    let child = call.clone().through(&WRAPPER).spawn().0;
    let plugin = Pid::from_raw(i32::try_from(child.id()).expect("a process ID is positive"));
    let mut tracer =
        Tracer { plugin, left: changes, victims, threads: HashMap::new(), killed: None, status: None };
    if let Err(error) = tracer.seize().and_then(|()| tracer.follow()) {
        panic!("{call:?} can't be traced: {error}");
    }
    (child, tracer)
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

/// Trials, each with a kill after more changes than the one before, until a call comes to its end by itself. `trial` gets
/// the number of changes for [`kill_after`].
pub fn kill_ever_later(mut trial: impl FnMut(usize) -> End) {
    let mut changes = 1;
    while let End::Killed(_) = trial(changes) {
        changes += stride();
    }
}

struct Tracer {
    plugin: Pid,
    /// So many changes until the kill.
    left: usize,
    victims: Victims,
    /// Every thread that is traced. Empty until the wrapper has become the plugin.
    threads: HashMap<Pid, Thread>,
    killed: Option<String>,
    /// The plugin's exit code, or 128 and the signal's number.
    status: Option<i32>,
}

impl Tracer {
    fn seize(&self) -> nix::Result<()> {
        waitpid(self.plugin, Some(WaitPidFlag::WUNTRACED))?;
        let options = Options::PTRACE_O_TRACESYSGOOD
            | Options::PTRACE_O_TRACEEXEC
            | Options::PTRACE_O_TRACEFORK
            | Options::PTRACE_O_TRACEVFORK
            | Options::PTRACE_O_TRACECLONE
            | Options::PTRACE_O_EXITKILL;
        ptrace::seize(self.plugin, options)?;
        kill(self.plugin, Signal::SIGCONT)
    }

    /// Until nobody is left. A thread's wait knows only of those whom this thread started or traces.
    fn follow(&mut self) -> nix::Result<()> {
        loop {
            match waitpid(None, Some(WaitPidFlag::__WALL | WaitPidFlag::__WNOTHREAD)) {
                Err(nix::Error::ECHILD) => return Ok(()),
                Err(nix::Error::EINTR) => {}
                status => self.step(status?)?,
            }
        }
    }

    fn step(&mut self, status: WaitStatus) -> nix::Result<()> {
        match status {
            WaitStatus::Exited(pid, code) => self.ended(pid, code),
            WaitStatus::Signaled(pid, signal, _) => self.ended(pid, 128 + signal as i32),
            WaitStatus::PtraceSyscall(pid) => {
                self.count(pid);
                resume(pid, None)?;
            }
            WaitStatus::PtraceEvent(pid, _, event) => {
                if event == Event::PTRACE_EVENT_EXEC as i32 {
                    // Its end, with which the new program begins, is still to come.
                    let becomes = if pid == self.plugin { Thread::Looking } else { Thread::Changing };
                    self.threads.insert(pid, becomes);
                } else if pid != self.plugin || !self.threads.is_empty() {
                    self.threads.entry(pid).or_insert(Thread::Outside);
                }
                if self.killed.is_some() {
                    // Started just before the kill.
                    self.kill();
                }
                resume(pid, None)?;
            }
            WaitStatus::Stopped(pid, signal) => resume(pid, Some(signal))?,
            _ => {}
        }
        Ok(())
    }

    fn ended(&mut self, pid: Pid, status: i32) {
        self.threads.remove(&pid);
        if pid == self.plugin {
            self.status = Some(status);
        }
    }

    /// A stop of this thread at the beginning or the end of a system call.
    fn count(&mut self, pid: Pid) {
        let Some(thread) = self.threads.get_mut(&pid) else { return };
        // Its number and arguments, at either stop.
        let call = std::fs::read_to_string(format!("/proc/{pid}/syscall")).unwrap_or_default();
        let was = *thread;
        *thread = match was {
            Thread::Outside if system_call::changes(&call) => Thread::Changing,
            Thread::Outside => Thread::Looking,
            Thread::Looking | Thread::Changing => Thread::Outside,
        };
        let ours = self.victims == Victims::All || pid == self.plugin;
        if was != Thread::Changing || !ours || self.killed.is_some() {
            return;
        }
        self.left = self.left.saturating_sub(1);
        if self.left == 0 {
            self.killed = Some(call.trim_end().to_owned());
            self.kill();
        }
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

/// On to the next system call's beginning or end. Whoever was killed while stopped is gone already.
fn resume(pid: Pid, signal: Option<Signal>) -> nix::Result<()> {
    match ptrace::syscall(pid, signal) {
        Err(nix::Error::ESRCH) => Ok(()),
        done => done,
    }
}

/// What a plugin that has ended said: it fits the pipes.
pub(crate) fn output(child: Child, status: Option<i32>) -> Output {
    let text = |stream: Option<&mut dyn Read>| {
        let mut bytes = Vec::new();
        // What could not be read is missing in what the test compares.
        let _ = stream.map(|stream| stream.read_to_end(&mut bytes));
        String::from_utf8_lossy(&bytes).into_owned()
    };
    let Child { mut stdout, mut stderr, .. } = child;
    Output {
        code: status.unwrap_or(-1),
        stdout: text(stdout.as_mut().map(|stream| stream as &mut dyn Read)),
        stderr: text(stderr.as_mut().map(|stream| stream as &mut dyn Read)),
    }
}
