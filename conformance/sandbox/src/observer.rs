//! Follows a plugin and everybody whom it starts from one system call to the next: `ptrace(2)`.

use std::io::Read;
use std::process::Child;

use nix::sys::ptrace::{self, Options};
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

use crate::{Call, Output};

/// Stops itself, so that a tracer can take hold of it, and becomes the plugin.
const WRAPPER: [&str; 4] = ["sh", "-c", "kill -STOP $$; exec \"$@\"", "sh"];

/// What is asked for beside the stops at system calls: every child and thread, every program, every end.
const OPTIONS: [Options; 7] = [
    Options::PTRACE_O_TRACESYSGOOD,
    Options::PTRACE_O_TRACEEXEC,
    Options::PTRACE_O_TRACEFORK,
    Options::PTRACE_O_TRACEVFORK,
    Options::PTRACE_O_TRACECLONE,
    Options::PTRACE_O_TRACEEXIT,
    Options::PTRACE_O_EXITKILL,
];

/// Sees each stop of each thread. The wrapper's, before it is the plugin, are among them.
pub(crate) trait Observer {
    /// The thread begins or ends a system call.
    fn at_call(&mut self, thread: Pid);
    /// One of `PTRACE_EVENT_*`.
    fn at_event(&mut self, thread: Pid, event: i32);
    /// The thread is no more.
    fn at_end(&mut self, thread: Pid);
}

/// Makes the call before the eyes of the observer, who is told the plugin's process. Returns when every process of it has
/// ended.
///
/// # Panics
/// Where the plugin can't be started or traced.
pub(crate) fn observe<O: Observer>(call: &Call, observer: impl FnOnce(Pid) -> O) -> (O, Output) {
    let child = call.clone().through(&WRAPPER).spawn().0;
    let plugin = Pid::from_raw(i32::try_from(child.id()).expect("a process ID is positive"));
    let mut observer = observer(plugin);
    match seize(plugin).and_then(|()| follow(plugin, &mut observer)) {
        Ok(status) => (observer, output(child, status)),
        Err(error) => panic!("{call:?} can't be traced: {error}"),
    }
}

fn seize(plugin: Pid) -> nix::Result<()> {
    waitpid(plugin, Some(WaitPidFlag::WUNTRACED))?;
    ptrace::seize(plugin, OPTIONS.into_iter().collect())?;
    kill(plugin, Signal::SIGCONT)
}

/// Until nobody is left; the plugin's exit code, or 128 and the signal's number. A thread's wait knows only of those whom
/// this thread started or traces.
fn follow(plugin: Pid, observer: &mut impl Observer) -> nix::Result<Option<i32>> {
    let mut status = None;
    loop {
        let (ended, code) = match waitpid(None, Some(WaitPidFlag::__WALL | WaitPidFlag::__WNOTHREAD)) {
            Err(nix::Error::ECHILD) => return Ok(status),
            Err(nix::Error::EINTR) => continue,
            Err(error) => return Err(error),
            Ok(WaitStatus::Exited(thread, code)) => (thread, code),
            Ok(WaitStatus::Signaled(thread, signal, _)) => (thread, 128 + signal as i32),
            Ok(stop) => {
                stopped(stop, observer)?;
                continue;
            }
        };
        observer.at_end(ended);
        if ended == plugin {
            status = Some(code);
        }
    }
}

fn stopped(stop: WaitStatus, observer: &mut impl Observer) -> nix::Result<()> {
    match stop {
        WaitStatus::PtraceSyscall(thread) => {
            observer.at_call(thread);
            resume(thread, None)
        }
        WaitStatus::PtraceEvent(thread, _, event) => {
            observer.at_event(thread, event);
            resume(thread, None)
        }
        WaitStatus::Stopped(thread, signal) => resume(thread, Some(signal)),
        _ => Ok(()),
    }
}

/// On to the next system call's beginning or end. Whoever was killed while stopped is gone already.
fn resume(thread: Pid, signal: Option<Signal>) -> nix::Result<()> {
    match ptrace::syscall(thread, signal) {
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
