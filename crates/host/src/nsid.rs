//! IDs by which one network namespace knows another (`RTM_NEWNSID`, `linux/net_namespace.h`; `ip netns set`).
//!
//! A namespace gives an ID once to each other one. It can't be changed or taken back: the kernel forgets it when the
//! namespace that bears it ends, and may give it to the next one then. One that was drawn at random from 2^31 does not
//! come again.

use std::fmt;
use std::io;
use std::path::Path;
use std::str::FromStr;

use netlink_packet_route::RouteNetlinkMessage as Message;
use netlink_packet_route::nsid::{NsidAttribute, NsidMessage};
use netlink_sys::protocols::NETLINK_ROUTE;

use crate::chance::random;
use crate::error::{Context, Error};
use crate::link::Socket;
use crate::namespace::Namespace;
use crate::netlink::{Netlink, Refusal, Request};

/// A network namespace's ID in the calling thread's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct NamespaceId(i32);

/// The text is no [`NamespaceId`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("network namespace ID {0:?}: no number from 0 to {max}", max = i32::MAX)]
pub struct NamespaceIdError(pub String);

impl NamespaceId {
    /// The ID of the namespace at `path`: one drawn at random, unless somebody gave it one before.
    ///
    /// # Errors
    /// Where there is no such namespace, or the kernel refuses; `EPERM` to those who may not administer their own.
    pub fn give(path: &Path) -> Result<Self, Error> {
        let namespace = Namespace::open(path)?;
        let fd = NsidAttribute::Fd(namespace.fd().unsigned_abs());
        let mut socket = open().context("open", &"a route socket")?;
        let drawn = Self(random());
        let give = message([fd.clone(), NsidAttribute::Id(drawn.0)]);
        let Err(refusal) = socket.request(Request::new(Message::NewNsId(give), 0)) else { return Ok(drawn) };
        // The kernel refuses to a namespace that has one a second, too.
        let found = ask(&mut socket, fd).context("read the ID of", &path.display())?;
        found.ok_or(refusal).context("give an ID to", &path.display())
    }

    /// Is there a namespace of this ID?
    ///
    /// # Errors
    /// The kernel's refusal; `EINVAL` of one that can't be asked (before 4.20).
    pub fn is_given(self) -> Result<bool, Error> {
        let mut socket = open().context("open", &"a route socket")?;
        match ask(&mut socket, NsidAttribute::Id(self.0)) {
            Err(refusal) if refusal.is(libc::ENOENT) => Ok(false),
            answer => answer.map(|_| true).context("look for the network namespace of ID", &self),
        }
    }
}

fn open() -> io::Result<Socket> {
    Netlink::open(NETLINK_ROUTE)
}

fn message(attributes: impl IntoIterator<Item = NsidAttribute>) -> NsidMessage {
    let mut message = NsidMessage::default();
    message.attributes.extend(attributes);
    message
}

/// The ID of a namespace, if it has one.
fn ask(socket: &mut Socket, of: NsidAttribute) -> Result<Option<NamespaceId>, Refusal> {
    let Message::NewNsId(answer) = socket.ask(Message::GetNsId(message([of])))? else { return Ok(None) };
    Ok(answer.attributes.iter().find_map(|attribute| match attribute {
        NsidAttribute::Id(id) if *id >= 0 => Some(NamespaceId(*id)),
        _ => None,
    }))
}

impl fmt::Display for NamespaceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for NamespaceId {
    type Err = NamespaceIdError;

    fn from_str(text: &str) -> Result<Self, NamespaceIdError> {
        let id = text.parse().ok().filter(|id| *id >= 0);
        id.map(Self).ok_or_else(|| NamespaceIdError(text.to_owned()))
    }
}
