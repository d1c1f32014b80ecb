//! VXLAN devices as the kernel shows them and as they are asked for (`vxlan(4)`, `Documentation/networking/vxlan.rst`).

use std::fs;
use std::net::IpAddr;

use netlink_packet_core::{NLM_F_CREATE, NLM_F_EXCL};
use netlink_packet_route::RouteNetlinkMessage as Message;
use netlink_packet_route::link::{
    InfoData, InfoKind, InfoVxlan, LinkAttribute, LinkExtentMask, LinkFlags, LinkInfo, LinkMessage,
};
use netstate::{Checksums, LinkName, Mac, Vxlan};
use rtnetlink::{LinkMessageBuilder, LinkUnspec, LinkVxlan};

use super::object::Setting;
use crate::link::{self, Socket};
use crate::netlink::{self, Refusal, Request};

/// The alias of devices of ours.
const MARK: &str = "trestle routed-agent";

/// What the alias goes on with where we switched checksums off: only what we did is undone.
const COMPUTED: &str = " tx-checksum-ip-generic off";

/// The kernel's port for devices that name none.
const PORT_FILE: &str = "/sys/module/vxlan/parameters/udp_port";

/// What it is but for administrators who changed it.
const PORT: u16 = 8472;

/// A VXLAN device of the kernel's.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Device {
    pub(super) index: u32,
    pub(super) name: String,
    mac: Option<Mac>,
    mtu: u32,
    up: bool,
    alias: String,
    /// What can't be changed while it lives.
    fixed: Fixed,
    learning: bool,
}

/// What makes a device the one it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Fixed {
    vni: u32,
    underlay: u32,
    local: Option<IpAddr>,
    port: u16,
    group_policy: bool,
    /// It has a group, or asks user space where a MAC is.
    special: bool,
}

impl Device {
    /// None where the link is no VXLAN device.
    fn read(message: LinkMessage) -> Option<Self> {
        let up = message.header.flags.contains(LinkFlags::Up);
        let mut device = Self { index: message.header.index, up, ..Self::default() };
        let mut vxlan = false;
        for attribute in message.attributes {
            match attribute {
                LinkAttribute::IfName(name) => device.name = name,
                LinkAttribute::Address(bytes) => device.mac = bytes.try_into().ok().map(Mac),
                LinkAttribute::Mtu(mtu) => device.mtu = mtu,
                LinkAttribute::IfAlias(alias) => device.alias = alias,
                LinkAttribute::LinkInfo(infos) => {
                    for info in infos {
                        let LinkInfo::Data(InfoData::Vxlan(options)) = info else { continue };
                        vxlan = true;
                        for option in &options {
                            device.read_option(option);
                        }
                    }
                }
                _ => {}
            }
        }
        vxlan.then_some(device)
    }

    fn read_option(&mut self, option: &InfoVxlan) {
        let fixed = &mut self.fixed;
        match option {
            InfoVxlan::Id(vni) => fixed.vni = *vni,
            InfoVxlan::Link(index) => fixed.underlay = *index,
            InfoVxlan::Local(local) => fixed.local = Some(IpAddr::V4(*local)),
            InfoVxlan::Local6(local) => fixed.local = Some(IpAddr::V6(*local)),
            InfoVxlan::Port(port) => fixed.port = *port,
            InfoVxlan::Gbp => fixed.group_policy = true,
            InfoVxlan::Learning(learning) => self.learning = *learning,
            InfoVxlan::Group(_) | InfoVxlan::Group6(_) => fixed.special = true,
            InfoVxlan::L2Miss(true) | InfoVxlan::L3Miss(true) | InfoVxlan::CollectMetadata(true) => {
                fixed.special = true;
            }
            _ => {}
        }
    }

    /// Did we make it, or take it over?
    pub(super) fn is_ours(&self) -> bool {
        self.alias.starts_with(MARK)
    }

    /// Can it become what is wanted without being made anew?
    pub(super) fn can_be(&self, wanted: &Vxlan, underlay: u32) -> bool {
        let fixed = Fixed {
            vni: wanted.vni,
            underlay,
            local: Some(wanted.local),
            port: wanted.port.unwrap_or_else(usual_port),
            group_policy: wanted.group_policy,
            special: false,
        };
        self.fixed == fixed
    }

    /// What of it differs from what is wanted, as it is to be put right. Checksums come with the alias.
    pub(super) fn differences(&self, wanted: &Vxlan, mark: Mark) -> Vec<(Setting, Request<Message>)> {
        let index = self.index;
        let change = |message: LinkMessageBuilder<LinkUnspec>| {
            Request::new(Message::SetLink(message.index(index).build()), 0)
        };
        let new = || LinkMessageBuilder::<LinkUnspec>::new();
        let mut requests = Vec::new();
        if self.mtu != wanted.mtu {
            requests.push((Setting::Mtu, change(new().mtu(wanted.mtu))));
        }
        if self.mac != Some(wanted.mac) {
            requests.push((Setting::Mac, link::set_mac(index, wanted.mac)));
        }
        if self.learning != wanted.learning {
            requests.push((Setting::Learning, set_learning(index, wanted.learning)));
        }
        let alias = alias(wanted, mark);
        if self.alias != alias {
            requests.push((Setting::Alias, change(new().alias(&alias))));
        }
        if !self.up {
            requests.push((Setting::Up, link::set_up(index)));
        }
        requests
    }

    /// Who should compute checksums; none where it stays as it is. An administrator may have switched them off too.
    pub(super) fn checksums(&self, wanted: &Vxlan) -> Option<Checksums> {
        let ours = self.alias.strip_prefix(MARK) == Some(COMPUTED);
        (wanted.checksums == Checksums::Computed || ours).then_some(wanted.checksums)
    }
}

/// Whether devices bear our mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mark {
    /// They are ours.
    Ours,
    /// They are handed to somebody else.
    Nobodys,
}

fn alias(wanted: &Vxlan, mark: Mark) -> String {
    match (mark, wanted.checksums) {
        (Mark::Nobodys, _) => String::new(),
        (Mark::Ours, Checksums::Offloaded) => MARK.to_owned(),
        (Mark::Ours, Checksums::Computed) => format!("{MARK}{COMPUTED}"),
    }
}

fn usual_port() -> u16 {
    let text = fs::read_to_string(PORT_FILE).unwrap_or_default();
    text.trim().parse().unwrap_or(PORT)
}

/// Finds a VXLAN device by name. None where there is no such link, or it is of another kind.
pub(super) fn find(socket: &mut Socket, name: &LinkName) -> Result<Option<Device>, Refusal> {
    let found = netlink::present(socket.ask(link::by_name(name)), libc::ENODEV)?;
    Ok(devices(found).next())
}

/// Every VXLAN device.
pub(super) fn all(socket: &mut Socket) -> Result<Vec<Device>, Refusal> {
    let message = LinkMessageBuilder::<LinkUnspec>::new_with_info_kind(InfoKind::Vxlan)
        .append_extra_attribute(LinkAttribute::ExtMask(vec![LinkExtentMask::SkipStats]))
        .build();
    Ok(devices(socket.dump(&Message::GetLink(message))?).collect())
}

fn devices(messages: impl IntoIterator<Item = Message>) -> impl Iterator<Item = Device> {
    messages.into_iter().filter_map(|message| match message {
        Message::NewLink(link) => Device::read(link),
        _ => None,
    })
}

/// A new device, down.
pub(super) fn create(wanted: &Vxlan, underlay: u32) -> Request<Message> {
    let mut message = LinkVxlan::new(wanted.name.as_str(), wanted.vni)
        .dev(underlay)
        .learning(wanted.learning)
        .mtu(wanted.mtu)
        .address(wanted.mac.0.to_vec());
    message = match wanted.local {
        IpAddr::V4(local) => message.local(local),
        IpAddr::V6(local) => message.local6(local),
    };
    if let Some(port) = wanted.port {
        message = message.port(port);
    }
    if wanted.group_policy {
        message = message.gbp();
    }
    Request::new(Message::NewLink(message.build()), NLM_F_CREATE | NLM_F_EXCL)
}

fn set_learning(index: u32, learning: bool) -> Request<Message> {
    let message = LinkMessageBuilder::<LinkVxlan>::new_with_info_kind(InfoKind::Vxlan)
        .index(index)
        .learning(learning)
        .build();
    Request::new(Message::NewLink(message), 0)
}
