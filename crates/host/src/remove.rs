//! DEL: everything that an attachment owns, and nothing of anybody else. Absence is success; what fails is gathered
//! and the rest goes on.

use std::net::IpAddr;

use netlink_packet_route::RouteNetlinkMessage as Message;
use netlink_packet_route::neighbour::{NeighbourAddress, NeighbourAttribute, NeighbourMessage};
use netstate::{Attachment, Family, LinkName, MacGuard, Masquerade, Plan};

use crate::address::address_family;
use crate::apply::{Applied, rules};
use crate::conntrack;
use crate::error::{Context, Error};
use crate::link::{self, Socket};
use crate::machine::Host;
use crate::namespace::Namespace;
use crate::netlink::{Refusal, Request};
use crate::record::{Keeper, Record, Records};

impl Host {
    /// Removes what the record says: packet rules first, so that no address is freed while a rule names it; then
    /// the link, whose own slow end covers that of the rules; then what the kernel learned about the addresses.
    /// `container` is the namespace that the runtime names; a record of what is in there leads there by itself.
    pub fn remove(&mut self, record: &Record, container: Option<&Namespace>) -> Vec<Error> {
        let mut errors = Vec::new();
        errors.extend(self.remove_these(&record.owner, &record.masquerades, &record.guards).err());
        errors.extend(self.clear(record, container).err());
        if record.away.is_none() {
            errors.extend(self.remove_link(&record.owner.host_link()).err());
            errors.extend(self.forget(record).err());
        }
        errors
    }

    /// Removes everything of an attachment whose container is provably gone, so that its addresses can be given to
    /// another. Its record goes last.
    ///
    /// # Errors
    /// The first of what could not be removed.
    pub fn reap(&mut self, owner: &Attachment) -> Result<(), Error> {
        for keeper in Keeper::ALL.into_iter().filter(|keeper| *keeper != Keeper::Attachments) {
            let records = Records::of(keeper)?;
            if let Some(record) = records.read(owner)?.filter(|record| record.owner == *owner) {
                self.clear_away(&records, &record).into_iter().next().map_or(Ok(()), Err)?;
            }
        }
        let records = Records::of_this_boot()?;
        let errors = match records.read(owner)? {
            Some(record) if record.owner == *owner => {
                let errors = self.remove(&record, None);
                if errors.is_empty() && self.awaits(&record)? {
                    return Ok(());
                }
                errors
            }
            // The same interface of the same container, on another network since: not ours to take.
            Some(_) => return Ok(()),
            None => [self.remove_rules(owner), self.remove_link(&owner.host_link())]
                .into_iter()
                .filter_map(Result::err)
                .collect(),
        };
        match errors.into_iter().next() {
            Some(error) => Err(error),
            None => records.remove(owner),
        }
    }

    /// Takes back what an [`Host::apply`] of `plan` made before it failed. The bridge and its addresses are everybody's.
    /// Of rules, all that the plan wants: another ADD may have restored them from this one's record.
    pub fn undo(&mut self, applied: &Applied, plan: &Plan, container: &Namespace) -> Vec<Error> {
        let (masquerades, guards) = rules(plan);
        let owner = masquerades.first().map(|rule| &rule.owner).or(guards.first().map(|rule| &rule.owner));
        let mut errors = Vec::new();
        errors.extend(owner.and_then(|owner| self.remove_these(owner, &masquerades, &guards).err()));
        errors.extend(self.undo_inside(applied, container).err());
        errors.extend(applied.veth.as_ref().and_then(|name| self.remove_link(name).err()));
        errors
    }

    /// Removes a link of the host; a veth pair goes with either end.
    ///
    /// # Errors
    /// The kernel's refusal; a link that is not there is gone already.
    pub fn remove_link(&mut self, name: &LinkName) -> Result<(), Error> {
        gone(self.route.request(link::delete(name)).map(drop)).context("remove", name)
    }

    /// Removes the masquerades that a record tells of.
    pub(crate) fn remove_masquerades(&mut self, record: &Record) -> Result<(), Error> {
        self.remove_these(&record.owner, &record.masquerades, &[])
    }

    /// Removes these packet rules, as far as they are the owner's.
    fn remove_these(
        &mut self,
        owner: &Attachment,
        masquerades: &[Masquerade],
        guards: &[MacGuard],
    ) -> Result<(), Error> {
        let sources: Vec<IpAddr> = masquerades.iter().map(|rule| rule.source).collect();
        let guarded = guards.first().map(|guard| &guard.link);
        Ok(self.nftables.remove(owner, &sources, guarded)?)
    }

    /// Removes every packet rule of an attachment, whatever its addresses were.
    pub(crate) fn remove_rules(&mut self, owner: &Attachment) -> Result<(), Error> {
        let mut rules = self.nftables.owned()?;
        rules.retain(|rule| rule.owner.is(owner));
        Ok(self.nftables.delete(&rules)?)
    }

    /// Forgets who had the addresses: neighbours on the bridge, the link's own IPv6 address among them, and tracked
    /// connections.
    fn forget(&mut self, record: &Record) -> Result<(), Error> {
        let own = record.mac.map(|mac| IpAddr::V6(mac.link_local()));
        let neighbours: Vec<IpAddr> = record.addresses.iter().copied().chain(own).collect();
        let bridge = record.bridge.as_ref().map(|bridge| self.find(bridge)).transpose()?.flatten();
        if let Some(bridge) = bridge {
            forget_neighbours(&mut self.route, bridge.index, &neighbours)
                .context("forget the neighbours on", &bridge.name)?;
        }
        Ok(conntrack::forget(&record.addresses)?)
    }
}

/// Forgets who had these addresses on a link.
pub(crate) fn forget_neighbours(socket: &mut Socket, link: u32, addresses: &[IpAddr]) -> Result<(), Refusal> {
    let requests = addresses.iter().map(|address| {
        let mut message = NeighbourMessage::default();
        message.header.family = address_family(Family::of(*address));
        message.header.ifindex = link;
        message.attributes = vec![NeighbourAttribute::Destination(match address {
            IpAddr::V4(v4) => NeighbourAddress::Inet(*v4),
            IpAddr::V6(v6) => NeighbourAddress::Inet6(*v6),
        })];
        Request::new(Message::DelNeighbour(message), 0)
    });
    socket.exchange(requests.collect())?.into_iter().try_for_each(|answer| gone(answer.map(drop)))
}

/// What was not there is gone.
pub(crate) fn gone(answer: Result<(), Refusal>) -> Result<(), Refusal> {
    match answer {
        Err(refusal) if refusal.is(libc::ENODEV) || refusal.is(libc::ENOENT) => Ok(()),
        answer => answer,
    }
}
