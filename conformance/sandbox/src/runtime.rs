//! A place for a container runtime: a node or a machine, with a process table of its own, so that no shim, monitor or
//! container outlives the test, however it ends.

use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::namespaces::Namespaces;
use crate::{Daemon, Directory, Node, Output, PATIENCE, Place, eventually};

/// The process namespace of a runtime. Files are seen as the runtime sees them, its pods' namespaces among them.
#[derive(Debug)]
pub struct Runtime {
    init: Child,
    /// The first process of the namespace, as the node counts.
    pid: String,
    namespaces: Namespaces,
    scratch: Directory,
    logs: Directory,
    cgroup: String,
}

impl Runtime {
    /// On the node itself, or on one of its machines.
    ///
    /// # Panics
    /// Where there can be no process namespace: an ordinary user's containers are not tested.
    #[must_use]
    pub fn new(node: &Node, place: &impl Place) -> Self {
        // Whatever becomes of the test's thread, the kernel ends the first process, and with it the namespace.
        let mut command = Command::new("setpriv");
        command
            .args(["--pdeathsig=KILL", "unshare", "--pid", "--mount-proc", "--fork", "--kill-child=KILL"])
            .args(["sh", "-c", "echo; exec sleep infinity"])
            .stdout(Stdio::piped());
        let (spawned, scratch) = place.within(|| (command.spawn(), node.directory()));
        let mut init = spawned.expect("setpriv and unshare are in util-linux");
        // A line says that the new /proc is mounted.
        let read = init.stdout.take().map(|mut output| output.read_exact(&mut [0]));
        assert!(matches!(read, Some(Ok(()))), "no process namespace: container runtimes are tested as root");
        let pid = node.exec(&["pgrep", "-P", &init.id().to_string()]).stdout.trim().to_owned();
        // No name begins another's: they are swept by their beginnings.
        let cgroup = format!("trestle-test-{:07}", init.id());
        let namespaces = Namespaces::of(&pid);
        Self { init, pid, namespaces, scratch, logs: node.directory(), cgroup }
    }

    /// The control group below which this runtime's containers are, for the tree is the whole machine's.
    #[must_use]
    pub fn cgroup(&self) -> &str {
        &self.cgroup
    }

    /// Where the runtime keeps images and layers, which are no state of the node.
    #[must_use]
    pub fn scratch(&self) -> &Path {
        self.scratch.path()
    }

    /// The words before a command that runs here.
    fn words(&self) -> [&str; 8] {
        ["nsenter", "--target", &self.pid, "--pid", "--mount", "--uts", "--net", "--"]
    }

    /// The same as a line, for a person on the machine.
    #[must_use]
    pub fn entrance(&self) -> String {
        self.words().join(" ")
    }

    /// Starts a program. It ends with this value; what it says goes to a log of this name.
    #[must_use]
    pub fn start(&self, name: &str, command: &[&str]) -> Daemon {
        // nsenter waits outside, so its end must be the program's too.
        let dies_with_it = ["setpriv", "--pdeathsig=KILL", "--"];
        Daemon::start(&[&self.words(), &dies_with_it[..], command].concat(), &self.logs.join(name))
    }
}

impl Place for Runtime {
    /// `/proc` is that of the runtime's processes, of which the calling thread is none.
    fn within<T>(&self, work: impl FnOnce() -> T) -> T {
        self.namespaces.visit(work)
    }

    fn try_exec(&self, command: &[&str]) -> Output {
        let words = self.words();
        let output = Command::new(words[0]).args(&words[1..]).args(command).stdin(Stdio::null()).output();
        output.expect("nsenter is in util-linux").into()
    }
}

impl Drop for Runtime {
    fn drop(&mut self) {
        // Gone already is as good.
        let _ = self.init.kill();
        let _ = self.init.wait();
        // The groups empty as the kernel buries the processes; the tree is the machine's, so they must go.
        let groups = format!("/sys/fs/cgroup -depth -type d -path */{}*", self.cgroup);
        let empty = eventually(PATIENCE, || {
            let find = |action: &[&str]| Command::new("find").args(groups.split(' ')).args(action).output();
            let _ = find(&["-exec", "rmdir", "{}", "+"]);
            find(&[]).is_ok_and(|found| found.stdout.is_empty())
        });
        assert!(empty || std::thread::panicking(), "control groups {} stay", self.cgroup);
    }
}
