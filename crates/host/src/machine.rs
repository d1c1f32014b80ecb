//! The machine, seen from the namespace that the plugin was started in.

use netlink_sys::protocols::NETLINK_ROUTE;

use crate::error::{Context, Error};
use crate::fabric::Bulk;
use crate::link::Socket;
use crate::netlink::Netlink;
use crate::nftables::Nftables;

/// Everything that a verb needs: sockets of the host's namespace. A socket that nobody uses is never opened.
pub struct Host {
    /// Links, addresses and routes.
    pub(crate) route: Socket,
    /// Packet rules.
    pub(crate) nftables: Nftables,
    /// Routes and what they rest on, thousands at a time.
    pub(crate) fabric: Option<Bulk>,
}

impl Host {
    /// Opens the host's sockets, in the calling thread's namespace.
    ///
    /// # Errors
    /// Where the kernel gives no socket.
    pub fn open() -> Result<Self, Error> {
        let route = Netlink::open(NETLINK_ROUTE).context("open", &"a route socket")?;
        Ok(Self { route, nftables: Nftables::default(), fabric: None })
    }
}
