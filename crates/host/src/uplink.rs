//! Facts by which a node's link to the others is chosen: links with their addresses, and where routes lead.

use std::net::IpAddr;

use ipnetwork::IpNetwork;
use netlink_packet_route::RouteNetlinkMessage as Message;
use netlink_packet_route::address::{
    AddressAttribute, AddressFlags, AddressMessage, AddressScope as KernelScope,
};
use netlink_packet_route::route::{RouteAttribute, RouteMessage, RouteType};
use netstate::{Detection, Family, LinkName};
use rtnetlink::{LinkMessageBuilder, LinkUnspec};

use crate::address::{self, address_family};
use crate::error::{Context, Error};
use crate::link;
use crate::machine::Host;
use crate::netlink::Request;
use crate::route;

/// Questions in one send.
const AT_ONCE: usize = 200;

/// A link of the host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interface {
    /// Its name.
    pub name: String,
    /// Its index.
    pub index: u32,
    /// Its MTU in bytes.
    pub mtu: u32,
    /// It is administratively up.
    pub up: bool,
    /// In the kernel's order.
    pub addresses: Vec<InterfaceAddress>,
}

/// An address of a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InterfaceAddress {
    /// The address with its prefix length.
    pub network: IpNetwork,
    /// How far it is valid.
    pub reach: Reach,
    /// One that is about to be given up for another (RFC 8981).
    pub temporary: bool,
    /// Whether it can be used.
    pub state: State,
    /// Its life has no end.
    pub permanent: bool,
}

/// Whether an address can be used (RFC 4862, 5.5.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum State {
    /// By all.
    Preferred,
    /// By connections that have it already.
    Deprecated,
    /// Not yet, or never: somebody else may have it.
    Tentative,
}

/// How far an address is valid (`rt_scope`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Reach {
    /// Everywhere.
    Global,
    /// On the link only.
    Link,
    /// On the machine only.
    Host,
}

/// A default route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DefaultRoute {
    /// The index of the link that it leads through.
    pub link: u32,
    /// The router; none on a link without one.
    pub gateway: Option<IpAddr>,
    /// Its metric: of several the least is used.
    pub metric: u32,
}

/// How the kernel reaches an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// It is the machine's own.
    Local,
    /// It is a neighbour on the link of this index.
    Neighbour(u32),
    /// By a router.
    Beyond {
        /// The link's index.
        link: u32,
        /// The router.
        gateway: IpAddr,
    },
}

impl Host {
    /// Every link with its addresses, by index.
    ///
    /// # Errors
    /// The kernel's refusal.
    pub fn interfaces(&mut self) -> Result<Vec<Interface>, Error> {
        let links = link::all(&mut self.route).context("read", &"the links")?;
        let all = Message::GetAddress(AddressMessage::default());
        let addresses = self.route.dump(&all).context("read", &"the addresses")?;
        let mut interfaces: Vec<_> = links
            .into_iter()
            .map(|seen| Interface {
                up: seen.is_up(),
                name: seen.name,
                index: seen.index,
                mtu: seen.mtu,
                addresses: Vec::new(),
            })
            .collect();
        interfaces.sort_by_key(|interface| interface.index);
        for message in addresses {
            let Message::NewAddress(message) = message else { continue };
            let found = interfaces.binary_search_by_key(&message.header.index, |interface| interface.index);
            if let (Ok(place), Some(address)) = (found, read_address(&message)) {
                interfaces[place].addresses.push(address);
            }
        }
        Ok(interfaces)
    }

    /// The default route of a family with the least metric, of the main table. (flannel takes the first that the
    /// kernel lists.)
    ///
    /// # Errors
    /// The kernel's refusal.
    pub fn default_route(&mut self, family: Family) -> Result<Option<DefaultRoute>, Error> {
        self.bulk()?.default_route(family).context("read", &"the routes")
    }

    /// How each of these addresses is reached; none where it is not.
    ///
    /// # Errors
    /// Where the socket fails. A refusal means that there is no way.
    pub fn ways(&mut self, addresses: &[IpAddr]) -> Result<Vec<Option<Way>>, Error> {
        let mut ways = Vec::with_capacity(addresses.len());
        for some in addresses.chunks(AT_ONCE) {
            let requests = some.iter().map(|address| way_request(*address)).collect();
            let answers = self.route.exchange(requests).context("ask", &"for routes")?;
            ways.extend(answers.into_iter().map(|answer| answer.ok()?.iter().find_map(read_way)));
        }
        Ok(ways)
    }

    /// Sets a link's MTU, in bytes.
    ///
    /// # Errors
    /// [`Error::NoLink`]; the kernel's refusal.
    pub fn set_mtu(&mut self, name: &LinkName, mtu: u32) -> Result<(), Error> {
        let seen = self.find(name)?.ok_or_else(|| Error::NoLink(name.clone()))?;
        let message = LinkMessageBuilder::<LinkUnspec>::new().index(seen.index).mtu(mtu).build();
        let request = Request::new(Message::SetLink(message), 0);
        self.route.request(request).context("set the MTU of", name).map(drop)
    }

    /// Gives a link the address `to`, then takes `from` away. Done already is success.
    ///
    /// # Errors
    /// [`Error::NoLink`]; the kernel's refusal.
    pub fn readdress(&mut self, name: &LinkName, from: IpNetwork, to: IpNetwork) -> Result<(), Error> {
        let index = self.find(name)?.ok_or_else(|| Error::NoLink(name.clone()))?.index;
        match self.route.request(address::add(index, to, Detection::Off)) {
            Err(refusal) if !refusal.is(libc::EEXIST) => Err(refusal).context("give an address to", name)?,
            _ => {}
        }
        match self.route.request(address::delete(index, from)) {
            Err(refusal) if !refusal.is(libc::EADDRNOTAVAIL) => {
                Err(refusal).context("take an address from", name)
            }
            _ => Ok(()),
        }
    }
}

fn read_address(message: &AddressMessage) -> Option<InterfaceAddress> {
    let (mut local, mut plain, mut flags) = (None, None, AddressFlags::empty());
    for attribute in &message.attributes {
        match attribute {
            AddressAttribute::Local(address) => local = Some(*address),
            AddressAttribute::Address(address) => plain = Some(*address),
            AddressAttribute::Flags(found) => flags = *found,
            _ => {}
        }
    }
    let network = IpNetwork::new(local.or(plain)?, message.header.prefix_len).ok()?;
    Some(InterfaceAddress {
        network,
        reach: match message.header.scope {
            KernelScope::Link => Reach::Link,
            KernelScope::Host => Reach::Host,
            _ => Reach::Global,
        },
        // Of IPv4 the same bit means "secondary".
        temporary: network.is_ipv6() && flags.contains(AddressFlags::Secondary),
        state: if flags.intersects(AddressFlags::Tentative | AddressFlags::Dadfailed) {
            State::Tentative
        } else if flags.contains(AddressFlags::Deprecated) {
            State::Deprecated
        } else {
            State::Preferred
        },
        permanent: flags.contains(AddressFlags::Permanent),
    })
}

fn way_request(address: IpAddr) -> Request<Message> {
    let family = Family::of(address);
    let mut message = RouteMessage::default();
    message.header.address_family = address_family(family);
    message.header.destination_prefix_length = family.bits();
    message.attributes.push(RouteAttribute::Destination(route::address(address)));
    Request::new(Message::GetRoute(message), 0)
}

fn read_way(message: &Message) -> Option<Way> {
    let Message::NewRoute(route) = message else { return None };
    let (mut link, mut gateway) = (None, None);
    for attribute in &route.attributes {
        match attribute {
            RouteAttribute::Oif(index) => link = Some(*index),
            RouteAttribute::Gateway(address) => gateway = route::ip(address),
            _ => {}
        }
    }
    match (route.header.kind, link, gateway) {
        (RouteType::Local, ..) => Some(Way::Local),
        (RouteType::Unicast, Some(link), Some(gateway)) => Some(Way::Beyond { link, gateway }),
        (RouteType::Unicast, Some(link), None) => Some(Way::Neighbour(link)),
        _ => None,
    }
}
