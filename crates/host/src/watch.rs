//! The kernel's notifications: that something changed, never what (`rtnetlink(7)`).
//!
//! They only wake. What there is, a pass reads anew: a link that goes down takes its next hops and their routes with it
//! without a word, and a notification may be lost at any time.
//!
//! Our own changes wake too, once: the pass that follows finds nothing to do, changes nothing, and so wakes nobody. That
//! costs one pass more, and spares telling our messages from others': the kernel does not say whose a forwarding entry is.

mod sift;
mod timer;

use std::fmt;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};

pub use timer::Timer;

use netlink_sys::protocols::{NETLINK_NETFILTER, NETLINK_ROUTE};
use netlink_sys::{Socket, SocketAddr};

/// A datagram holds one notification, or a few of nftables'.
const BUFFER: usize = 64 * 1024;

/// `RTNLGRP_LINK`, `RTNLGRP_IPV4_IFADDR`, `RTNLGRP_IPV4_ROUTE`, `RTNLGRP_IPV6_IFADDR`, `RTNLGRP_IPV6_ROUTE`,
/// `RTNLGRP_IPV4_NETCONF`, `RTNLGRP_IPV6_NETCONF`.
const GROUPS: [u32; 7] = [1, 5, 7, 9, 11, 24, 25];

/// `RTNLGRP_NEIGH`: all the time where there is traffic, and so listened to only where a tunnel is followed.
const NEIGHBOURS: u32 = 3;

/// `RTNLGRP_NEXTHOP`, which a kernel before 5.3 does not know.
const NEXT_HOPS: u32 = 32;

/// `NFNLGRP_NFTABLES`.
const NFTABLES: u32 = 7;

/// What changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Topic {
    /// A link.
    Link,
    /// An address that others can reach.
    Address,
    /// A route of the main table.
    Route,
    /// A next hop object.
    NextHop,
    /// A neighbour or a forwarding entry of a link that is followed.
    Neighbour,
    /// Whether the machine forwards.
    Forwarding,
    /// A table of packet rules that is followed.
    Rules,
    /// Nobody knows: notifications were lost. Everything may have.
    Lost,
}

impl Topic {
    const ALL: [Self; 8] = [
        Self::Link,
        Self::Address,
        Self::Route,
        Self::NextHop,
        Self::Neighbour,
        Self::Forwarding,
        Self::Rules,
        Self::Lost,
    ];

    fn word(self) -> &'static str {
        match self {
            Self::Link => "link",
            Self::Address => "address",
            Self::Route => "route",
            Self::NextHop => "nexthop",
            Self::Neighbour => "neighbour",
            Self::Forwarding => "forwarding",
            Self::Rules => "rules",
            Self::Lost => "lost",
        }
    }
}

/// A set of topics.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Wake(u8);

impl Wake {
    /// Did this change, for certain or perhaps?
    pub fn touches(self, topic: Topic) -> bool {
        self.has(topic) || self.has(Topic::Lost)
    }

    /// Both together.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    fn has(self, topic: Topic) -> bool {
        self.0 & 1 << topic as u8 != 0
    }
}

impl From<Topic> for Wake {
    fn from(topic: Topic) -> Self {
        Self(1 << topic as u8)
    }
}

impl fmt::Display for Wake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let topics = Topic::ALL.into_iter().filter(|topic| self.has(*topic));
        f.write_str(&topics.map(Topic::word).collect::<Vec<_>>().join(" "))
    }
}

/// A link that counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Followed<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its index, where it has one by now.
    pub index: Option<u32>,
    /// What of it counts.
    pub part: Part,
}

/// What of a link counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The link itself. The kernel learns its neighbours, and forgets them, for as long as there is traffic.
    Itself,
    /// Its neighbours and forwarding entries too: a tunnel's are ours.
    WithNeighbours,
}

/// What is followed of all that happens.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Interest {
    Network {
        /// Links by name; every link, where there is none.
        links: Vec<String>,
        /// Their indexes.
        indexes: Vec<u32>,
        /// Those among them whose neighbours and forwarding entries count.
        tunnels: Vec<u32>,
    },
    /// Tables by name.
    Rules { tables: Vec<String> },
}

/// A socket that becomes readable when the kernel has something to say. It never blocks.
pub struct Watch {
    socket: Socket,
    interest: Interest,
    buffer: Vec<u8>,
}

impl Watch {
    /// Listens for links, addresses, routes, next hops, neighbours and forwarding, in the calling thread's namespace.
    /// Until [`Watch::follow`] says more, every link counts, and no neighbour.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn network() -> io::Result<Self> {
        let socket = open(NETLINK_ROUTE)?;
        GROUPS.into_iter().try_for_each(|group| socket.add_membership(group))?;
        let _ = socket.add_membership(NEXT_HOPS);
        Ok(Self::new(
            socket,
            Interest::Network { links: Vec::new(), indexes: Vec::new(), tunnels: Vec::new() },
        ))
    }

    /// Listens for changes to the nftables tables of these names, whatever their family.
    ///
    /// # Errors
    /// What the kernel says; `EPROTONOSUPPORT` where it has no netfilter sockets.
    pub fn rules(tables: &[&str]) -> io::Result<Self> {
        let socket = open(NETLINK_NETFILTER)?;
        socket.add_membership(NFTABLES)?;
        let tables = tables.iter().map(|&name| name.to_owned()).collect();
        Ok(Self::new(socket, Interest::Rules { tables }))
    }

    fn new(socket: Socket, interest: Interest) -> Self {
        Self { socket, interest, buffer: vec![0; BUFFER] }
    }

    /// From now on only these links count. Pods come and go on others all the time. To be said again when a link was made
    /// anew.
    pub fn follow<'a>(&mut self, links: impl IntoIterator<Item = Followed<'a>>) {
        if let Interest::Network { links: names, indexes, tunnels } = &mut self.interest {
            names.clear();
            indexes.clear();
            tunnels.clear();
            for Followed { name, index, part } in links {
                names.push(name.to_owned());
                indexes.extend(index);
                tunnels.extend(index.filter(|_| part == Part::WithNeighbours));
            }
            // What is not heard is found all the same, at the next look.
            let _ = if tunnels.is_empty() {
                self.socket.drop_membership(NEIGHBOURS)
            } else {
                self.socket.add_membership(NEIGHBOURS)
            };
        }
    }

    /// Takes in all that has been said by now. None where nothing of it counts.
    ///
    /// # Errors
    /// Where the socket fails; not where notifications were lost ([`Topic::Lost`]).
    pub fn drain(&mut self) -> io::Result<Option<Wake>> {
        let mut wake = Wake::default();
        loop {
            match self.socket.recv(&mut &mut self.buffer[..], libc::MSG_TRUNC) {
                Ok(length) if length > self.buffer.len() => wake = wake.and(Topic::Lost.into()),
                Ok(length) => {
                    wake = wake.and(sift::sift(&self.buffer[..length], &self.interest));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.raw_os_error() == Some(libc::ENOBUFS) => {
                    wake = wake.and(Topic::Lost.into());
                }
                Err(error) => return Err(error),
            }
        }
        Ok((wake != Wake::default()).then_some(wake))
    }
}

impl AsFd for Watch {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

fn open(protocol: isize) -> io::Result<Socket> {
    let mut socket = Socket::new(protocol)?;
    socket.bind(&SocketAddr::new(0, 0))?;
    socket.set_non_blocking(true)?;
    Ok(socket)
}
