//! Links that are the container's alone.

use netstate::{ContainerLink, Device, LinkKind, Lower, Place, Tap};

use super::Work;
use crate::error::{Context, Error};
use crate::link::{self, Socket};
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
        let answer = match wanted.kind.lower() {
            Some(Lower { name, place: Place::Host }) => {
                let lower = self.index(name)?;
                self.socket().request(container_link::create(wanted, Some(lower), Some(container.fd())))
            }
            lower => {
                let mut socket = container.route()?;
                let lower = lower.map(|lower| index_of(&mut socket, &lower.name)).transpose()?;
                socket.request(container_link::create(wanted, lower, None))
            }
        };
        match answer {
            Err(source) if source.is(libc::EOPNOTSUPP) => Err(Error::Lacks {
                feature: container_link::option(&wanted.kind),
                object: wanted.to_string(),
                source,
            }),
            // Also the answer to a VLAN that its lower link has already.
            Err(source) if source.is(libc::EEXIST) => {
                let there = link::find(&mut *container.route()?, &wanted.name);
                match there.context("find", &wanted.name)? {
                    Some(_) => Err(Error::LinkExists { place: "the container", name: wanted.name.clone() }),
                    None => Err(source).context("create", wanted),
                }
            }
            answer => answer.context("create", wanted).map(drop),
        }
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
