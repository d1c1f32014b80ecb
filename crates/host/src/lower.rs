//! Finding the link that a container's link rests on.

use netstate::{Family, LinkName};

use crate::error::{Context, Error};
use crate::link::{self, Seen, Socket};
use crate::machine::Host;
use crate::namespace::Namespace;
use crate::route;

/// `RT_TABLE_MAIN`.
const MAIN: u32 = 254;

impl Host {
    /// The host's link of this index.
    ///
    /// # Errors
    /// The kernel's refusal; a link that is not there is none.
    pub fn find_index(&mut self, index: u32) -> Result<Option<Seen>, Error> {
        by_index(&mut self.route, index)
    }

    /// The container's link of this index.
    ///
    /// # Errors
    /// Where the namespace can't be entered, or the kernel refuses.
    pub fn find_index_in(&self, container: &Namespace, index: u32) -> Result<Option<Seen>, Error> {
        by_index(&mut *container.route()?, index)
    }

    /// The link of the host's default route, IPv4's before IPv6's, and of several the one with the least metric.
    ///
    /// # Errors
    /// The kernel's refusal.
    pub fn default_link(&mut self) -> Result<Option<LinkName>, Error> {
        default_link(&mut self.route)
    }

    /// The same of the container.
    ///
    /// # Errors
    /// Where the namespace can't be entered, or the kernel refuses.
    pub fn default_link_in(&self, container: &Namespace) -> Result<Option<LinkName>, Error> {
        default_link(&mut *container.route()?)
    }
}

fn by_index(socket: &mut Socket, index: u32) -> Result<Option<Seen>, Error> {
    link::by_index(socket, index).context("find the link of index", &index)
}

fn default_link(socket: &mut Socket) -> Result<Option<LinkName>, Error> {
    for family in Family::ALL {
        let routes = route::all(socket, family).context("read", &"the routes")?;
        let defaults =
            routes.iter().filter(|seen| seen.destination == family.default_route() && seen.table == MAIN);
        let least = defaults.min_by_key(|seen| seen.priority.unwrap_or(0));
        let Some(index) = least.and_then(|seen| seen.link) else { continue };
        if let Some(seen) = by_index(socket, index)? {
            return Ok(seen.name.parse().ok());
        }
    }
    Ok(None)
}
