//! The device at which packets wait that arrive (`ifb`): what is redirected to it leaves it, limited, and goes on where it
//! was.

use netlink_packet_core::{NLM_F_CREATE, NLM_F_ECHO, NLM_F_EXCL};
use netlink_packet_route::RouteNetlinkMessage as Message;
use netlink_packet_route::link::{
    AfSpecInet6, AfSpecUnspec, In6AddrGenMode, InfoKind, LinkAttribute, LinkExtentMask, LinkInfo,
};
use netstate::{Attachment, LinkName, Shaping};
use rtnetlink::{LinkIfb, LinkMessageBuilder, LinkUnspec};

use crate::alias;
use crate::link::{self, Seen, Socket};
use crate::netlink::{Refusal, Request};

/// A new device, down. Its MTU is that of the link whose packets wait at it, in bytes.
pub(crate) fn create(owner: &Attachment, mtu: u32) -> Request<Message> {
    let message = LinkIfb::new(Shaping::device(owner).as_str())
        .address(Shaping::device_mac(owner).0.to_vec())
        .mtu(mtu)
        .append_extra_attribute(LinkAttribute::TxQueueLen(0))
        .append_extra_attribute(LinkAttribute::NumTxQueues(1))
        .append_extra_attribute(LinkAttribute::NumRxQueues(1))
        .build();
    Request::new(Message::NewLink(message), NLM_F_CREATE | NLM_F_EXCL | NLM_F_ECHO)
}

/// Sets it up, as two requests in their order: whose it is, and that it gets no address; up. Nobody speaks to it.
pub(crate) fn set_up(name: &LinkName, owner: &Attachment) -> [Request<Message>; 2] {
    let quiet = vec![AfSpecUnspec::Inet6(vec![AfSpecInet6::AddrGenMode(In6AddrGenMode::None)])];
    let described = LinkUnspec::new_with_name(name.as_str())
        .alias(alias::text(owner))
        .append_extra_attribute(LinkAttribute::AfSpecUnspec(quiet))
        .build();
    let up = LinkUnspec::new_with_name(name.as_str()).up().build();
    [Request::new(Message::SetLink(described), 0), Request::new(Message::SetLink(up), 0)]
}

/// Every such device, whosever it is.
pub(crate) fn devices(socket: &mut Socket) -> Result<Vec<Seen>, Refusal> {
    let message = LinkMessageBuilder::<LinkUnspec>::new()
        .append_extra_attribute(LinkAttribute::ExtMask(vec![LinkExtentMask::SkipStats]))
        .append_extra_attribute(LinkAttribute::LinkInfo(vec![LinkInfo::Kind(InfoKind::Ifb)]))
        .build();
    let links = link::links(socket.dump(&Message::GetLink(message))?);
    Ok(links.filter(|link| link.is_kind("ifb")).collect())
}
