//! What a call costs that can be counted, and is the same on every machine: `ptrace(2)`.

use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use nix::libc;
use nix::sys::ptrace::{self, Event, Options};
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

use crate::trace::{WRAPPER, output};
use crate::{Call, Reply};

/// System calls that send a message.
const SENDS: [libc::c_long; 3] = [libc::SYS_sendto, libc::SYS_sendmsg, libc::SYS_sendmmsg];

/// A call, counted: the plugin's own and that of everybody whom it started.
#[derive(Debug, Clone)]
pub struct Tally {
    /// What it answered.
    pub reply: Reply,
    /// System calls, from the program's start to its end.
    pub system_calls: usize,
    /// Those that came before it turned to its standard input: the C library's and the loader's.
    pub starting: usize,
    /// Messages to sockets; of our plugins all of them go to netlink.
    pub sends: usize,
    /// Processes; a thread is none.
    pub processes: usize,
    /// The files that were executed, the plugin's first.
    pub programs: Vec<String>,
    /// The most memory that one of them had at a time, in KiB (`VmHWM` at its end).
    pub peak: u64,
}

/// Makes the call, and counts.
///
/// # Panics
/// Where the plugin can't be started or traced.
#[must_use]
pub fn counted(call: &Call) -> Tally {
    let child = call.clone().through(&WRAPPER).spawn().0;
    let plugin = Pid::from_raw(i32::try_from(child.id()).expect("a process ID is positive"));
    let mut counter = Counter { plugin, ..Counter::default() };
    if let Err(error) = counter.seize().and_then(|()| counter.follow()) {
        panic!("{call:?} can't be traced: {error}");
    }
    Tally {
        reply: Reply(output(child, counter.status)),
        system_calls: counter.system_calls,
        starting: counter.starting.unwrap_or(counter.system_calls),
        sends: counter.sends,
        processes: counter.processes.len(),
        programs: counter.programs,
        peak: counter.peak,
    }
}

#[derive(Debug)]
struct Counter {
    plugin: Pid,
    /// The plugin's exit code, or 128 and the signal's number.
    status: Option<i32>,
    /// Threads that are traced, and whether they are in a system call. Empty until the wrapper has become the plugin.
    threads: HashMap<Pid, bool>,
    processes: BTreeSet<u64>,
    programs: Vec<String>,
    system_calls: usize,
    starting: Option<usize>,
    sends: usize,
    peak: u64,
}

impl Default for Counter {
    fn default() -> Self {
        Self {
            plugin: Pid::from_raw(0),
            status: None,
            threads: HashMap::new(),
            processes: BTreeSet::new(),
            programs: Vec::new(),
            system_calls: 0,
            starting: None,
            sends: 0,
            peak: 0,
        }
    }
}

impl Counter {
    fn seize(&self) -> nix::Result<()> {
        waitpid(self.plugin, Some(WaitPidFlag::WUNTRACED))?;
        let options = Options::PTRACE_O_TRACESYSGOOD
            | Options::PTRACE_O_TRACEEXEC
            | Options::PTRACE_O_TRACEFORK
            | Options::PTRACE_O_TRACEVFORK
            | Options::PTRACE_O_TRACECLONE
            | Options::PTRACE_O_TRACEEXIT
            | Options::PTRACE_O_EXITKILL;
        ptrace::seize(self.plugin, options)?;
        kill(self.plugin, Signal::SIGCONT)
    }

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
            WaitStatus::Exited(pid, code) => self.ended(pid, ExitStatus::from_raw(code << 8)),
            WaitStatus::Signaled(pid, signal, _) => self.ended(pid, ExitStatus::from_raw(signal as i32)),
            WaitStatus::PtraceSyscall(pid) => {
                self.count(pid);
                resume(pid, None)?;
            }
            WaitStatus::PtraceEvent(pid, _, event) => {
                self.event(pid, event);
                resume(pid, None)?;
            }
            WaitStatus::Stopped(pid, signal) => resume(pid, Some(signal))?,
            _ => {}
        }
        Ok(())
    }

    fn event(&mut self, pid: Pid, event: i32) {
        let begun = !self.threads.is_empty();
        if event == Event::PTRACE_EVENT_EXEC as i32 && (begun || pid == self.plugin) {
            // The end of that system call is still to come.
            self.threads.insert(pid, true);
            self.system_calls += usize::from(!begun);
            let program = fs::read_link(format!("/proc/{pid}/exe"));
            self.programs.push(program.map(|path| path.display().to_string()).unwrap_or_default());
        } else if event == Event::PTRACE_EVENT_EXIT as i32 && begun {
            self.peak = self.peak.max(status_of(pid, "VmHWM:"));
        }
    }

    fn ended(&mut self, pid: Pid, status: ExitStatus) {
        self.threads.remove(&pid);
        if pid == self.plugin {
            self.status = status.code().or(status.signal().map(|number| 128 + number));
        }
    }

    /// A stop of this thread at the beginning or the end of a system call.
    fn count(&mut self, pid: Pid) {
        if self.threads.is_empty() {
            return;
        }
        let process = status_of(pid, "Tgid:");
        self.processes.insert(process);
        let inside = self.threads.entry(pid).or_insert(false);
        *inside = !*inside;
        if !*inside {
            return;
        }
        let line = fs::read_to_string(format!("/proc/{pid}/syscall")).unwrap_or_default();
        let mut words = line.split_whitespace();
        let number = words.next().and_then(|number| number.parse().ok());
        if number == Some(libc::SYS_read) && words.next() == Some("0x0") {
            self.starting.get_or_insert(self.system_calls);
        }
        self.system_calls += 1;
        self.sends += usize::from(number.is_some_and(|number| SENDS.contains(&number)));
    }
}

/// A number of `/proc/PID/status`.
fn status_of(pid: Pid, key: &str) -> u64 {
    let text = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let value = text.lines().find_map(|line| line.strip_prefix(key)?.split_whitespace().next());
    value.and_then(|value| value.parse().ok()).unwrap_or(0)
}

/// On to the next system call's beginning or end. Whoever was killed while stopped is gone already.
fn resume(pid: Pid, signal: Option<Signal>) -> nix::Result<()> {
    match ptrace::syscall(pid, signal) {
        Err(nix::Error::ESRCH) => Ok(()),
        done => done,
    }
}
