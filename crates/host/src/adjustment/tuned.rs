//! Properties of the container's link (`tuning`).

use netlink_packet_route::RouteNetlinkMessage as Message;
use netlink_packet_route::link::{LinkAttribute, LinkFlags, LinkMessage};
use netstate::{Adjustment, Attachment, Property, Tuned};
use rtnetlink::LinkUnspec;

use super::{Amiss, Kind, Site};
use crate::error::{Context, Error};
use crate::link::{self, Seen, Socket};
use crate::netlink::Request;

/// The kind.
pub(super) struct Properties;

impl Kind for Properties {
    fn word(&self) -> &'static str {
        "tuned"
    }

    /// `LINK PROPERTY VALUE BEFORE`.
    fn line(&self, adjustment: &Adjustment) -> Option<String> {
        let Adjustment::Tuned(Tuned { link, wanted, before }) = adjustment else { return None };
        let before = before.to_string();
        let (_, before) = before.split_once(' ')?;
        Some(format!("{link} {wanted} {before}"))
    }

    fn parse(&self, rest: &str, _: &Attachment) -> Option<Adjustment> {
        let [link, word, wanted, before] = *rest.split(' ').collect::<Vec<_>>() else { return None };
        Some(Adjustment::Tuned(Tuned {
            link: link.parse().ok()?,
            wanted: format!("{word} {wanted}").parse().ok()?,
            before: format!("{word} {before}").parse().ok()?,
        }))
    }

    fn apply(&self, site: &mut Site<'_>, wanted: &[Adjustment]) -> Result<(), Error> {
        let mut socket = site.container()?.route()?;
        for tuned in tuned(wanted) {
            let seen = find(&mut socket, tuned)?.ok_or_else(|| Error::NoLink(tuned.link.clone()))?;
            set(&mut socket, &seen, tuned.wanted)?;
        }
        Ok(())
    }

    fn compare(&self, site: &mut Site<'_>, wanted: &[Adjustment]) -> Result<Vec<Amiss>, Error> {
        let mut socket = site.container()?.route()?;
        let mut amiss = Vec::new();
        for tuned in tuned(wanted) {
            let found = match find(&mut socket, tuned)?.and_then(|seen| seen.same_property(tuned.wanted)) {
                Some(found) if found == tuned.wanted => continue,
                Some(found) => format!("has {found}"),
                None => "missing".to_owned(),
            };
            amiss.push((Adjustment::Tuned(tuned.clone()), found));
        }
        Ok(amiss)
    }

    /// What was there before comes back, the last change first. A link that is gone took it along.
    fn remove(&self, site: &mut Site<'_>, _: &Attachment, made: &[Adjustment]) -> Result<(), Error> {
        let Some(container) = site.container else { return Ok(()) };
        let mut socket = container.route()?;
        let mut first = Ok(());
        for tuned in tuned(made).collect::<Vec<_>>().into_iter().rev() {
            if let Some(seen) = find(&mut socket, tuned)? {
                first = first.and(set(&mut socket, &seen, tuned.before));
            }
        }
        first
    }
}

impl Seen {
    /// The property of the link that `property` is a value of: none where the link has no such thing.
    pub fn same_property(&self, property: Property) -> Option<Property> {
        let has = |flag| self.flags.contains(flag);
        match property {
            Property::Mac(_) => self.mac.map(Property::Mac),
            Property::Mtu(_) => Some(Property::Mtu(self.mtu)),
            Property::Promiscuous(_) => Some(Property::Promiscuous(has(LinkFlags::Promisc))),
            Property::AllMulticast(_) => Some(Property::AllMulticast(has(LinkFlags::Allmulti))),
            Property::QueueLength(_) => Some(Property::QueueLength(self.queue_length)),
        }
    }
}

fn tuned<'a>(adjustments: &'a [Adjustment]) -> impl Iterator<Item = &'a Tuned> {
    let of_kind = |adjustment: &'a Adjustment| {
        if let Adjustment::Tuned(tuned) = adjustment { Some(tuned) } else { None }
    };
    adjustments.iter().filter_map(of_kind)
}

fn find(socket: &mut Socket, tuned: &Tuned) -> Result<Option<Seen>, Error> {
    link::find(socket, &tuned.link).context("find", &tuned.link)
}

/// Nothing is sent where the link has the value already.
fn set(socket: &mut Socket, seen: &Seen, value: Property) -> Result<(), Error> {
    if seen.same_property(value) == Some(value) {
        return Ok(());
    }
    let object = format!("link {} {value}", seen.name);
    socket.request(request(seen.index, value)).context("set", &object).map(drop)
}

fn request(index: u32, value: Property) -> Request<Message> {
    let mut message = LinkUnspec::new_with_index(index).build();
    match value {
        Property::Mac(mac) => message.attributes.push(LinkAttribute::Address(mac.0.to_vec())),
        Property::Mtu(mtu) => message.attributes.push(LinkAttribute::Mtu(mtu)),
        Property::Promiscuous(on) => switch(&mut message, LinkFlags::Promisc, on),
        Property::AllMulticast(on) => switch(&mut message, LinkFlags::Allmulti, on),
        Property::QueueLength(length) => message.attributes.push(LinkAttribute::TxQueueLen(length)),
    }
    Request::new(Message::SetLink(message), 0)
}

fn switch(message: &mut LinkMessage, flag: LinkFlags, on: bool) {
    message.header.change_mask |= flag;
    message.header.flags.set(flag, on);
}
