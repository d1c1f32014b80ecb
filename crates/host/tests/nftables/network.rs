//! Network namespaces and programs in them.

use std::fs;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sched::{CloneFlags, unshare};

/// How long anything may take before a test gives up.
const PATIENCE: Duration = Duration::from_secs(20);

/// Moves the thread into a network namespace of its own.
pub(crate) fn private_network() {
    unshare(CloneFlags::CLONE_NEWNET).expect("a private network namespace needs root");
    run("ip link set lo up");
}

/// Runs a program in the thread's network namespace and returns what it printed.
pub(crate) fn run(line: &str) -> String {
    let words: Vec<&str> = line.split_whitespace().collect();
    let output = Command::new(words[0]).args(&words[1..]).output().expect(line);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{line}: {errors}");
    String::from_utf8(output.stdout).expect("text")
}

/// Does the program succeed?
pub(crate) fn succeeds(line: &str) -> bool {
    let words: Vec<&str> = line.split_whitespace().collect();
    Command::new(words[0])
        .args(&words[1..])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .expect(line)
        .success()
}

/// Waits until it is so.
pub(crate) fn eventually(what: &str, condition: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < deadline, "{what}: not within {PATIENCE:?}");
        std::thread::yield_now();
    }
}

/// What `nft` lists in the thread's network namespace.
pub(crate) fn ruleset() -> String {
    run("nft list ruleset")
}

/// Those lines of a text that are wanted.
pub(crate) fn only(text: &str, wanted: impl Fn(&str) -> bool) -> String {
    text.lines().filter(|line| wanted(line)).flat_map(|line| [line, "\n"]).collect()
}

/// Another network namespace, kept by a process that does nothing.
pub(crate) struct Elsewhere(Child);

impl Elsewhere {
    /// A new one.
    pub(crate) fn new() -> Self {
        let child = Command::new("unshare").args(["--net", "sleep", "infinity"]).spawn().expect("unshare");
        let elsewhere = Self(child);
        let here = fs::read_link("/proc/thread-self/ns/net").expect("/proc");
        eventually("a network namespace", || {
            fs::read_link(elsewhere.path()).is_ok_and(|there| there != here)
        });
        elsewhere.run("ip link set lo up");
        elsewhere
    }

    /// Its file.
    pub(crate) fn path(&self) -> String {
        format!("/proc/{}/ns/net", self.0.id())
    }

    /// Its process, as `ip link set … netns` takes it.
    pub(crate) fn id(&self) -> u32 {
        self.0.id()
    }

    /// Runs a program in it.
    pub(crate) fn run(&self, line: &str) -> String {
        run(&self.inside(line))
    }

    /// Does the program succeed in it?
    pub(crate) fn succeeds(&self, line: &str) -> bool {
        succeeds(&self.inside(line))
    }

    fn inside(&self, line: &str) -> String {
        format!("nsenter --net={} {line}", self.path())
    }
}

impl Drop for Elsewhere {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
