//! Waits for a descriptor of the kernel's by tokio, and reads nothing.

use std::io;
use std::os::fd::AsFd;
use std::os::unix::net::UnixDatagram as Descriptor;

use tokio::io::Interest;
use tokio::net::UnixDatagram;

/// A descriptor that never blocks, in a second copy: any that can be polled does for a socket here.
pub(super) struct Readiness(UnixDatagram);

impl Readiness {
    /// Of this descriptor.
    ///
    /// # Errors
    /// Where no descriptor is left.
    pub(super) fn of(descriptor: &impl AsFd) -> io::Result<Self> {
        let copy = Descriptor::from(descriptor.as_fd().try_clone_to_owned()?);
        UnixDatagram::from_std(copy).map(Self)
    }

    /// Waits until there may be something to read.
    ///
    /// # Errors
    /// Where the runtime ends.
    pub(super) async fn wait(&self) -> io::Result<()> {
        self.0.readable().await
    }

    /// Says that there is nothing more to read, before there is not: what comes in between makes it readable again.
    pub(super) fn forget(&self) {
        let nothing: io::Result<()> =
            self.0.try_io(Interest::READABLE, || Err(io::ErrorKind::WouldBlock.into()));
        debug_assert!(nothing.is_err());
    }
}
