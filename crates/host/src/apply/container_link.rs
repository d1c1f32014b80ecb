//! Links that are the container's alone.

use netlink_packet_route::RouteNetlinkMessage as Message;
use netstate::{ContainerLink, Device, LinkKind, Lower, Place, Tap};

use super::Work;
use crate::chance::random;
use crate::container_link::Site;
use crate::error::{Context, Error};
use crate::link::{self, Socket};
use crate::netlink::Answer;
use crate::{alias, container_link, tap};

impl Work<'_> {
    /// Makes the link in the container, and then says whose it is.
    pub(super) fn container_link(&mut self, wanted: &ContainerLink) -> Result<(), Error> {
        let container = self.container()?;
        match &wanted.kind {
            LinkKind::Tap(settings) => tap::create(container, &wanted.name, settings)?,
            _ => self.create_inside(wanted)?,
        }
        self.applied.inside = Some(wanted.name.clone());
        let mut socket = container.route()?;
        let bridge = bridge_of(&mut socket, &wanted.kind)?;
        let complete = container_link::complete(wanted, &alias::text(&wanted.owner), bridge);
        socket.request(complete).context("set up", wanted)?;
        let seen = link::find(&mut socket, &wanted.name).context("find", &wanted.name)?;
        let seen = seen.ok_or_else(|| Error::NoLink(wanted.name.clone()))?;
        self.inner.insert(wanted.name.clone(), seen.index);
        self.applied.link = Some(seen);
        Ok(())
    }

    fn create_inside(&mut self, wanted: &ContainerLink) -> Result<(), Error> {
        let container = self.container()?;
        match self.try_create(wanted, None)? {
            Err(source) if source.is(libc::EOPNOTSUPP) => Err(Error::Lacks {
                feature: container_link::option(&wanted.kind),
                object: wanted.to_string(),
                source,
            }),
            // Also the answer to a VLAN that its lower link has already.
            Err(source) if source.is(libc::EEXIST) => {
                let there = link::find(&mut *container.route()?, &wanted.name);
                if there.context("find", &wanted.name)?.is_some() {
                    return Err(Error::LinkExists { place: "the container", name: wanted.name.clone() });
                }
                self.try_create(wanted, Some(some_index()))?.context("create", wanted).map(drop)
            }
            answer => answer.context("create", wanted).map(drop),
        }
    }

    /// A kernel before 6.15 looks for a link of that name, where there may be none, on the host, if it rests on one of
    /// there: a host's `eth0` keeps it from making the container's. Of a link whose `index` it is told, it asks only if
    /// the host has that.
    fn try_create(&mut self, wanted: &ContainerLink, index: Option<u32>) -> Result<Answer<Message>, Error> {
        let container = self.container()?;
        Ok(match wanted.kind.lower() {
            Some(Lower { name, place: Place::Host }) => {
                let site = Site { lower: Some(self.index(name)?), container: Some(container.fd()), index };
                self.socket().request(container_link::create(wanted, site))
            }
            lower => {
                let mut socket = container.route()?;
                let lower = lower.map(|lower| index_of(&mut socket, &lower.name)).transpose()?;
                socket.request(container_link::create(wanted, Site { lower, container: None, index }))
            }
        })
    }

    /// Moves the device in.
    pub(super) fn device(&mut self, wanted: &Device) -> Result<(), Error> {
        let container = self.container()?;
        let index = self.index(&wanted.found)?;
        let lend = container_link::lend(wanted, index, container.fd());
        // One that is moved and can't be renamed then has to come back, too.
        self.applied.device = Some(wanted.clone());
        self.socket().request(lend).context("move into the container", wanted)?;
        let mut socket = container.route()?;
        let seen = link::find(&mut socket, &wanted.name).context("find", &wanted.name)?;
        let seen = seen.ok_or_else(|| Error::NoLink(wanted.name.clone()))?;
        self.inner.insert(wanted.name.clone(), seen.index);
        self.applied.link = Some(seen);
        Ok(())
    }
}

/// An index that most likely no link has, far from those that the kernel counts up to.
fn some_index() -> u32 {
    (1 << 20) | (random().cast_unsigned() & 0xf_ffff)
}

fn bridge_of(socket: &mut Socket, kind: &LinkKind) -> Result<Option<u32>, Error> {
    match kind {
        LinkKind::Tap(Tap { bridge: Some(bridge), .. }) => index_of(socket, bridge).map(Some),
        _ => Ok(None),
    }
}

fn index_of(socket: &mut Socket, name: &netstate::LinkName) -> Result<u32, Error> {
    let seen = link::find(socket, name).context("find", name)?;
    Ok(seen.ok_or_else(|| Error::NoLink(name.clone()))?.index)
}
