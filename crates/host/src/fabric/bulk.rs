//! What there is one of a path: read without keeping it, changed in few sends.

use std::io;

use netlink_sys::protocols::NETLINK_ROUTE;
use netstate::Family;

use super::compare::{self, Seen};
use super::hops::Hops;
use super::object::{Entry, Hop, Neighbour, NextHop, Object, PROTOCOL, Route, Way};
use super::report::{Action, Drift};
use super::step::Left;
use super::wanted::Wanted;
use super::wire::{self, Message};
use crate::error::{Context, Error};
use crate::netlink::{Netlink, Refusal};

/// The socket for it.
pub(crate) struct Bulk {
    socket: Netlink<Message>,
    /// What the last pass left, where it found all as it should be.
    pub(super) left: Option<Left>,
}

impl Bulk {
    /// The one that is open, or a new one of the calling thread's namespace.
    pub(super) fn ensure(open: &mut Option<Self>) -> Result<&mut Self, Error> {
        match open {
            Some(bulk) => Ok(bulk),
            none => {
                let socket = Self::open().context("open", &"a route socket")?;
                Ok(none.insert(Self { socket, left: None }))
            }
        }
    }

    fn open() -> io::Result<Netlink<Message>> {
        let socket = Netlink::open(NETLINK_ROUTE)?;
        socket.enlarge()?;
        Ok(socket)
    }

    pub(super) fn socket(&mut self) -> &mut Netlink<Message> {
        &mut self.socket
    }

    /// The wanted next hops beside what there are; none where the kernel knows no such objects (before 5.3).
    pub(super) fn next_hops(&mut self, wanted: &Wanted<'_>) -> Result<Option<Hops>, Refusal> {
        let found = self.socket.walk(
            &Message::next_hops(),
            || Hops::new(wanted),
            |hops, message| {
                if let Message::NextHop(next_hop) = message {
                    hops.see(next_hop);
                }
            },
        );
        match found {
            Ok(found) => Ok(Some(found)),
            Err(refusal) if refusal.is(libc::EOPNOTSUPP) || refusal.is(libc::EINVAL) => Ok(None),
            Err(refusal) => Err(refusal),
        }
    }

    /// The routes beside what is wanted; `take` takes in each.
    pub(super) fn routes(
        &mut self,
        wanted: &Wanted<'_>,
        take: impl Fn(&mut Seen<Route>, Route),
    ) -> Result<Seen<Route>, Refusal> {
        let mut all = Seen::nothing(wanted);
        for family in Family::ALL {
            let start = || Seen::nothing(wanted);
            let seen = self.socket.walk(&Message::routes(family), start, |seen, message| {
                if let Message::Route(route) = message {
                    take(seen, route);
                }
            })?;
            all.join(seen);
        }
        Ok(all)
    }

    pub(super) fn neighbours(&mut self, wanted: &Wanted<'_>) -> Result<Seen<Neighbour>, Refusal> {
        let mut all = Seen::nothing(wanted);
        for (family, link) in compare::tunnels(wanted) {
            let start = || Seen::nothing(wanted);
            let seen = self.socket.walk(&Message::neighbours(family, link), start, |seen, message| {
                if let Message::Neighbour(neighbour) = message {
                    seen.neighbour(wanted, neighbour);
                }
            })?;
            all.join(seen);
        }
        Ok(all)
    }

    pub(super) fn entries(&mut self, wanted: &Wanted<'_>) -> Result<Seen<Entry>, Refusal> {
        let mut all = Seen::nothing(wanted);
        for (_, link) in compare::tunnels(wanted) {
            let start = || Seen::nothing(wanted);
            let seen = self.socket.walk(&Message::entries(link), start, |seen, message| {
                if let Message::Entry(entry) = message {
                    seen.entry(wanted, entry);
                }
            })?;
            all.join(seen);
        }
        Ok(all)
    }

    /// Sends the changes, what is to be removed last. Returns the refusals, each with the number of its change.
    pub(super) fn change(&mut self, changes: &[Drift]) -> io::Result<Vec<(usize, Refusal)>> {
        let first = changes.partition_point(|change| change.action != Action::Remove);
        let mut refused = self.send(&changes[..first])?;
        if refused.iter().any(|(number, refusal)| is_elsewhere(&changes[*number], refusal)) {
            refused = self.again(changes, &refused)?;
        }
        let removals = self.send(&changes[first..])?;
        refused.extend(removals.into_iter().map(|(number, refusal)| (first + number, refusal)));
        Ok(refused)
    }

    /// Tries what was refused once more, with the gateways known to be beyond the tunnel meanwhile.
    ///
    /// IPv6 takes an `onlink` gateway only if no other link leads to it already (`ip6_route_check_nh_onlink`): a path that
    /// moves from the underlay to the tunnel is refused, for its gateway is within its own subnet. A route to the gateway
    /// alone goes before the old one, which serves on until it is replaced.
    fn again(
        &mut self,
        changes: &[Drift],
        refused: &[(usize, Refusal)],
    ) -> io::Result<Vec<(usize, Refusal)>> {
        let again: Vec<_> = refused.iter().map(|(number, _)| changes[*number].clone()).collect();
        let aids: Vec<_> =
            again.iter().filter_map(|change| Some(gateway_alone(tunnel_hop(&change.object)?))).collect();
        let aid =
            |action| aids.iter().map(move |aid| Drift { action, object: Object::Route(*aid), link: None });
        self.send(&aid(Action::Add).collect::<Vec<_>>())?;
        let still = self.send(&again)?;
        self.send(&aid(Action::Remove).collect::<Vec<_>>())?;
        Ok(still.into_iter().map(|(number, refusal)| (refused[number].0, refusal)).collect())
    }

    fn send(&mut self, changes: &[Drift]) -> io::Result<Vec<(usize, Refusal)>> {
        self.socket.carry_out(changes.iter().filter_map(|change| match change.action {
            Action::Add | Action::Replace => wire::set(&change.object),
            Action::Remove => wire::remove(&change.object),
        }))
    }
}

/// Where the object leads through a tunnel, if it does.
fn tunnel_hop(object: &Object) -> Option<Hop> {
    let hop = match object {
        Object::NextHop(NextHop { hop, .. }) => *hop,
        Object::Route(Route { way: Way::Hop(hop), .. }) => Some(*hop),
        _ => None,
    };
    hop.filter(|hop| hop.onlink)
}

/// Was it refused because another link leads to its gateway?
fn is_elsewhere(change: &Drift, refusal: &Refusal) -> bool {
    refusal.is(libc::EINVAL) && tunnel_hop(&change.object).is_some()
}

/// A route to the hop's gateway and nobody else, through its link.
fn gateway_alone(hop: Hop) -> Route {
    Route::new(hop.gateway.into(), Way::Other { link: Some(hop.link) }, PROTOCOL)
}
