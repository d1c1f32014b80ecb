//! Addresses and routes that change while a container runs: those of a lease. What rests on an address follows it.

use std::path::Path;

use ipnetwork::IpNetwork;
use netlink_packet_route::RouteNetlinkMessage as Message;
use netstate::{Adjustment, Attachment, LinkName, Masquerade, Renumbering, Route};

use crate::adjustment::{Site, in_order};
use crate::error::{Context, Error};
use crate::machine::Host;
use crate::namespace::Namespace;
use crate::netlink::Request;
use crate::record::{Keeper, Record, Records};
use crate::{address, link, route};

impl Host {
    /// Takes an address of a link of the container away, and with it the routes that rest on it.
    ///
    /// # Errors
    /// Where the namespace can't be entered, or the kernel refuses; an address or link that is not there is gone.
    pub fn remove_address_in(
        &self,
        container: &Namespace,
        name: &LinkName,
        network: IpNetwork,
    ) -> Result<(), Error> {
        let mut socket = container.route()?;
        let Some(seen) = link::find(&mut socket, name).context("find", name)? else { return Ok(()) };
        match socket.request(address::delete(seen.index, network)) {
            Err(refusal) if refusal.is(libc::EADDRNOTAVAIL) => Ok(()),
            answer => answer.context("remove", &network).map(drop),
        }
    }

    /// Takes a route of the container away.
    ///
    /// # Errors
    /// Where the namespace can't be entered, or the kernel refuses; a route or link that is not there is gone.
    pub fn remove_route_in(&self, container: &Namespace, wanted: &Route) -> Result<(), Error> {
        let mut socket = container.route()?;
        let Some(seen) = link::find(&mut socket, &wanted.link).context("find", &wanted.link)? else {
            return Ok(());
        };
        match socket.request(Request::new(Message::DelRoute(route::message(wanted, seen.index)), 0)) {
            Err(refusal) if refusal.is(libc::ESRCH) => Ok(()),
            answer => answer.context("remove", wanted).map(drop),
        }
    }

    /// An address of the container became another one, or is there again: what its attachment's records tell of follows, in
    /// the kernel and on disk, whichever plugin made it. The records are those of the host whose root is `root`. Goes on after errors.
    pub fn renumber(
        &mut self,
        owner: &Attachment,
        container: &Namespace,
        change: &Renumbering,
        root: &Path,
    ) -> Vec<Error> {
        // Who adjusts the container meanwhile would go by what is no more.
        let turn = match container.lock() {
            Ok(turn) => turn,
            Err(error) => return vec![error],
        };
        let mut errors = Vec::new();
        for keeper in Keeper::ALL {
            let renumbered = Records::below(root, keeper).and_then(|records| {
                let record = records.read(owner)?.filter(|record| record.owner == *owner);
                record.map_or(Ok(()), |record| self.renumber_recorded(&records, &record, container, change))
            });
            errors.extend(renumbered.err());
        }
        drop(turn);
        errors
    }

    /// What a record tells of goes before the record does, and what the new one tells of comes after it: a kill in between
    /// leaves nothing that no record knows.
    fn renumber_recorded(
        &mut self,
        records: &Records,
        old: &Record,
        container: &Namespace,
        change: &Renumbering,
    ) -> Result<(), Error> {
        let new = old.renumbered(change);
        if new == *old && !old.adjustments.iter().any(is_route) {
            return Ok(());
        }
        self.withdraw(Some(container), &old.owner, &old.adjustments)
            .into_iter()
            .next()
            .map_or(Ok(()), Err)?;
        self.remove_masquerades(old)?;
        let held = records.write(&new)?;
        self.nftables.add(&new.masquerades, &[])?;
        let mut site = Site { host: self, container: Some(container) };
        for (kind, run) in in_order(&new.adjustments) {
            kind.apply(&mut site, &run)?;
        }
        drop(held);
        Ok(())
    }
}

/// With a link's last address the kernel takes every route by that link, in whatever table.
fn is_route(adjustment: &Adjustment) -> bool {
    matches!(adjustment, Adjustment::SourceRule(_) | Adjustment::RouteChange(_))
}

impl Record {
    /// The same after an address became another one.
    fn renumbered(&self, change: &Renumbering) -> Self {
        let masquerade = |old: &Masquerade| change.masquerade(old);
        Self {
            addresses: self.addresses.iter().map(|old| change.address(*old)).collect(),
            masquerades: self.masquerades.iter().map(masquerade).collect(),
            adjustments: self.adjustments.iter().map(|old| change.adjustment(old)).collect(),
            ..self.clone()
        }
    }
}
