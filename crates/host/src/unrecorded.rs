//! DEL of an attachment that has no record: another DEL was first, the record was lost, or the reference plugins made
//! it, under names that nobody can foretell.

use std::net::IpAddr;

use netstate::{Attachment, LinkName, Mac};

use crate::away::Lent;
use crate::error::{Context, Error};
use crate::link::{self, Seen};
use crate::machine::Host;
use crate::namespace::Namespace;
use crate::nftables::reference;
use crate::remove::{forget_neighbours, gone};
use crate::{address, conntrack};

/// What becomes of a container's link at the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It was made for the container.
    Removed,
    /// It is the host's, and its alias is its name there.
    GivenBack,
}

/// What is known of an attachment without a record.
pub struct Leftover {
    /// Whose.
    pub owner: Attachment,
    /// Its container, if that is still there.
    pub container: Option<Namespace>,
    /// What is to become of its link in the container.
    pub fate: Fate,
    /// Host ends and their MACs, as the result of its ADD named them.
    pub host_ends: Vec<(LinkName, Mac)>,
    /// Addresses, as the result of its ADD named them. They may be another's by now.
    pub addresses: Vec<IpAddr>,
}

/// A pair that was removed, and what is to be forgotten with it.
#[derive(Default)]
struct Removed {
    /// The index of the bridge that its host end was a port of.
    bridge: Option<u32>,
    addresses: Vec<IpAddr>,
}

impl Host {
    /// Removes what the attachment may still have. Its addresses are its own only as long as its link is there: only
    /// then are their neighbours and connections forgotten.
    pub fn remove_unrecorded(&mut self, leftover: &Leftover) -> Vec<Error> {
        let owner = &leftover.owner;
        let mut errors = Vec::new();
        errors.extend(self.remove_rules(owner).err());
        errors.extend(reference::remove(&mut self.nftables, owner).err());
        let mut removed = Vec::new();
        if let Some(container) = &leftover.container {
            removed.push(match leftover.fate {
                Fate::Removed => self.remove_inside(container, &owner.ifname),
                Fate::GivenBack => self.give_back(container, &owner.ifname),
            });
        }
        let reported = leftover.host_ends.iter().map(|(name, mac)| (name.clone(), Some(*mac)));
        for (name, mac) in reported.chain([(owner.host_link(), None)]) {
            let there = self.remove_veth(&name, mac);
            removed.push(there.map(|seen| Removed {
                addresses: if seen.is_some() { leftover.addresses.clone() } else { Vec::new() },
                bridge: seen.and_then(|seen| seen.master),
            }));
        }
        for removed in removed {
            let forgotten = removed.and_then(|removed| self.forget_addresses(&removed));
            errors.extend(forgotten.err());
        }
        errors
    }

    /// Removes a veth end, one whose name the reference chose only if it still has the MAC that goes with it.
    fn remove_veth(&mut self, name: &LinkName, mac: Option<Mac>) -> Result<Option<Seen>, Error> {
        match self.find(name)? {
            Some(seen) if seen.is_kind("veth") && (mac.is_none() || seen.mac == mac) => {
                self.remove_link(name).map(|()| Some(seen))
            }
            _ => Ok(None),
        }
    }

    fn remove_inside(&mut self, container: &Namespace, ifname: &str) -> Result<Removed, Error> {
        let Ok(name) = ifname.parse::<LinkName>() else { return Ok(Removed::default()) };
        let mut socket = container.route()?;
        let Some(inner) = link::find(&mut socket, &name).context("find", &name)? else {
            return Ok(Removed::default());
        };
        let addresses =
            address::of_link(&mut socket, inner.index, None).context("read the addresses of", &name)?;
        let outer = self.other_end(&inner)?;
        gone(socket.request(link::delete(&name)).map(drop)).context("remove", &name)?;
        Ok(Removed {
            bridge: outer.and_then(|outer| outer.master),
            addresses: addresses.iter().map(|seen| seen.network.ip()).collect(),
        })
    }

    /// The end on the host of a pair whose other end is `inner`.
    fn other_end(&mut self, inner: &Seen) -> Result<Option<Seen>, Error> {
        let links = link::all(&mut self.route).context("read", &"the links")?;
        Ok(links.into_iter().find(|outer| {
            outer.is_kind("veth") && Some(outer.index) == inner.peer && outer.peer == Some(inner.index)
        }))
    }

    fn forget_addresses(&mut self, removed: &Removed) -> Result<(), Error> {
        if let Some(bridge) = removed.bridge {
            forget_neighbours(&mut self.route, bridge, &removed.addresses)
                .context("forget the neighbours on link", &bridge)?;
        }
        Ok(conntrack::forget(&removed.addresses)?)
    }

    /// Moves a device back whose alias is its name on the host: the reference's, and ours.
    fn give_back(&mut self, container: &Namespace, ifname: &str) -> Result<Removed, Error> {
        let Ok(name) = ifname.parse::<LinkName>() else { return Ok(Removed::default()) };
        let found = link::find(&mut *container.route()?, &name).context("find", &name)?;
        match found.and_then(|seen| Some((seen.alias?.parse::<LinkName>().ok()?, seen.mac))) {
            Some((home, mac)) => self.take_back(container, &Lent { home, mac }).map(|()| Removed::default()),
            None => Ok(Removed::default()),
        }
    }
}
