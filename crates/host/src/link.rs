//! Links over rtnetlink (`rtnetlink(7)`, `Documentation/networking/bridge.rst`).

use std::hash::{BuildHasher, RandomState};

use netlink_packet_core::{NLM_F_CREATE, NLM_F_ECHO, NLM_F_EXCL};
use netlink_packet_route::link::{
    AfSpecBridge, BridgePortState, BridgeVlanInfoFlags, InfoBridge, InfoBridgePort, InfoData, InfoKind,
    InfoPortKind, InfoVeth, LinkAttribute, LinkExtentMask, LinkFlags, LinkInfo, LinkMessage,
};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage as Message};
use netstate::{Bridge, LinkName, Mac, Port, PortFlag, PortVlans, Veth, Vlan};
use rtnetlink::{LinkBridge, LinkBridgePort, LinkBridgeVlan, LinkMessageBuilder, LinkUnspec, LinkVeth};

use crate::netlink::{self, Netlink, Refusal, Request};

/// A blocking rtnetlink socket.
pub type Socket = Netlink<Message>;

/// A link as the kernel shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// Its index in its namespace.
    pub index: u32,
    /// Its name.
    pub name: String,
    /// `bridge`, `veth`, …; absent for hardware and `lo`.
    pub kind: Option<String>,
    /// Its MAC, where it has one of six bytes.
    pub mac: Option<Mac>,
    /// Its MTU in bytes.
    pub mtu: u32,
    /// The length of its transmit queue, in packets.
    pub queue_length: u32,
    /// The bridge that it is a port of.
    pub master: Option<u32>,
    /// The index of what it is connected to: for a veth end, the other end's index in its own namespace.
    pub peer: Option<u32>,
    /// Whose link it is, for those that we made.
    pub alias: Option<String>,
    /// `IFF_UP`, `IFF_PROMISC`, …
    pub flags: LinkFlags,
    /// It separates VLANs (bridges).
    pub vlan_filtering: bool,
    /// What the bridge does for it (bridge ports).
    pub port_flags: Vec<PortFlag>,
    /// The bridge forwards its frames (bridge ports).
    pub forwards: bool,
    /// What distinguishes it from others of its kind, where that is looked at.
    pub(crate) data: Option<InfoData>,
}

impl Seen {
    /// Is it administratively up?
    pub fn is_up(&self) -> bool {
        self.flags.contains(LinkFlags::Up)
    }

    /// Is it of this kind?
    pub fn is_kind(&self, kind: &str) -> bool {
        self.kind.as_deref() == Some(kind)
    }

    fn read(message: LinkMessage) -> Self {
        let mut seen = Self {
            index: message.header.index,
            name: String::new(),
            kind: None,
            mac: None,
            mtu: 0,
            queue_length: 0,
            master: None,
            peer: None,
            alias: None,
            flags: message.header.flags,
            vlan_filtering: false,
            port_flags: Vec::new(),
            forwards: false,
            data: None,
        };
        for attribute in message.attributes {
            match attribute {
                LinkAttribute::IfName(name) => seen.name = name,
                LinkAttribute::Address(bytes) => seen.mac = <[u8; 6]>::try_from(bytes).ok().map(Mac),
                LinkAttribute::Mtu(mtu) => seen.mtu = mtu,
                LinkAttribute::TxQueueLen(length) => seen.queue_length = length,
                LinkAttribute::Controller(index) => seen.master = Some(index),
                LinkAttribute::Link(index) => seen.peer = Some(index),
                LinkAttribute::IfAlias(alias) => seen.alias = Some(alias),
                LinkAttribute::LinkInfo(infos) => infos.into_iter().for_each(|info| seen.read_info(info)),
                _ => {}
            }
        }
        seen
    }

    fn read_info(&mut self, info: LinkInfo) {
        match info {
            LinkInfo::Kind(kind) => self.kind = Some(kind.to_string()),
            LinkInfo::Data(InfoData::Bridge(options)) => {
                self.vlan_filtering = options.contains(&InfoBridge::VlanFiltering(true));
            }
            LinkInfo::Data(data) => self.data = Some(data),
            LinkInfo::PortData(netlink_packet_route::link::InfoPortData::BridgePort(options)) => {
                let flags = [
                    (InfoBridgePort::HairpinMode(true), PortFlag::Hairpin),
                    (InfoBridgePort::Isolated(true), PortFlag::Isolated),
                ];
                self.forwards = options.contains(&InfoBridgePort::State(BridgePortState::Forwarding));
                self.port_flags = flags
                    .into_iter()
                    .filter(|(option, _)| options.contains(option))
                    .map(|(_, flag)| flag)
                    .collect();
            }
            _ => {}
        }
    }
}

/// Asks for one link by name.
pub(crate) fn get(name: &LinkName) -> Request<Message> {
    Request::new(by_name(name), 0)
}

/// The question for a link of this name.
pub(crate) fn by_name(name: &LinkName) -> Message {
    question(LinkUnspec::new_with_name(name.as_str()))
}

fn question(link: LinkMessageBuilder<LinkUnspec>) -> Message {
    let mask = LinkAttribute::ExtMask(vec![LinkExtentMask::SkipStats]);
    Message::GetLink(link.append_extra_attribute(mask).build())
}

/// The link in the answer to [`get`]: none where there is no such link.
pub(crate) fn found(
    answer: Result<impl IntoIterator<Item = Message>, Refusal>,
) -> Result<Option<Seen>, Refusal> {
    Ok(netlink::present(answer, libc::ENODEV)?.and_then(|messages| links(messages).next()))
}

/// Finds a link by name.
pub(crate) fn find(socket: &mut Socket, name: &LinkName) -> Result<Option<Seen>, Refusal> {
    found(socket.ask(by_name(name)).map(Some))
}

/// Finds a link by its index.
pub(crate) fn by_index(socket: &mut Socket, index: u32) -> Result<Option<Seen>, Refusal> {
    found(socket.ask(question(LinkUnspec::new_with_index(index))).map(Some))
}

/// Every link of the socket's namespace.
pub(crate) fn all(socket: &mut Socket) -> Result<Vec<Seen>, Refusal> {
    Ok(links(socket.dump(&question(LinkMessageBuilder::<LinkUnspec>::new()))?).collect())
}

/// The links among messages.
pub(crate) fn links(messages: impl IntoIterator<Item = Message>) -> impl Iterator<Item = Seen> {
    messages.into_iter().filter_map(|message| match message {
        Message::NewLink(link) => Some(Seen::read(link)),
        _ => None,
    })
}

/// A new bridge. Its MAC is set, so the kernel does not change it with each port that comes or goes.
pub(crate) fn create_bridge(bridge: &Bridge) -> Request<Message> {
    let mut message = LinkBridge::new(bridge.name.as_str()).address(random_mac().0.to_vec()).up();
    if let Some(mtu) = bridge.mtu {
        message = message.mtu(mtu);
    }
    if bridge.vlan_filtering {
        message = message.set_info_data(InfoData::Bridge(vec![InfoBridge::VlanFiltering(true)]));
    }
    if bridge.promiscuous {
        message = message.promiscuous(true);
    }
    Request::new(Message::NewLink(message.build()), NLM_F_CREATE | NLM_F_EXCL | NLM_F_ECHO)
}

/// What an existing bridge still lacks of what is wanted.
pub(crate) fn complete_bridge(bridge: &Bridge, seen: &Seen) -> Option<Request<Message>> {
    let promiscuous = bridge.promiscuous && !seen.flags.contains(LinkFlags::Promisc);
    let filtering = bridge.vlan_filtering && !seen.vlan_filtering;
    if seen.is_up() && !promiscuous && !filtering {
        return None;
    }
    let mut message =
        LinkMessageBuilder::<LinkBridge>::new_with_info_kind(InfoKind::Bridge).index(seen.index).up();
    if promiscuous {
        message = message.promiscuous(true);
    }
    if filtering {
        message = message.set_info_data(InfoData::Bridge(vec![InfoBridge::VlanFiltering(true)]));
    }
    Some(Request::new(Message::NewLink(message.build()), 0))
}

/// The pair: one end here, up and perhaps a port of a bridge, the other in the namespace `container` already. One queue
/// an end: the kernel's one per CPU costs a `synchronize_net` and serves nobody on a software link.
pub(crate) fn create_veth(
    veth: &Veth,
    bridge: Option<u32>,
    container: std::os::fd::RawFd,
) -> Request<Message> {
    let end = |name: &LinkName, mac: Mac| {
        let end = LinkMessageBuilder::<LinkUnspec>::new()
            .name(name.as_str())
            .address(mac.0.to_vec())
            .append_extra_attribute(LinkAttribute::NumTxQueues(1))
            .append_extra_attribute(LinkAttribute::NumRxQueues(1));
        match veth.mtu {
            Some(mtu) => end.mtu(mtu),
            None => end,
        }
    };
    let peer = end(&veth.peer.name, veth.peer.mac).setns_by_fd(container).build();
    let mut message = end(&veth.name, veth.mac).up();
    if let Some(bridge) = bridge {
        message = message.controller(bridge);
    }
    let mut message = message.build();
    message.attributes.push(LinkAttribute::LinkInfo(vec![
        LinkInfo::Kind(InfoKind::Veth),
        LinkInfo::Data(InfoData::Veth(InfoVeth::Peer(peer))),
    ]));
    Request::new(Message::NewLink(message), NLM_F_CREATE | NLM_F_EXCL | NLM_F_ECHO)
}

/// A pair on the host: `name` for itself, `port` for the bridge.
pub(crate) fn create_local_veth(name: &LinkName, port: &LinkName, bridge: u32) -> Request<Message> {
    let message = LinkVeth::new(port.as_str(), name.as_str()).controller(bridge).up().build();
    Request::new(Message::NewLink(message), NLM_F_CREATE | NLM_F_EXCL)
}

/// Whose link it is and, where it is a bridge port, its flags. `RTM_NEWLINK`: as `RTM_SETLINK` the kernel says yes and does
/// nothing.
pub(crate) fn set_port(name: &LinkName, port: Option<&Port>, alias: &str) -> Request<Message> {
    let mut message = LinkMessageBuilder::<LinkBridgePort>::default().name(name.as_str()).alias(alias);
    let flags = port.map_or(&[][..], |port| &port.flags);
    if !flags.is_empty() {
        message = message.set_port_kind(InfoPortKind::Bridge);
    }
    for flag in flags {
        message = match flag {
            PortFlag::Hairpin => message.hairpin(true),
            PortFlag::Isolated => message.isolated(true),
        };
    }
    Request::new(Message::NewLink(message.build()), 0)
}

/// The VLANs of the bridge port `index`, as requests in their order.
pub(crate) fn set_vlans(index: u32, vlans: &PortVlans) -> Vec<Request<Message>> {
    let mut requests = Vec::new();
    if !vlans.keep_default {
        let none = LinkBridgeVlan::new(index).vlan(Vlan::DEFAULT.id(), BridgeVlanInfoFlags::empty()).build();
        requests.push(Request::new(Message::DelLink(none), 0));
    }
    let mut wanted = LinkBridgeVlan::new(index);
    // A trunk without a VLAN of its own keeps the default one for untagged frames, as the reference has it.
    let untagged = vlans.untagged.or((!vlans.tagged.is_empty()).then_some(Vlan::DEFAULT));
    if let Some(vlan) = untagged {
        wanted = wanted.vlan(vlan.id(), BridgeVlanInfoFlags::Pvid | BridgeVlanInfoFlags::Untagged);
    }
    for vlan in &vlans.tagged {
        wanted = wanted.vlan(vlan.id(), BridgeVlanInfoFlags::empty());
    }
    requests.push(Request::new(Message::SetLink(wanted.build()), 0));
    requests
}

/// Sets a link's MAC.
pub(crate) fn set_mac(index: u32, mac: Mac) -> Request<Message> {
    let message = LinkUnspec::new_with_index(index).address(mac.0.to_vec()).build();
    Request::new(Message::SetLink(message), 0)
}

/// Sets a link up.
pub(crate) fn set_up(index: u32) -> Request<Message> {
    Request::new(Message::SetLink(LinkUnspec::new_with_index(index).up().build()), 0)
}

/// Sets a link down.
pub(crate) fn set_down(index: u32) -> Request<Message> {
    Request::new(Message::SetLink(LinkUnspec::new_with_index(index).down().build()), 0)
}

/// Deletes a link by name.
pub(crate) fn delete(name: &LinkName) -> Request<Message> {
    Request::new(Message::DelLink(LinkUnspec::new_with_name(name.as_str()).build()), 0)
}

/// A locally administered MAC that no other machine chose: std seeds its hasher from the kernel's randomness.
fn random_mac() -> Mac {
    let [bytes @ .., _, _, _] = RandomState::new().hash_one(()).to_ne_bytes();
    Mac::local(bytes)
}

/// The VLANs of the bridge port `index`.
pub(crate) fn vlans(socket: &mut Socket, index: u32) -> Result<Vec<u16>, Refusal> {
    let message = LinkMessageBuilder::<LinkUnspec>::new()
        .interface_family(AddressFamily::Bridge)
        .append_extra_attribute(LinkAttribute::ExtMask(vec![LinkExtentMask::Brvlan]))
        .build();
    let mut found = Vec::new();
    for message in socket.dump(&Message::GetLink(message))? {
        let Message::NewLink(link) = message else { continue };
        if link.header.index != index {
            continue;
        }
        for attribute in link.attributes {
            let LinkAttribute::AfSpecBridge(specs) = attribute else { continue };
            found.extend(specs.iter().filter_map(|spec| match spec {
                AfSpecBridge::VlanInfo(info) => Some(info.vid),
                _ => None,
            }));
        }
    }
    Ok(found)
}
