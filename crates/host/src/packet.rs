//! IPv4 packets on one link of a container, headers and all: how a DHCP client speaks before it has an address, and
//! past whatever packet rules the container has (`packet(7)`).

#![allow(unsafe_code, reason = "neither nix nor std wraps struct sockaddr_ll and SO_ATTACH_FILTER")]

use std::io;
use std::mem::size_of;
use std::os::fd::{AsRawFd, OwnedFd};
use std::time::Duration;

use netstate::Mac;
use nix::sys::socket::sockopt::ReceiveTimeout;
use nix::sys::socket::{AddressFamily, SockFlag, SockType, setsockopt, socket};
use nix::sys::time::{TimeVal, TimeValLike};

use crate::error::{Context, Error};
use crate::namespace::Namespace;

/// `ETH_P_IP` as the kernel wants it.
const IPV4: u16 = 0x0800_u16.to_be();

/// `AF_PACKET`, of the type that an address has it in.
const FAMILY: u16 = 17;

/// The filter of those that a client wants: UDP (17), no later fragment, to port 68 (`Documentation/networking/filter.rst`).
const TO_CLIENT: [libc::sock_filter; 9] = [
    instruction(0x30, [0, 0], 9),      // ldb [9]: the protocol
    instruction(0x15, [0, 6], 17),     // jne #17, drop
    instruction(0x28, [0, 0], 6),      // ldh [6]: the fragment's offset
    instruction(0x45, [4, 0], 0x1fff), // jset #0x1fff, drop
    instruction(0xb1, [0, 0], 0),      // ldxb 4*([0]&0xf): the header's length
    instruction(0x48, [0, 0], 2),      // ldh [x+2]: the destination's port
    instruction(0x15, [0, 1], 68),     // jne #68, drop
    instruction(0x06, [0, 0], u32::MAX),
    instruction(0x06, [0, 0], 0), // drop
];

const fn instruction(code: u16, [jt, jf]: [u8; 2], k: u32) -> libc::sock_filter {
    libc::sock_filter { code, jt, jf, k }
}

/// A socket for UDP packets to port 68 on one link.
pub struct PacketSocket {
    socket: OwnedFd,
    link: i32,
}

impl PacketSocket {
    /// Opens it in `namespace`, on the link of this index there.
    ///
    /// # Errors
    /// Where the namespace can't be entered, or the kernel gives no such socket.
    pub fn open(namespace: &Namespace, link: u32) -> Result<Self, Error> {
        namespace.inside(|| Self::here(link).context("open", &"a packet socket in the container"))
    }

    fn here(link: u32) -> io::Result<Self> {
        let link = i32::try_from(link).map_err(io::Error::other)?;
        // No protocol yet: nothing is to be received before the filter stands.
        let socket = socket(AddressFamily::Packet, SockType::Datagram, SockFlag::SOCK_CLOEXEC, None)?;
        let program = libc::sock_fprog {
            len: u16::try_from(TO_CLIENT.len()).map_err(io::Error::other)?,
            filter: TO_CLIENT.as_ptr().cast_mut(),
        };
        // SAFETY: `program` and the instructions that it points to outlive the call, which copies and does not change
        // them.
        let answer = unsafe {
            libc::setsockopt(
                socket.as_raw_fd(),
                libc::SOL_SOCKET,
                libc::SO_ATTACH_FILTER,
                (&raw const program).cast(),
                length_of::<libc::sock_fprog>()?,
            )
        };
        done(answer)?;
        let address = address(link, Mac([0; 6]));
        // SAFETY: `address` is a whole `struct sockaddr_ll` and outlives the call.
        let answer = unsafe {
            libc::bind(socket.as_raw_fd(), (&raw const address).cast(), length_of::<libc::sockaddr_ll>()?)
        };
        done(answer)?;
        Ok(Self { socket, link })
    }

    /// Sends an IPv4 packet in a frame to `target`.
    ///
    /// # Errors
    /// What the kernel says; `ENETDOWN` where the link is down.
    pub fn send(&self, packet: &[u8], target: Mac) -> io::Result<()> {
        let address = address(self.link, target);
        // SAFETY: `packet` and `address` are as long as is said and outlive the call.
        let sent = unsafe {
            libc::sendto(
                self.socket.as_raw_fd(),
                packet.as_ptr().cast(),
                packet.len(),
                libc::MSG_NOSIGNAL,
                (&raw const address).cast(),
                length_of::<libc::sockaddr_ll>()?,
            )
        };
        if sent < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
    }

    /// Waits for a packet: its length and the MAC that it came from, or nothing where none came within `patience`, or
    /// a signal did. A packet that is longer than the buffer is cut.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn receive(&self, buffer: &mut [u8], patience: Duration) -> io::Result<Option<(usize, Mac)>> {
        setsockopt(&self.socket, ReceiveTimeout, &time(patience))?;
        let mut from = address(0, Mac([0; 6]));
        let mut length = length_of::<libc::sockaddr_ll>()?;
        // SAFETY: `buffer` and `from` have the room that is said, and outlive the call.
        let received = unsafe {
            libc::recvfrom(
                self.socket.as_raw_fd(),
                buffer.as_mut_ptr().cast(),
                buffer.len(),
                0,
                (&raw mut from).cast(),
                &raw mut length,
            )
        };
        match usize::try_from(received) {
            Ok(received) => {
                let [mac @ .., _, _] = from.sll_addr;
                Ok(Some((received, Mac(mac))))
            }
            Err(_) => match io::Error::last_os_error() {
                error if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => {
                    Ok(None)
                }
                error => Err(error),
            },
        }
    }
}

/// A time to wait, as the kernel takes it: 0 would be for ever.
pub(crate) fn time(patience: Duration) -> TimeVal {
    TimeVal::microseconds(i64::try_from(patience.as_micros()).unwrap_or(i64::MAX).max(1))
}

fn address(link: i32, mac: Mac) -> libc::sockaddr_ll {
    let mut bytes = [0; 8];
    bytes[..6].copy_from_slice(&mac.0);
    libc::sockaddr_ll {
        sll_family: FAMILY,
        sll_protocol: IPV4,
        sll_ifindex: link,
        sll_hatype: 0,
        sll_pkttype: 0,
        sll_halen: 6,
        sll_addr: bytes,
    }
}

fn length_of<T>() -> io::Result<libc::socklen_t> {
    libc::socklen_t::try_from(size_of::<T>()).map_err(io::Error::other)
}

fn done(answer: libc::c_int) -> io::Result<()> {
    if answer == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
