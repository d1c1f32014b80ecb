//! Flows of UDP, which have no end that anybody could see: the kernel remembers for minutes where it sent them, whatever
//! the rules say since.

use std::net::{IpAddr, SocketAddr};

use netlink_packet_core::{DefaultNla, Nla as _};
use netlink_packet_netfilter::conntrack::{
    ConntrackAttribute, ConntrackMessage, IPTuple, ProtoTuple, Protocol, Tuple,
};
use netlink_packet_netfilter::{NetfilterMessage, NetfilterMessageInner, NetfilterSubsystem};
use netlink_sys::protocols::NETLINK_NETFILTER;
use netstate::Family;

use super::{Error, FILTER, IDENTITY, Socket, attribute, count, header, message, plain};
use crate::netlink::Request;

/// `IPCTNL_MSG_CT_GET`.
const GET: u8 = 1;

/// `CTA_FILTER_FLAG_CTA_PROTO_NUM`.
const PROTOCOL: u32 = 1 << 3;

/// A flow, as the kernel remembers it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Flow {
    /// Where its first packet was sent to.
    pub(crate) sent_to: SocketAddr,
    /// Who answers.
    pub(crate) answered_by: SocketAddr,
}

/// Deletes the family's UDP flows that `stale` picks, in the calling thread's network namespace. A kernel without
/// connection tracking has none, and one without ctnetlink keeps them to itself.
///
/// # Errors
/// [`Error`].
pub(crate) fn forget_udp(family: Family, mut stale: impl FnMut(&Flow) -> bool) -> Result<(), Error> {
    if count()? == 0 {
        return Ok(());
    }
    let mut socket = match Socket::open(NETLINK_NETFILTER) {
        Err(error) if error.raw_os_error() == Some(libc::EPROTONOSUPPORT) => return Ok(()),
        socket => socket?,
    };
    let any = family.unspecified();
    let table = match socket.dump(&question(any)) {
        Err(refusal) if refusal.is(libc::EINVAL) || refusal.is(libc::EOPNOTSUPP) => return Ok(()),
        table => table.map_err(|source| Error::Refused { what: "list", address: any, source })?,
    };
    for entry in table {
        let NetfilterMessageInner::Conntrack(ConntrackMessage::New(attributes)) = entry.inner else {
            continue;
        };
        if !flow(&attributes).is_some_and(|flow| stale(&flow)) {
            continue;
        }
        let identity = attributes.into_iter().filter(|attribute| match attribute {
            ConntrackAttribute::CtaTupleOrig(_) => true,
            ConntrackAttribute::Other(other) => IDENTITY.contains(&other.kind()),
            _ => false,
        });
        let delete = message(any, ConntrackMessage::Delete(identity.collect()));
        match socket.request(Request::new(delete, 0)) {
            Ok(_) => {}
            Err(refusal) if refusal.is(libc::ENOENT) => {}
            Err(source) => return Err(Error::Refused { what: "delete", address: any, source }),
        }
    }
    Ok(())
}

/// Asks for all entries of UDP. A kernel that knows no filters sends the others, too.
fn question(any: IpAddr) -> NetfilterMessage {
    let tuple = vec![Tuple::Proto(vec![ProtoTuple::Protocol(Protocol::Udp)])];
    let inner = NetfilterMessageInner::Other {
        subsys: NetfilterSubsystem::Conntrack,
        message_type: GET,
        attributes: vec![
            plain(&ConntrackAttribute::CtaTupleOrig(tuple)),
            DefaultNla::new(FILTER, [attribute(1, PROTOCOL), attribute(2, 0)].concat()),
        ],
    };
    NetfilterMessage::new(header(any), inner)
}

/// The flow of an entry; none of another protocol.
fn flow(attributes: &[ConntrackAttribute]) -> Option<Flow> {
    let (mut sent_to, mut answered_by) = (None, None);
    for attribute in attributes {
        match attribute {
            ConntrackAttribute::CtaTupleOrig(parts) => sent_to = end(parts, Side::Destination),
            ConntrackAttribute::CtaTupleReply(parts) => answered_by = end(parts, Side::Source),
            _ => {}
        }
    }
    Some(Flow { sent_to: sent_to?, answered_by: answered_by? })
}

/// A side of a tuple.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Source,
    Destination,
}

fn end(parts: &[Tuple], side: Side) -> Option<SocketAddr> {
    let (mut address, mut port, mut protocol) = (None, None, None);
    for part in parts {
        match part {
            Tuple::Ip(addresses) => {
                address = addresses.iter().find_map(|found| match found {
                    IPTuple::SourceAddress(ip) if side == Side::Source => Some(*ip),
                    IPTuple::DestinationAddress(ip) if side == Side::Destination => Some(*ip),
                    _ => None,
                });
            }
            Tuple::Proto(found) => {
                for found in found {
                    match found {
                        ProtoTuple::Protocol(number) => protocol = Some(*number),
                        ProtoTuple::SourcePort(number) if side == Side::Source => port = Some(*number),
                        ProtoTuple::DestinationPort(number) if side == Side::Destination => {
                            port = Some(*number);
                        }
                        _ => {}
                    }
                }
            }
            Tuple::Other(_) | _ => {}
        }
    }
    (protocol? == Protocol::Udp).then_some(SocketAddr::new(address?, port?))
}
