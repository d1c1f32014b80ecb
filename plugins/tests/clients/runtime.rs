//! A place for a container runtime: the node, with a process table of its own, so that no shim, monitor or container
//! outlives the test, however it ends.

use std::io::Read;
use std::process::{Child, Command, Stdio};

use sandbox::{Directory, Node, Output, PATIENCE, Place, eventually};

/// The process namespace of a runtime.
pub(crate) struct Runtime {
    init: Child,
    /// The first process of the namespace, as the node counts.
    pid: String,
    /// Where the runtime keeps images and layers, which are no state of the node.
    pub(crate) scratch: Directory,
    cgroup: String,
}

impl Runtime {
    pub(crate) fn new(node: &Node) -> Self {
        // Whatever becomes of the test's thread, the kernel ends the first process, and with it the namespace.
        let mut init = Command::new("setpriv")
            .args(["--pdeathsig=KILL", "unshare", "--pid", "--mount-proc", "--fork", "--kill-child=KILL"])
            .args(["sh", "-c", "echo; exec sleep infinity"])
            .stdout(Stdio::piped())
            .spawn()
            .expect("setpriv and unshare are in util-linux");
        // A line says that the new /proc is mounted.
        let read = init.stdout.take().map(|mut output| output.read_exact(&mut [0]));
        assert!(matches!(read, Some(Ok(()))), "no process namespace: container runtimes are tested as root");
        let pid = node.exec(&["pgrep", "-P", &init.id().to_string()]).stdout.trim().to_owned();
        let cgroup = format!("trestle-test-{}", init.id());
        Self { init, pid, scratch: node.directory(), cgroup }
    }

    /// The control group below which this runtime's containers are, for the tree is the whole machine's.
    pub(crate) fn cgroup(&self) -> &str {
        &self.cgroup
    }

    /// The words before a command that runs here.
    fn words(&self) -> [&str; 6] {
        ["nsenter", "--target", &self.pid, "--pid", "--mount", "--"]
    }

    /// Starts a daemon. It ends with this value.
    pub(crate) fn start(&self, command: &[&str]) {
        let words = self.words();
        let log = std::fs::File::create(self.log()).expect("the scratch directory is ours");
        let errors = log.try_clone().expect("a descriptor is left");
        let mut daemon = Command::new(words[0]);
        daemon.args(&words[1..]).args(command).stdin(Stdio::null()).stdout(log).stderr(errors);
        // Nobody waits for it: it ends with the namespace, and then the test's process does too.
        drop(daemon.spawn().expect("nsenter is in util-linux"));
    }

    /// What the daemon has said so far.
    pub(crate) fn said(&self) -> String {
        std::fs::read_to_string(self.log()).unwrap_or_default()
    }

    fn log(&self) -> std::path::PathBuf {
        self.scratch.join("log")
    }
}

impl Place for Runtime {
    fn within<T>(&self, work: impl FnOnce() -> T) -> T {
        work()
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
            let _ = find(&["-exec", "rmdir", "{}", ";"]);
            find(&[]).is_ok_and(|found| found.stdout.is_empty())
        });
        assert!(empty || std::thread::panicking(), "control groups {} stay", self.cgroup);
    }
}
