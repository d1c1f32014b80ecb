//! Namespaces that a thread visits and comes back from.

use std::fs::File;
use std::os::fd::AsRawFd;

use nix::sched::{CloneFlags, setns, unshare};
use nix::unistd::fchdir;

/// What stands for a machine, by its names in `/proc/PID/ns`. The network is the last.
const KINDS: [(CloneFlags, &str); 3] =
    [(CloneFlags::CLONE_NEWNS, "mnt"), (CloneFlags::CLONE_NEWUTS, "uts"), (CloneFlags::CLONE_NEWNET, "net")];

/// A mount table, a host name and a network.
#[derive(Debug)]
pub(crate) struct Namespaces(Vec<File>);

impl Namespaces {
    /// All of them, to make new ones.
    pub(crate) fn flags() -> CloneFlags {
        KINDS.iter().fold(CloneFlags::empty(), |all, (kind, _)| all | *kind)
    }

    /// The calling thread's.
    pub(crate) fn own() -> Self {
        Self::of("thread-self")
    }

    /// Those of a process, by its ID in the calling thread's `/proc`.
    pub(crate) fn of(process: &str) -> Self {
        let open = |(_, name): &(CloneFlags, &str)| {
            let path = format!("/proc/{process}/ns/{name}");
            File::open(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
        };
        Self(KINDS.iter().map(open).collect())
    }

    /// A path of the network, for every process that sees this one.
    pub(crate) fn network(&self) -> String {
        let network = self.0.last().expect("it has one of each kind");
        format!("/proc/{}/fd/{}", std::process::id(), network.as_raw_fd())
    }

    /// Does `work` with the calling thread in them.
    pub(crate) fn visit<T>(&self, work: impl FnOnce() -> T) -> T {
        // Another mount table has another working directory.
        let directory = File::open(".").expect("there is a working directory");
        let own = Self::own();
        self.enter();
        let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work));
        own.enter();
        fchdir(&directory).expect("it was the working directory");
        done.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }

    fn enter(&self) {
        // A thread that was joined a moment ago may still share this one's directories; who shares them can't change
        // mount tables.
        if let Err(error) = unshare(CloneFlags::CLONE_FS) {
            panic!("no directories of its own: {error}");
        }
        for (namespace, (kind, name)) in self.0.iter().zip(KINDS) {
            setns(namespace, kind)
                .unwrap_or_else(|error| panic!("can't enter the namespace {name}: {error}"));
        }
    }
}
