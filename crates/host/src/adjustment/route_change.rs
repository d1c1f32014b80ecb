//! Routes of the container that move from table to table.

mod line;
mod seen;

use netlink_packet_core::{NLM_F_APPEND, NLM_F_CREATE};
use netlink_packet_route::RouteNetlinkMessage as Message;
use netlink_packet_route::route::{RouteFlags, RouteMessage};
use netstate::{Adjustment, Attachment, Change, Family, KernelRoute, LinkName, RouteChange};

use super::{Amiss, Kind, Site};
use crate::address::address_family;
use crate::error::{Context, Error};
use crate::link::{self, Socket};
use crate::namespace::Namespace;
use crate::netlink::{Refusal, Request};
use crate::route::{self, MAIN};

/// The kind.
pub(super) struct RouteChanges;

impl Kind for RouteChanges {
    fn word(&self) -> &'static str {
        "route"
    }

    fn line(&self, adjustment: &Adjustment) -> Option<String> {
        let Adjustment::RouteChange(change) = adjustment else { return None };
        Some(line::print(change))
    }

    fn parse(&self, rest: &str, _: &Attachment) -> Option<Adjustment> {
        line::parse(rest).map(Adjustment::RouteChange)
    }

    fn apply(&self, site: &mut Site<'_>, wanted: &[Adjustment]) -> Result<(), Error> {
        let mut socket = site.container()?.route()?;
        for RouteChange { change, kernel } in changes(wanted) {
            match change {
                // Of several to one destination, the one that was read first comes first.
                Change::Added => add(&mut socket, kernel, NLM_F_APPEND)?,
                Change::Taken => take(&mut socket, kernel)?,
            }
        }
        Ok(())
    }

    /// A route that was taken may have come back: it changes nothing for packets that a rule leads elsewhere.
    fn compare(&self, site: &mut Site<'_>, wanted: &[Adjustment]) -> Result<Vec<Amiss>, Error> {
        let mut socket = site.container()?.route()?;
        let mut amiss = Vec::new();
        for change in changes(wanted).filter(|change| change.change == Change::Added) {
            let wanted = &change.kernel.route;
            let index = index(&mut socket, &wanted.link)?;
            let family = Family::of(wanted.destination.ip());
            let there = route::all(&mut socket, family).context("read", &"the routes")?;
            let same = |seen: &route::Seen| {
                seen.destination == wanted.destination
                    && seen.gateway == wanted.gateway
                    && seen.link == index
                    && seen.table == wanted.table.unwrap_or(MAIN)
            };
            if !there.iter().any(same) {
                amiss.push((Adjustment::RouteChange(change.clone()), "missing".to_owned()));
            }
        }
        Ok(amiss)
    }

    /// The last change first. With the link its routes are gone.
    fn remove(&self, site: &mut Site<'_>, _: &Attachment, made: &[Adjustment]) -> Result<(), Error> {
        let Some(container) = site.container else { return Ok(()) };
        let mut socket = container.route()?;
        let mut first = Ok(());
        for RouteChange { change, kernel } in changes(made).collect::<Vec<_>>().into_iter().rev() {
            if index(&mut socket, &kernel.route.link)?.is_some() {
                first = first.and(match change {
                    Change::Added => take(&mut socket, kernel),
                    Change::Taken => put_back(&mut socket, kernel),
                });
            }
        }
        first
    }
}

impl Namespace {
    /// The routes of a link in the main table, of both families; none where there is no such link.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn routes_of(&self, link: &LinkName) -> Result<Vec<KernelRoute>, Error> {
        let mut socket = self.route()?;
        let Some(index) = index(&mut socket, link)? else { return Ok(Vec::new()) };
        let mut routes = Vec::new();
        for family in Family::ALL {
            let mut request = RouteMessage::default();
            request.header.address_family = address_family(family);
            let answers = socket.dump(&Message::GetRoute(request)).context("read", &"the routes")?;
            routes.extend(answers.into_iter().flat_map(|message| match message {
                Message::NewRoute(message) => seen::read(&message, family, (index, link)),
                _ => Vec::new(),
            }));
        }
        Ok(routes)
    }

    /// Every table with a route in it.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn routed_tables(&self) -> Result<Vec<u32>, Error> {
        let mut socket = self.route()?;
        let mut tables = Vec::new();
        for family in Family::ALL {
            let seen = route::all(&mut socket, family).context("read", &"the routes")?;
            tables.extend(seen.iter().map(|seen| seen.table));
        }
        Ok(tables)
    }
}

fn changes<'a>(adjustments: &'a [Adjustment]) -> impl Iterator<Item = &'a RouteChange> {
    let of_kind = |adjustment: &'a Adjustment| {
        if let Adjustment::RouteChange(change) = adjustment { Some(change) } else { None }
    };
    adjustments.iter().filter_map(of_kind)
}

fn index(socket: &mut Socket, link: &LinkName) -> Result<Option<u32>, Error> {
    Ok(link::find(socket, link).context("find", link)?.map(|seen| seen.index))
}

fn message(socket: &mut Socket, kernel: &KernelRoute) -> Result<RouteMessage, Error> {
    let link = &kernel.route.link;
    let index = index(socket, link)?.ok_or_else(|| Error::NoLink(link.clone()))?;
    let mut message = route::message(&kernel.route, index);
    message.header.protocol = kernel.protocol.into();
    if kernel.onlink {
        message.header.flags |= RouteFlags::Onlink;
    }
    Ok(message)
}

/// A route that is there already stays. `order` is [`NLM_F_APPEND`], or 0 for before all others to the destination.
fn add(socket: &mut Socket, kernel: &KernelRoute, order: u16) -> Result<(), Error> {
    let message = message(socket, kernel)?;
    match socket.request(Request::new(Message::NewRoute(message), NLM_F_CREATE | order)) {
        Err(refusal) if refusal.is(libc::EEXIST) => Ok(()),
        answer => answer.context("add", kernel).map(drop),
    }
}

/// A link that is down has no routes, and a gateway that has become unreachable is nobody's any more.
fn put_back(socket: &mut Socket, kernel: &KernelRoute) -> Result<(), Error> {
    match add(socket, kernel, 0) {
        Err(Error::Refused { source, .. })
            if [libc::ENETDOWN, libc::ENETUNREACH, libc::EHOSTUNREACH, libc::ENODEV, libc::EINVAL]
                .into_iter()
                .any(|errno| source.is(errno)) =>
        {
            Ok(())
        }
        added => added,
    }
}

fn take(socket: &mut Socket, kernel: &KernelRoute) -> Result<(), Error> {
    let message = message(socket, kernel)?;
    gone(socket.request(Request::new(Message::DelRoute(message), 0)).map(drop)).context("remove", kernel)
}

fn gone(answer: Result<(), Refusal>) -> Result<(), Refusal> {
    match answer {
        Err(refusal) if refusal.is(libc::ESRCH) || refusal.is(libc::ENODEV) => Ok(()),
        answer => answer,
    }
}
