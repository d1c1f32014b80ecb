//! Where a command runs: on the node, in a pod, on the router.

use std::process::Command;

use crate::{PATIENCE, eventually};

/// What a command said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// The exit code; 128 and the signal's number where a signal ended it, as a shell has it.
    pub code: i32,
    /// Standard output as text.
    pub stdout: String,
    /// Standard error as text.
    pub stderr: String,
}

impl From<std::process::Output> for Output {
    fn from(output: std::process::Output) -> Self {
        use std::os::unix::process::ExitStatusExt;
        let code = output.status.code().or_else(|| output.status.signal().map(|number| 128 + number));
        Self {
            code: code.unwrap_or(-1),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

/// A network namespace in which commands run. Everything else (mounts, host name) is the node's.
pub trait Place {
    /// Does `work` with the calling thread inside this namespace. Sockets that it opens stay there.
    fn within<T>(&self, work: impl FnOnce() -> T) -> T;

    /// Runs a command and hands back whatever came.
    ///
    /// # Panics
    /// Where the program can't be started at all.
    fn try_exec(&self, command: &[&str]) -> Output {
        let (program, arguments) = command.split_first().expect("a command has a program");
        let output = self.within(|| Command::new(program).args(arguments).output());
        match output {
            Ok(output) => output.into(),
            Err(error) => {
                panic!("{program} can't be started: {error}; `make deps` installs what the tests need")
            }
        }
    }

    /// Runs a command that must succeed.
    ///
    /// # Panics
    /// Where it doesn't, with what it said.
    fn exec(&self, command: &[&str]) -> Output {
        let output = self.try_exec(command);
        assert!(
            output.code == 0,
            "{command:?} ended with {}\n{}{}",
            output.code,
            output.stdout,
            output.stderr
        );
        output
    }

    /// Runs a line of shell that must succeed (`sh -ec`).
    ///
    /// # Panics
    /// Where it doesn't, with what it said.
    fn sh(&self, script: &str) -> Output {
        self.exec(&["sh", "-ec", script])
    }

    /// Does one echo request come back within a second?
    fn reaches(&self, address: impl ToString) -> bool {
        self.try_exec(&["ping", "-n", "-q", "-c1", "-W1", &address.to_string()]).code == 0
    }

    /// Waits until an echo request comes back.
    ///
    /// # Panics
    /// Where none does, with this place's addresses and routes.
    fn ping(&self, address: impl ToString) {
        let address = address.to_string();
        let came = eventually(PATIENCE, || self.reaches(&address));
        if !came {
            let state = self.try_exec(&["sh", "-c", "ip addr; ip route; ip -6 route; ip neigh"]).stdout;
            panic!("no answer from {address}\n{state}");
        }
    }
}
