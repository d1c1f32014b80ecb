//! One process, from its start to its end, as a runtime sees it.

use std::fs::File;
use std::io::{Read as _, Seek as _, Write as _};
use std::ops::AddAssign;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::memfd::{MFdFlags, memfd_create};
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::{TimeVal, TimeValLike as _};
use sandbox::{Call, counted};

/// What an operation took.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Took {
    /// From its start until its end was seen.
    pub wall: Duration,
    /// On all processors, in user and kernel mode, of its processes and all that they started.
    pub cpu: Duration,
}

/// What an operation does that can be counted: the same on every machine.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    /// Its processes, and all that they started.
    pub processes: usize,
    /// Their system calls.
    pub system_calls: usize,
    /// Those of them that sent a message.
    pub messages: usize,
    /// The most memory that one of them had, in KiB (`VmHWM`).
    pub peak: u64,
}

impl AddAssign for Took {
    fn add_assign(&mut self, other: Self) {
        self.wall += other.wall;
        self.cpu += other.cpu;
    }
}

/// Does something and measures it: its own time, and the processor time of all processes that end meanwhile.
///
/// # Panics
/// Where the kernel doesn't tell.
pub fn measured<T>(work: impl FnOnce() -> T) -> (Took, T) {
    let (start, before) = (Instant::now(), children());
    let done = work();
    let wall = start.elapsed();
    (Took { wall, cpu: children().saturating_sub(before) }, done)
}

/// The processor time of all processes that have been waited for.
fn children() -> Duration {
    let used = getrusage(UsageWho::RUSAGE_CHILDREN).expect("a process may ask for its children's usage");
    let time = |value: TimeVal| Duration::from_micros(value.num_microseconds().try_into().unwrap_or(0));
    time(used.user_time()) + time(used.system_time())
}

/// Runs a program with this environment and standard input; what it printed.
///
/// # Panics
/// Where it can't be started, or fails.
pub fn run(program: &Path, environment: &[(&str, String)], input: &[u8]) -> String {
    let mut output = memory();
    let mut stdin = memory();
    stdin.write_all(input).and_then(|()| stdin.rewind()).expect("memory can be written");
    let status = Command::new(program)
        .env_clear()
        .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
        .envs(environment.iter().map(|(key, value)| (key, value)))
        .stdin(Stdio::from(stdin))
        .stdout(output.try_clone().expect("a file of ours"))
        .status();
    let mut text = String::new();
    let read = output.rewind().and_then(|()| output.read_to_string(&mut text));
    match status {
        Ok(status) if status.success() && read.is_ok() => text,
        other => panic!("{} {environment:?} failed: {other:?}\n{text}", program.display()),
    }
}

/// Runs a program as [`run`] does, and counts what it does.
///
/// # Panics
/// Where it can't be started or traced, or fails.
pub fn count(program: &Path, environment: &[(&str, String)], input: &[u8], counts: &mut Counts) -> String {
    let call = environment.iter().fold(Call::new(program), |call, (key, value)| call.env(key, value));
    let tally = counted(&call.stdin(input));
    tally.reply.succeeded();
    counts.processes += tally.processes;
    counts.system_calls += tally.system_calls;
    counts.messages += tally.sends;
    counts.peak = counts.peak.max(tally.peak);
    tally.reply.stdout.clone()
}

/// A file that is nowhere: a pipe would make the writer wait for us.
fn memory() -> File {
    File::from(memfd_create("bench", MFdFlags::MFD_CLOEXEC).expect("memory for a file"))
}
