//! What a call costs that can be counted, and is the same on every machine.

use std::collections::{BTreeSet, HashMap};
use std::fs;

use nix::libc;
use nix::sys::ptrace::Event;
use nix::unistd::Pid;

use crate::observer::{Observer, observe};
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
    let (counter, output) = observe(call, Counter::new);
    Tally {
        reply: Reply(output),
        system_calls: counter.system_calls,
        starting: counter.starting.unwrap_or(counter.system_calls),
        sends: counter.sends,
        processes: counter.processes.len(),
        programs: counter.programs,
        peak: counter.peak,
    }
}

struct Counter {
    plugin: Pid,
    /// Threads that are traced, and whether they are in a system call. Empty until the wrapper has become the plugin.
    threads: HashMap<Pid, bool>,
    processes: BTreeSet<u64>,
    programs: Vec<String>,
    system_calls: usize,
    starting: Option<usize>,
    sends: usize,
    peak: u64,
}

impl Counter {
    fn new(plugin: Pid) -> Self {
        Self {
            plugin,
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

impl Observer for Counter {
    fn at_call(&mut self, thread: Pid) {
        if self.threads.is_empty() {
            return;
        }
        self.processes.insert(status_of(thread, "Tgid:"));
        let inside = self.threads.entry(thread).or_insert(false);
        *inside = !*inside;
        if !*inside {
            return;
        }
        let line = fs::read_to_string(format!("/proc/{thread}/syscall")).unwrap_or_default();
        let mut words = line.split_whitespace();
        let number = words.next().and_then(|number| number.parse().ok());
        if number == Some(libc::SYS_read) && words.next() == Some("0x0") {
            self.starting.get_or_insert(self.system_calls);
        }
        self.system_calls += 1;
        self.sends += usize::from(number.is_some_and(|number| SENDS.contains(&number)));
    }

    fn at_event(&mut self, thread: Pid, event: i32) {
        let begun = !self.threads.is_empty();
        if event == Event::PTRACE_EVENT_EXEC as i32 && (begun || thread == self.plugin) {
            // The end of that system call is still to come.
            self.threads.insert(thread, true);
            self.system_calls += usize::from(!begun);
            let program = fs::read_link(format!("/proc/{thread}/exe"));
            self.programs.push(program.map(|path| path.display().to_string()).unwrap_or_default());
        } else if event == Event::PTRACE_EVENT_EXIT as i32 && begun {
            self.peak = self.peak.max(status_of(thread, "VmHWM:"));
        }
    }

    fn at_end(&mut self, thread: Pid) {
        self.threads.remove(&thread);
    }
}

/// A number of `/proc/PID/status`.
fn status_of(pid: Pid, key: &str) -> u64 {
    let text = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let value = text.lines().find_map(|line| line.strip_prefix(key)?.split_whitespace().next());
    value.and_then(|value| value.parse().ok()).unwrap_or(0)
}
