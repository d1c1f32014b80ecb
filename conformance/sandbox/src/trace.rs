//! SIGKILL after a given system call: `ptrace(2)`.

use std::collections::HashMap;
use std::io::Read;
use std::process::Child;

use nix::sys::ptrace::{self, Event, Options};
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

use crate::{Call, Output, Reply};

/// Stops itself, so that a tracer can take hold of it, and becomes the plugin.
const WRAPPER: [&str; 4] = ["sh", "-c", "kill -STOP $$; exec \"$@\"", "sh"];

/// Whom a kill takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Victims {
    /// The plugin and all that it has started, as the end of a control group does. Everybody's system calls count.
    All,
    /// The plugin alone; what it has started is let run to its end. Only the plugin's own system calls count.
    Plugin,
}

/// How a traced call ended.
#[derive(Debug, Clone)]
pub enum End {
    /// By itself: it made fewer system calls.
    Itself(Reply),
    /// Killed, after this system call: its number and arguments, as `/proc/PID/syscall` has them.
    Killed(String),
}

/// Tests that kill at system calls try every one. Where the kernel is emulated that takes hours, so `TRESTLE_STRIDE`
/// may ask for every so manieth only.
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

/// Makes the call, and kills it as soon as its system call number `calls` is done (1 is its `execve`). Returns when
/// every process of it has ended.
///
/// # Panics
/// Where the plugin can't be started or traced.
#[must_use]
pub fn kill_after(call: &Call, calls: usize, victims: Victims) -> End {
    let child = call.clone().through(&WRAPPER).spawn().0;
    let plugin = Pid::from_raw(i32::try_from(child.id()).expect("a process ID is positive"));
    let mut tracer =
        Tracer { plugin, left: calls, victims, inside: HashMap::new(), killed: None, status: None };
    if let Err(error) = tracer.seize().and_then(|()| tracer.follow()) {
        panic!("{call:?} can't be traced: {error}");
    }
    match tracer.killed {
        Some(after) => End::Killed(after),
        None => End::Itself(Reply(output(child, tracer.status))),
    }
}

struct Tracer {
    plugin: Pid,
    /// So many system calls until the kill.
    left: usize,
    victims: Victims,
    /// Every thread that is traced; is it in a system call? Empty until the wrapper has become the plugin.
    inside: HashMap<Pid, bool>,
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
                    self.inside.insert(pid, true);
                } else if pid != self.plugin || !self.inside.is_empty() {
                    self.inside.entry(pid).or_insert(false);
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
        self.inside.remove(&pid);
        if pid == self.plugin {
            self.status = Some(status);
        }
    }

    /// A stop of this thread at the beginning or the end of a system call.
    fn count(&mut self, pid: Pid) {
        let Some(inside) = self.inside.get_mut(&pid) else { return };
        *inside = !*inside;
        let ours = self.victims == Victims::All || pid == self.plugin;
        if *inside || !ours || self.killed.is_some() {
            return;
        }
        self.left = self.left.saturating_sub(1);
        if self.left == 0 {
            let after = std::fs::read_to_string(format!("/proc/{pid}/syscall")).unwrap_or_default();
            self.killed = Some(after.trim_end().to_owned());
            self.kill();
        }
    }

    fn kill(&self) {
        for pid in self.inside.keys() {
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
fn output(child: Child, status: Option<i32>) -> Output {
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
