//! The container's network namespace: opened once, entered for a moment, and left again.
//!
//! Sockets belong to the namespace that they were opened in, so a plugin is inside only while it opens one and
//! writes kernel settings. Whatever runs later (a delegate, say) runs in the host's namespace, on every path.

use std::cell::{RefCell, RefMut};
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::path::{Path, PathBuf};

use netlink_sys::protocols::NETLINK_ROUTE;
use netns_rs::NetNs;
use nix::sched::{CloneFlags, setns};

use crate::error::{Context, Error};
use crate::files::{Purpose, open};
use crate::link::Socket;
use crate::netlink::Netlink;

/// The namespace that the calling thread is in.
const OWN: &str = "/proc/thread-self/ns/net";

/// A turn at adjusting a container.
#[must_use]
pub struct Turn(#[expect(dead_code, reason = "closing it ends the lock")] File);

/// An open network namespace.
pub struct Namespace {
    path: PathBuf,
    inner: NetNs,
    /// Opened inside when it is first asked for; it stays there.
    route: RefCell<Option<Socket>>,
}

impl Namespace {
    /// Opens `CNI_NETNS`.
    ///
    /// # Errors
    /// [`Error::Namespace`] where there is none at `path`.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let refused = |source| Error::Namespace { path: path.to_owned(), source };
        // A path that is there but is no namespace (a runtime's leftover file) would fail only at setns.
        if !is_namespace(path).map_err(refused)? {
            return Err(refused(io::Error::from_raw_os_error(libc::EINVAL)));
        }
        let namespace = netns_rs::get_from_path(path).map_err(|error| refused(io::Error::other(error)))?;
        Ok(Self { path: path.to_owned(), inner: namespace, route: RefCell::new(None) })
    }

    /// Opens `CNI_NETNS`, or says that there is no such namespace any more.
    pub fn open_if_there(path: &Path) -> Option<Self> {
        Self::open(path).ok()
    }

    /// The path it was opened by.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// For `IFLA_NET_NS_FD`.
    pub fn fd(&self) -> RawFd {
        self.inner.file().as_raw_fd()
    }

    /// Waits for everybody else who adjusts this container, and keeps them waiting until the answer is dropped. The
    /// reference's `sbr` takes the same lock (`flock(2)` on the namespace's file).
    ///
    /// # Errors
    /// Where the file can't be opened or locked.
    pub fn lock(&self) -> Result<Turn, Error> {
        // The path may be another's by now.
        let own = format!("/proc/self/fd/{}", self.fd());
        let file = open(Path::new(&own), Purpose::Read).context("open", &self.path.display())?;
        file.lock().context("lock", &self.path.display())?;
        Ok(Turn(file))
    }

    /// A route socket of this namespace: one for all that is done here.
    ///
    /// # Errors
    /// Where the kernel lets nobody in, or gives no socket.
    pub(crate) fn route(&self) -> Result<RefMut<'_, Socket>, Error> {
        let mut route = self.route.borrow_mut();
        if route.is_none() {
            let opened = self.inside(|| {
                Netlink::open(NETLINK_ROUTE).context("open", &"a route socket in the container")
            })?;
            *route = Some(opened);
        }
        Ok(RefMut::map(route, |route| route.as_mut().expect("opened above")))
    }

    /// Runs `body` inside and comes back, whatever `body` answers. `body` must not panic: a panic ends the plugin.
    ///
    /// # Errors
    /// `body`'s own, or [`Error::Namespace`] where the kernel lets nobody in.
    pub fn inside<T>(&self, body: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
        let own = open(Path::new(OWN), Purpose::Read).context("open", &OWN)?;
        self.enter(self.inner.file().as_fd())?;
        let answer = body();
        self.enter(own.as_fd())?;
        answer
    }

    fn enter(&self, namespace: BorrowedFd<'_>) -> Result<(), Error> {
        setns(namespace, CloneFlags::CLONE_NEWNET)
            .map_err(|errno| Error::Namespace { path: self.path.clone(), source: errno.into() })
    }
}

/// Is `path` an nsfs file? Only those can be entered.
fn is_namespace(path: &Path) -> io::Result<bool> {
    let found = nix::sys::statfs::statfs(path)?;
    Ok(found.filesystem_type() == nix::sys::statfs::NSFS_MAGIC
        || found.filesystem_type() == nix::sys::statfs::PROC_SUPER_MAGIC)
}
