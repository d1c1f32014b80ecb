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

/// What an operation took.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Took {
    /// From its start until its end was seen.
    pub wall: Duration,
    /// On all processors, in user and kernel mode, of its processes and all that they started.
    pub cpu: Duration,
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

/// A file that is nowhere: a pipe would make the writer wait for us.
fn memory() -> File {
    File::from(memfd_create("bench", MFdFlags::MFD_CLOEXEC).expect("memory for a file"))
}
