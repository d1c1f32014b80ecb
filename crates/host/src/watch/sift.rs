//! Which notifications count: by their headers and an attribute or two, for a node's pods make many that don't.

use netlink_packet_core::{NlaBuffer, NlasIterator};

use super::{Interest, Topic, Wake};

// `linux/rtnetlink.h`
const NEW_LINK: u16 = 16;
const DELETE_LINK: u16 = 17;
const NEW_ADDRESS: u16 = 20;
const DELETE_ADDRESS: u16 = 21;
const NEW_ROUTE: u16 = 24;
const DELETE_ROUTE: u16 = 25;
const NEW_NEIGHBOUR: u16 = 28;
const DELETE_NEIGHBOUR: u16 = 29;
const NEW_SETTING: u16 = 80;
const NEW_NEXT_HOP: u16 = 104;
const DELETE_NEXT_HOP: u16 = 105;

/// `NFNL_SUBSYS_NFTABLES`, in the upper byte of a message's type.
const NFTABLES: u16 = 10;

/// `struct nlmsghdr`.
const HEADER: usize = 16;

/// `struct ifinfomsg`.
const LINK: usize = 16;

/// `struct nfgenmsg`, and `struct netconfmsg` with its padding.
const SHORT: usize = 4;

/// `struct rtmsg`.
const ROUTE: usize = 12;

/// `IFLA_IFNAME`.
const LINK_NAME: u16 = 3;

/// `RT_SCOPE_UNIVERSE`.
const EVERYWHERE: u8 = 0;

/// `RT_TABLE_MAIN`.
const MAIN: u8 = 254;

/// `RTM_F_CLONED`.
const CLONED: u32 = 0x200;

/// `RTA_DST`.
const DESTINATION: u16 = 1;

/// `NETCONFA_IFINDEX`, and its value for the setting of all links together.
const SETTING_LINK: u16 = 1;
const ALL_LINKS: i32 = -1;

/// `NFTA_TABLE_NAME`, `NFTA_CHAIN_TABLE`, `NFTA_RULE_TABLE`, `NFTA_SET_TABLE`, `NFTA_SET_ELEM_LIST_TABLE`.
const TABLE: u16 = 1;

/// What the messages of one datagram say that counts.
pub(super) fn sift(mut datagram: &[u8], interest: &Interest) -> Wake {
    let mut wake = Wake::default();
    while let Some(header) = datagram.first_chunk::<HEADER>() {
        let [l0, l1, l2, l3, k0, k1, ..] = *header;
        let length = (u32::from_ne_bytes([l0, l1, l2, l3]) as usize).clamp(HEADER, datagram.len());
        let kind = u16::from_ne_bytes([k0, k1]);
        let body = &datagram[HEADER..length];
        let topic = match interest {
            Interest::Network { .. } => network(kind, body, interest),
            Interest::Rules { tables } => rules(kind, body, tables),
        };
        wake = topic.map_or(wake, |topic| wake.and(topic.into()));
        datagram = datagram.get(length.next_multiple_of(4)..).unwrap_or_default();
    }
    wake
}

fn network(kind: u16, body: &[u8], interest: &Interest) -> Option<Topic> {
    let Interest::Network { links, indexes, tunnels } = interest else { return None };
    match kind {
        NEW_LINK | DELETE_LINK => {
            let followed = || indexes.contains(&number(body, 4).unwrap_or(0)) || is_named(body, LINK, links);
            (links.is_empty() || followed()).then_some(Topic::Link)
        }
        // Links' own addresses come and go with pods.
        NEW_ADDRESS | DELETE_ADDRESS => (body.get(3) == Some(&EVERYWHERE)).then_some(Topic::Address),
        NEW_ROUTE | DELETE_ROUTE => is_route(body).then_some(Topic::Route),
        NEW_NEXT_HOP | DELETE_NEXT_HOP => Some(Topic::NextHop),
        NEW_NEIGHBOUR | DELETE_NEIGHBOUR => tunnels.contains(&number(body, 4)?).then_some(Topic::Neighbour),
        NEW_SETTING => attributes(body, SHORT)
            .any(|attribute| attribute.kind() == SETTING_LINK && attribute.value() == ALL_LINKS.to_ne_bytes())
            .then_some(Topic::Forwarding),
        _ => None,
    }
}

/// Is it a route of the main table to somewhere beyond a link of its own?
fn is_route(body: &[u8]) -> bool {
    let cloned = number(body, 8).is_none_or(|flags| flags & CLONED != 0);
    let own = || {
        attributes(body, ROUTE).any(|attribute| {
            // fe80::/10, ff00::/8
            attribute.kind() == DESTINATION
                && matches!(attribute.value(), [0xfe, 0x80..=0xbf, ..] | [0xff, ..])
                && attribute.value().len() == 16
        })
    };
    // A table over 255 shows as 252 here.
    !cloned && body.get(4) == Some(&MAIN) && !own()
}

fn rules(kind: u16, body: &[u8], tables: &[String]) -> Option<Topic> {
    (kind >> 8 == NFTABLES && is_named(body, SHORT, tables)).then_some(Topic::Rules)
}

/// Has the message, whose header is this long, one of these names in the attribute that names a link or a table?
fn is_named(body: &[u8], header: usize, names: &[String]) -> bool {
    let kind = if header == LINK { LINK_NAME } else { TABLE };
    attributes(body, header).any(|attribute| {
        let value = attribute.value();
        let name = value.strip_suffix(&[0]).unwrap_or(value);
        attribute.kind() == kind && names.iter().any(|wanted| wanted.as_bytes() == name)
    })
}

fn attributes(body: &[u8], header: usize) -> impl Iterator<Item = NlaBuffer<&[u8]>> {
    NlasIterator::new(body.get(header..).unwrap_or_default()).map_while(Result::ok)
}

fn number(body: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_ne_bytes(*body.get(at..)?.first_chunk()?))
}
