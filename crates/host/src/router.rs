//! Asking routers on a link of a container what they announce (RFC 4861).

use std::io;
use std::net::{Ipv6Addr, SocketAddrV6};
use std::os::fd::{AsRawFd, OwnedFd};
use std::time::Duration;

use nix::sys::socket::sockopt::{Ipv6MulticastHops, ReceiveTimeout};
use nix::sys::socket::{
    AddressFamily, MsgFlags, SockFlag, SockProtocol, SockType, SockaddrIn6, recvfrom, sendto, setsockopt,
    socket,
};

use crate::error::{Context, Error};
use crate::namespace::Namespace;
use crate::packet::time;

/// All routers on the link.
const ROUTERS: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 2);

/// A router solicitation without options: the kernel fills in the checksum.
const SOLICITATION: [u8; 8] = [133, 0, 0, 0, 0, 0, 0, 0];

/// A socket for router advertisements.
pub struct Solicitor {
    socket: OwnedFd,
    link: u32,
}

impl Solicitor {
    /// Opens it in `namespace`, for the link of this index there.
    ///
    /// # Errors
    /// Where the namespace can't be entered, or the kernel gives no such socket.
    pub fn open(namespace: &Namespace, link: u32) -> Result<Self, Error> {
        let socket = namespace.inside(|| here().context("open", &"an ICMPv6 socket in the container"))?;
        Ok(Self { socket, link })
    }

    /// Asks all routers on the link.
    ///
    /// # Errors
    /// What the kernel says. That the link has no address yet is none: the kernel itself asks as soon as it has.
    pub fn solicit(&self) -> io::Result<()> {
        let to = SockaddrIn6::from(SocketAddrV6::new(ROUTERS, 0, 0, self.link));
        match sendto(self.socket.as_raw_fd(), &SOLICITATION, &to, MsgFlags::empty()) {
            Ok(_) | Err(nix::Error::EADDRNOTAVAIL) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Waits for a message of a router on the link: its length, or nothing where none came within `patience`. What
    /// came from beyond the link has no link-local source, for such packets are never forwarded.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn receive(&self, buffer: &mut [u8], patience: Duration) -> io::Result<Option<usize>> {
        setsockopt(&self.socket, ReceiveTimeout, &time(patience))?;
        match recvfrom::<SockaddrIn6>(self.socket.as_raw_fd(), buffer) {
            Ok((length, Some(from))) if from.ip().is_unicast_link_local() && from.scope_id() == self.link => {
                Ok(Some(length))
            }
            Ok(_) | Err(nix::Error::EAGAIN | nix::Error::EINTR) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

fn here() -> io::Result<OwnedFd> {
    let socket = socket(AddressFamily::Inet6, SockType::Raw, SockFlag::SOCK_CLOEXEC, SockProtocol::IcmpV6)?;
    // Routers hear nobody who might be beyond the link.
    setsockopt(&socket, Ipv6MulticastHops, &255)?;
    Ok(socket)
}
