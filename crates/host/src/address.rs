//! Addresses over rtnetlink.

use std::net::IpAddr;

use ipnetwork::IpNetwork;
use netlink_packet_core::{NLM_F_CREATE, NLM_F_EXCL};
use netlink_packet_route::address::{
    AddressAttribute, AddressFlags, AddressHeaderFlags, AddressMessage, AddressScope,
};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage as Message};
use netstate::{Address, Conflict, Detection, Family, PrefixRoute};

use crate::link::Socket;
use crate::netlink::{Refusal, Request};

/// An address as the kernel shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Seen {
    /// The link's index.
    pub(crate) link: u32,
    /// The address and its prefix.
    pub(crate) network: IpNetwork,
    /// `fe80::…`, which the kernel makes by itself, or `127.0.0.1`.
    pub(crate) local: bool,
    /// What duplicate address detection says of it.
    pub(crate) standing: Standing,
}

/// What duplicate address detection says of an address (RFC 4862, 5.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It can be used.
    Settled,
    /// The kernel still asks.
    Tentative,
    /// Somebody has it.
    Duplicate,
}

/// Adds an address.
pub(crate) fn add(link: u32, network: IpNetwork, detection: Detection) -> Request<Message> {
    Request::new(Message::NewAddress(new(link, network, detection)), NLM_F_CREATE | NLM_F_EXCL)
}

/// Adds the address of a plan.
pub(crate) fn add_wanted(link: u32, wanted: &Address) -> Request<Message> {
    let mut message = new(link, wanted.network, wanted.detection);
    if wanted.prefix_route == PrefixRoute::Absent {
        // This attribute stands for the flags of the header, too.
        let flags = AddressFlags::from_bits_retain(u32::from(message.header.flags.bits()));
        message.attributes.push(AddressAttribute::Flags(flags | AddressFlags::Noprefixroute));
    }
    Request::new(Message::NewAddress(message), NLM_F_CREATE | NLM_F_EXCL)
}

fn new(link: u32, network: IpNetwork, detection: Detection) -> AddressMessage {
    let mut message = message(link, network);
    if let IpNetwork::V4(v4) = network
        && v4.prefix() < 31
    {
        message.attributes.push(AddressAttribute::Broadcast(v4.broadcast()));
    }
    if detection == Detection::Off && network.is_ipv6() {
        message.header.flags = AddressHeaderFlags::Nodad;
    }
    message
}

/// Removes an address.
pub(crate) fn delete(link: u32, network: IpNetwork) -> Request<Message> {
    Request::new(Message::DelAddress(message(link, network)), 0)
}

/// The addresses of one link; of both families where `family` is absent.
pub(crate) fn of_link(socket: &mut Socket, link: u32, family: Option<Family>) -> Result<Vec<Seen>, Refusal> {
    let mut request = AddressMessage::default();
    request.header.family = family.map_or(AddressFamily::Unspec, address_family);
    request.header.index = link;
    let answers = socket.dump(&Message::GetAddress(request))?;
    let addresses = answers.into_iter().filter_map(|message| match message {
        Message::NewAddress(address) => read(&address),
        _ => None,
    });
    // A kernel without strict checking ignores the filter.
    Ok(addresses.filter(|seen| seen.link == link).collect())
}

/// Those of a link's addresses that keep `wanted` from being added.
pub(crate) fn in_the_way<'a>(seen: &'a [Seen], wanted: &Address) -> impl Iterator<Item = &'a Seen> {
    let (network, conflict) = (wanted.network, wanted.conflict);
    seen.iter()
        .filter(move |seen| conflict != Conflict::Allow && !seen.local && conflicts(seen.network, network))
}

/// Does `seen` keep the gateway `wanted` from being added? The reference's rule: any other IPv4 address; of IPv6,
/// one whose network overlaps.
fn conflicts(seen: IpNetwork, wanted: IpNetwork) -> bool {
    seen != wanted
        && match (seen, wanted) {
            (IpNetwork::V4(_), IpNetwork::V4(_)) => true,
            (IpNetwork::V6(seen), IpNetwork::V6(wanted)) => seen.overlaps(wanted),
            _ => false,
        }
}

pub(crate) fn address_family(family: Family) -> AddressFamily {
    match family {
        Family::V4 => AddressFamily::Inet,
        Family::V6 => AddressFamily::Inet6,
    }
}

fn message(link: u32, network: IpNetwork) -> AddressMessage {
    let mut message = AddressMessage::default();
    message.header.family = address_family(Family::of(network.ip()));
    message.header.prefix_len = network.prefix();
    message.header.index = link;
    message.attributes = vec![AddressAttribute::Local(network.ip()), AddressAttribute::Address(network.ip())];
    message
}

fn read(message: &AddressMessage) -> Option<Seen> {
    let attribute = |pick: fn(&AddressAttribute) -> Option<IpAddr>| message.attributes.iter().find_map(pick);
    let local = attribute(|found| if let AddressAttribute::Local(ip) = found { Some(*ip) } else { None });
    let plain = attribute(|found| if let AddressAttribute::Address(ip) = found { Some(*ip) } else { None });
    let network = IpNetwork::new(local.or(plain)?, message.header.prefix_len).ok()?;
    let own = matches!(message.header.scope, AddressScope::Link | AddressScope::Host);
    Some(Seen { link: message.header.index, network, local: own, standing: standing(message.header.flags) })
}

fn standing(flags: AddressHeaderFlags) -> Standing {
    if flags.contains(AddressHeaderFlags::Dadfailed) {
        Standing::Duplicate
    } else if flags.contains(AddressHeaderFlags::Tentative) {
        Standing::Tentative
    } else {
        Standing::Settled
    }
}
