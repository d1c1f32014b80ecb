//! Requests about links that are the container's alone (`rtnetlink(7)`).
//!
//! The kernel makes such a link in the container's namespace at once and under its own name, whatever it rests on: no
//! link ever stands on the host on its way there.

use std::os::fd::RawFd;

use netlink_packet_core::{NLM_F_CREATE, NLM_F_EXCL};
use netlink_packet_route::RouteNetlinkMessage as Message;
use netlink_packet_route::link::{
    InfoData, InfoIpVlan, InfoKind, InfoMacVlan, InfoVlan, IpVlanMode, LinkAttribute, MacVlanMode,
};
use netstate::{ContainerLink, Device, IpvlanMode, LinkKind, LinkName, MacvlanMode, Vlan};
use rtnetlink::{LinkMessageBuilder, LinkUnspec};

use crate::netlink::Request;

/// Where a link is made.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Site {
    /// The index of what it rests on, where the socket is.
    pub(crate) lower: Option<u32>,
    /// The container; absent where the socket is there.
    pub(crate) container: Option<RawFd>,
    /// The index that it shall have; the kernel's choice where absent.
    pub(crate) index: Option<u32>,
}

/// Makes the link.
pub(crate) fn create(link: &ContainerLink, site: Site) -> Request<Message> {
    let Site { lower, container, index } = site;
    let mut message =
        LinkMessageBuilder::<LinkUnspec>::new_with_info_kind(kind(&link.kind)).name(link.name.as_str());
    if let Some(data) = data(&link.kind) {
        message = message.set_info_data(data);
    }
    if let Some(mac) = link.mac {
        message = message.address(mac.0.to_vec());
    }
    if let Some(mtu) = link.mtu {
        message = message.mtu(mtu);
    }
    if let Some(lower) = lower {
        message = message.link(lower);
    }
    if let Some(index) = index {
        message = message.index(index);
    }
    if let Some(container) = container {
        message = message.setns_by_fd(container);
    }
    Request::new(Message::NewLink(message.build()), NLM_F_CREATE | NLM_F_EXCL)
}

/// What the kernel calls the kind.
pub(crate) fn kind(link: &LinkKind) -> InfoKind {
    match link {
        LinkKind::Macvlan(_) => InfoKind::MacVlan,
        LinkKind::Ipvlan(_) => InfoKind::IpVlan,
        LinkKind::Vlan(_) => InfoKind::Vlan,
        LinkKind::Dummy => InfoKind::Dummy,
        LinkKind::Tap(_) => InfoKind::Tun,
    }
}

/// The option without which a kernel knows no links of the kind.
pub(crate) fn option(link: &LinkKind) -> &'static str {
    match link {
        LinkKind::Macvlan(_) => "macvlan links (CONFIG_MACVLAN)",
        LinkKind::Ipvlan(_) => "ipvlan links (CONFIG_IPVLAN)",
        LinkKind::Vlan(_) => "vlan links (CONFIG_VLAN_8021Q)",
        LinkKind::Dummy => "dummy links (CONFIG_DUMMY)",
        LinkKind::Tap(_) => "tap links (CONFIG_TUN)",
    }
}

/// What distinguishes it from others of its kind.
pub(crate) fn data(link: &LinkKind) -> Option<InfoData> {
    match link {
        LinkKind::Macvlan(macvlan) => {
            let mode = InfoMacVlan::Mode(match macvlan.mode {
                MacvlanMode::Bridge => MacVlanMode::Bridge,
                MacvlanMode::Private => MacVlanMode::Private,
                MacvlanMode::Vepa => MacVlanMode::Vepa,
                MacvlanMode::Passthru => MacVlanMode::Passthrough,
            });
            let queue = macvlan.broadcast_queue.map(InfoMacVlan::BcQueueLen);
            Some(InfoData::MacVlan([mode].into_iter().chain(queue).collect()))
        }
        LinkKind::Ipvlan(ipvlan) => Some(InfoData::IpVlan(vec![InfoIpVlan::Mode(match ipvlan.mode {
            IpvlanMode::L2 => IpVlanMode::L2,
            IpvlanMode::L3 => IpVlanMode::L3,
            IpvlanMode::L3s => IpVlanMode::L3S,
        })])),
        LinkKind::Vlan(link) => Some(InfoData::Vlan(vec![InfoVlan::Id(link.vlan.map_or(0, Vlan::id))])),
        LinkKind::Dummy | LinkKind::Tap(_) => None,
    }
}

/// What a link is told once it is there: whose it is, and what no kernel takes with the request that makes it.
pub(crate) fn complete(link: &ContainerLink, alias: &str, bridge: Option<u32>) -> Request<Message> {
    let mut message = LinkUnspec::new_with_name(link.name.as_str()).alias(alias);
    if let LinkKind::Tap(_) = link.kind {
        if let Some(mac) = link.mac {
            message = message.address(mac.0.to_vec());
        }
        if let Some(mtu) = link.mtu {
            message = message.mtu(mtu);
        }
    }
    if let Some(bridge) = bridge {
        message = message.controller(bridge);
    }
    Request::new(Message::NewLink(message.build()), 0)
}

/// Moves the device `index` into the namespace `container`, under the name that it has there. Its alias keeps its old
/// name, as the reference has it. All in one request, which a kill can't come between; where the new name is taken
/// there, the device has moved all the same.
pub(crate) fn lend(device: &Device, index: u32, container: RawFd) -> Request<Message> {
    rename(index, &device.name, device.home.as_str(), Some(container))
}

/// Moves it back.
pub(crate) fn give_back(index: u32, home: &LinkName, host: RawFd) -> Request<Message> {
    rename(index, home, "", Some(host))
}

/// Gives a device that is on the host already its name again.
pub(crate) fn bring_home(index: u32, home: &LinkName) -> Request<Message> {
    rename(index, home, "", None)
}

fn rename(index: u32, name: &LinkName, alias: &str, to: Option<RawFd>) -> Request<Message> {
    let mut message = LinkUnspec::new_with_index(index).down().name(name.as_str());
    // An empty alias is one that is taken away.
    message = message.append_extra_attribute(LinkAttribute::IfAlias(alias.to_owned()));
    if let Some(namespace) = to {
        message = message.setns_by_fd(namespace);
    }
    Request::new(Message::NewLink(message.build()), 0)
}
