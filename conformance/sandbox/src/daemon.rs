//! A program that runs beside a test, and ends with it.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::{PATIENCE, eventually};

/// A program that was started in the calling thread's node. It is killed when the value goes, or the thread.
#[derive(Debug)]
pub struct Daemon {
    child: Child,
    log: PathBuf,
}

impl Daemon {
    /// Starts it; both its outputs go to the end of the file `log`.
    ///
    /// # Panics
    /// Where it can't be started.
    #[must_use]
    pub fn start(command: &[&str], log: &Path) -> Self {
        let output = File::options().create(true).append(true).open(log);
        let started = output.and_then(|output| {
            // The kernel kills it where the test is killed and drops nothing.
            Command::new("setpriv")
                .args(["--pdeathsig", "KILL", "--"])
                .args(command)
                .stdin(Stdio::null())
                .stdout(output.try_clone()?)
                .stderr(output)
                .spawn()
        });
        match started {
            Ok(child) => Self { child, log: log.to_owned() },
            Err(error) => {
                panic!("{command:?} can't be started: {error}; `make deps` installs what the tests need")
            }
        }
    }

    /// Its process ID.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// What it wrote so far.
    #[must_use]
    pub fn said(&self) -> String {
        let bytes = std::fs::read(&self.log).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Ends it as a service manager does, by SIGTERM, and waits until it is gone.
    ///
    /// # Panics
    /// Where it stays.
    pub fn terminate(mut self) {
        let id = Pid::from_raw(i32::try_from(self.id()).expect("a process ID"));
        kill(id, Signal::SIGTERM).expect("it is ours");
        let ended = eventually(PATIENCE, || matches!(self.child.try_wait(), Ok(Some(_))));
        assert!(ended, "SIGTERM does not end it: {}", self.said());
    }

    /// Waits until the condition holds.
    ///
    /// # Panics
    /// Where it never does, or the program ends before; with the last that it said.
    pub fn until(&mut self, what: &str, mut condition: impl FnMut() -> bool) {
        let mut ended = None;
        // Ten times the usual: servers start by the seconds, and several at once.
        let came = eventually(PATIENCE * 10, || {
            ended = self.child.try_wait().ok().flatten();
            ended.is_some() || condition()
        });
        if !came || ended.is_some() {
            let said = self.said();
            let last: Vec<&str> = said.lines().rev().take(20).collect();
            let last: Vec<&str> = last.into_iter().rev().collect();
            panic!("{what}: it never came (ended: {ended:?})\n{}", last.join("\n"));
        }
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
