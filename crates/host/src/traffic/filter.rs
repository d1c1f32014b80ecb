//! Filters (`tc-u32(8)`, `tc-mirred(8)`): which packets, and what becomes of them.

use ipnetwork::IpNetwork;
use netlink_packet_route::RouteNetlinkMessage as Message;
use netlink_packet_route::tc::{
    TcAction, TcActionAttribute, TcActionMirror, TcActionMirrorOption, TcActionOption, TcActionType,
    TcAttribute, TcFilterU32, TcFilterU32Option, TcHandle, TcMessage, TcMirror, TcMirrorActionType, TcOption,
    TcU32Key, TcU32Selector, TcU32SelectorFlags,
};

use super::{NEW, message};
use crate::link::Socket;
use crate::netlink::{Refusal, Request};

// `linux/if_ether.h`
const ALL: u16 = 0x0003;
const V4: u16 = 0x0800;
const V6: u16 = 0x86dd;

/// Which address of a packet a filter looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// Where it comes from.
    Source,
    /// Where it goes to.
    Destination,
}

/// What becomes of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Verdict {
    /// At the root: it goes to this class; `1:0` is out, at once. At the ingress, which has no classes, it goes on.
    Class(u32),
    /// It leaves by the device of this index.
    Redirect(u32),
}

impl Verdict {
    /// To a class.
    pub(crate) fn class(handle: TcHandle) -> Self {
        Self::Class(handle.into())
    }
}

/// 32 bits of a packet that have to agree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    /// From the beginning of the network header, in bytes.
    offset: i32,
    mask: u32,
    value: u32,
}

/// A filter.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Filter {
    /// `ETH_P_*`.
    protocol: u16,
    keys: Vec<Key>,
    verdict: Verdict,
}

impl Filter {
    /// Every packet that no other filter took.
    pub(crate) fn rest(verdict: Verdict) -> Self {
        Self { protocol: ALL, keys: vec![Key { offset: 0, mask: 0, value: 0 }], verdict }
    }

    /// Every packet with one end in a subnet.
    pub(crate) fn subnet(subnet: IpNetwork, end: End, verdict: Verdict) -> Self {
        let (protocol, offset, address, mask) = match subnet {
            IpNetwork::V4(v4) => {
                let offset = if end == End::Source { 12 } else { 16 };
                (V4, offset, v4.network().octets().to_vec(), v4.mask().octets().to_vec())
            }
            IpNetwork::V6(v6) => {
                let offset = if end == End::Source { 8 } else { 24 };
                (V6, offset, v6.network().octets().to_vec(), v6.mask().octets().to_vec())
            }
        };
        let words = |bytes: &[u8]| -> Vec<u32> {
            bytes.as_chunks().0.iter().map(|word| u32::from_be_bytes(*word)).collect()
        };
        let offsets = (offset..).step_by(4);
        let keys = offsets.zip(words(&mask)).zip(words(&address));
        let keys = keys.map(|((offset, mask), value)| Key { offset, mask, value });
        // A selector without keys matches nothing: the first stays, whatever its mask.
        let keys = keys.enumerate().filter(|(place, key)| *place == 0 || key.mask != 0).map(|(_, key)| key);
        Self { protocol, keys: keys.collect(), verdict }
    }

    /// Filters of one priority are of one protocol.
    fn priority(&self) -> u32 {
        match self.protocol {
            V4 => 1,
            V6 => 2,
            _ => 3,
        }
    }

    fn read(found: TcMessage) -> Option<Self> {
        let protocol = u16::from_be((found.header.info & 0xffff) as u16);
        let (mut keys, mut verdict) = (None, None);
        let options = found.attributes.into_iter().filter_map(|attribute| match attribute {
            TcAttribute::Options(options) => Some(options),
            _ => None,
        });
        for option in options.flatten() {
            match option {
                TcOption::U32(TcFilterU32Option::Selector(selector)) => keys = Some(selector.keys),
                TcOption::U32(TcFilterU32Option::Action(actions)) => {
                    verdict = redirected(actions).or(verdict);
                }
                TcOption::U32(TcFilterU32Option::ClassId(class)) => {
                    verdict = verdict.or(Some(Verdict::class(class)));
                }
                _ => {}
            }
        }
        let key = |key: TcU32Key| Key { offset: key.off, mask: key.mask, value: key.val };
        Some(Self { protocol, keys: keys?.into_iter().map(key).collect(), verdict: verdict? })
    }

    /// Where it sends packets.
    pub(crate) fn verdict(&self) -> Verdict {
        self.verdict
    }
}

fn redirected(actions: Vec<TcAction>) -> Option<Verdict> {
    let options =
        actions.into_iter().flat_map(|action| action.attributes).filter_map(|attribute| match attribute {
            TcActionAttribute::Options(options) => Some(options),
            _ => None,
        });
    options.flatten().find_map(|option| match option {
        TcActionOption::Mirror(TcActionMirrorOption::Parms(mirror)) => {
            Some(Verdict::Redirect(mirror.ifindex))
        }
        _ => None,
    })
}

fn redirect(index: u32) -> TcFilterU32Option {
    let mut mirror = TcMirror::default();
    mirror.generic.action = TcActionType::Stolen;
    mirror.eaction = TcMirrorActionType::EgressRedir;
    mirror.ifindex = index;
    let mut action = TcAction::default();
    action.attributes = vec![
        TcActionAttribute::Kind(TcActionMirror::KIND.to_owned()),
        TcActionAttribute::Options(vec![TcActionOption::Mirror(TcActionMirrorOption::Parms(mirror))]),
    ];
    TcFilterU32Option::Action(vec![action])
}

/// Adds a filter to a link's discipline.
///
/// # Panics
/// Never: an address has at most four keys.
pub(crate) fn filter(index: u32, parent: TcHandle, wanted: &Filter) -> Request<Message> {
    let mut selector = TcU32Selector::default();
    selector.flags = TcU32SelectorFlags::Terminal;
    selector.nkeys = u8::try_from(wanted.keys.len()).expect("an address has four keys");
    for Key { offset, mask, value } in &wanted.keys {
        let mut key = TcU32Key::default();
        (key.off, key.mask, key.val) = (*offset, *mask, *value);
        selector.keys.push(key);
    }
    let verdict = match wanted.verdict {
        Verdict::Class(class) => TcFilterU32Option::ClassId(class.into()),
        Verdict::Redirect(index) => redirect(index),
    };
    let mut message = message(index, TcHandle::UNSPEC, parent);
    message.header.info = wanted.priority() << 16 | u32::from(wanted.protocol.to_be());
    message.attributes = vec![
        TcAttribute::Kind(TcFilterU32::KIND.to_owned()),
        TcAttribute::Options(vec![
            TcOption::U32(TcFilterU32Option::Selector(selector)),
            TcOption::U32(verdict),
        ]),
    ];
    Request::new(Message::NewTrafficFilter(message), NEW)
}

/// The filters of a link's discipline, sorted; none where there is no discipline.
pub(crate) fn filters(socket: &mut Socket, index: u32, parent: TcHandle) -> Result<Vec<Filter>, Refusal> {
    let asked = Message::GetTrafficFilter(message(index, TcHandle::UNSPEC, parent));
    let found = match socket.dump(&asked) {
        Err(refusal) if refusal.is(libc::EINVAL) || refusal.is(libc::ENOENT) => return Ok(Vec::new()),
        found => found?,
    };
    let mut filters: Vec<Filter> = found
        .into_iter()
        .filter_map(|message| match message {
            Message::NewTrafficFilter(found) => Filter::read(found),
            _ => None,
        })
        .collect();
    filters.sort();
    Ok(filters)
}
