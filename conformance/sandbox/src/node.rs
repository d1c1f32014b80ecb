//! A node: the namespaces that stand for one machine.

use std::marker::PhantomData;
use std::path::{Path, PathBuf};
use std::sync::MutexGuard;

use nix::sched::{CloneFlags, unshare};

use crate::{Directory, Machine, Place, Pod, Router, Uplink, mounts};

/// Where runtimes look for plugins.
const PLUGINS: &str = "/opt/cni/bin";

/// A private network, host name and mount table, in which the calling thread lives from now on, and every thread
/// and command that it starts. `/run`, `/var/lib/cni`, `/etc/cni` and `/opt/cni` are empty and its own, `/sys` shows its
/// links. The machine sees nothing of it, and the kernel takes all of it away when the last process in it ends.
#[derive(Debug)]
pub struct Node {
    /// A node is its thread's: it may be borrowed by other threads, not moved.
    thread: PhantomData<MutexGuard<'static, ()>>,
}

impl Node {
    /// Puts the calling thread into a new node, with `lo` up.
    ///
    /// # Panics
    /// Where the kernel forbids it: an ordinary user needs a user namespace, which the runner
    /// `conformance/sandbox/enter` makes.
    #[must_use]
    pub fn enter() -> Self {
        let new = CloneFlags::CLONE_NEWNS | CloneFlags::CLONE_NEWNET | CloneFlags::CLONE_NEWUTS;
        if let Err(error) = unshare(new) {
            panic!("no private namespaces: {error}; run as root or through conformance/sandbox/enter");
        }
        mounts::privatise();
        let node = Self { thread: PhantomData };
        node.exec(&["ip", "link", "set", "lo", "up"]);
        // A link's own IPv6 address without the second that the kernel asks around for. Pods have their own settings.
        std::fs::write("/proc/sys/net/ipv6/conf/default/accept_dad", "0").expect("the node has IPv6");
        node
    }

    /// A new, empty network namespace `/run/netns/NAME`, as a runtime makes one for a pod.
    ///
    /// # Panics
    /// Where it can't be made.
    #[must_use]
    pub fn pod(&self, name: &str) -> Pod {
        Pod::new(name)
    }

    /// A second machine next to this one, at the other end of a cable.
    ///
    /// # Panics
    /// Where it can't be made.
    #[must_use]
    pub fn router(&self, uplink: &Uplink) -> Router {
        Router::beside(self, uplink)
    }

    /// Another machine, with a mount table and a network of its own, and no cable yet (see [`crate::Lan`]).
    ///
    /// # Panics
    /// Where it can't be made.
    #[must_use]
    pub fn machine(&self, name: &str) -> Machine {
        Machine::new(name)
    }

    /// Installs a multi-call binary in `/opt/cni/bin`, a copy under each name.
    ///
    /// # Panics
    /// Where the binary can't be copied.
    pub fn install(&self, binary: &Path, names: &[&str]) -> PathBuf {
        crate::installed::copy(binary, Path::new(PLUGINS), names);
        PathBuf::from(PLUGINS)
    }

    /// Installs existing plugins, those of another build for example, in `/opt/cni/bin`.
    ///
    /// # Panics
    /// Where one is absent.
    pub fn install_from(&self, directory: &Path, names: &[&str]) -> PathBuf {
        for name in names {
            crate::installed::copy(&directory.join(name), Path::new(PLUGINS), &[name]);
        }
        PathBuf::from(PLUGINS)
    }

    /// Writes a file of the node's own, and the directories above it.
    ///
    /// # Panics
    /// Where it can't be written.
    pub fn write(&self, path: impl AsRef<Path>, text: &str) {
        let path = path.as_ref();
        let written =
            path.parent().map_or(Ok(()), std::fs::create_dir_all).and_then(|()| std::fs::write(path, text));
        if let Err(error) = written {
            panic!("{} can't be written: {error}", path.display());
        }
    }

    /// An empty directory of the node's own under `/run`, gone with the value.
    ///
    /// # Panics
    /// Where it can't be made.
    #[must_use]
    pub fn directory(&self) -> Directory {
        Directory::under(Path::new("/run"))
    }
}

impl Place for Node {
    fn within<T>(&self, work: impl FnOnce() -> T) -> T {
        work()
    }
}
