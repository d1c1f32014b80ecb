//! `bridge` with host-local.

use std::net::Ipv4Addr;

use super::rules;
use super::{NEWLINK, SETLINK, UP, anonymous, link};
use crate::floor::netlink::{Message, NEW, together, transaction};
use crate::floor::pod::{Pod, Reach};
use crate::floor::script::{self, Script, Tag};

/// `RTM_DELLINK`, `RTM_NEWADDR`, `RTM_NEWROUTE`.
const DELLINK: u16 = 17;
const NEWADDR: u16 = 20;
const NEWROUTE: u16 = 24;
/// `IFLA_…`
const ADDRESS: u16 = 1;
const IFNAME: u16 = 3;
const MASTER: u16 = 10;
const LINKINFO: u16 = 18;
const IFALIAS: u16 = 20;
const NET_NS_FD: u16 = 28;
const NUM_TX_QUEUES: u16 = 31;
const NUM_RX_QUEUES: u16 = 32;
/// `IFLA_INFO_KIND`, `IFLA_INFO_DATA`, `VETH_INFO_PEER`.
const KIND: u16 = 1;
const DATA: u16 = 2;
const PEER: u16 = 1;
/// The container's link is the second one there.
const INNER: u32 = 2;

const GATEWAY: Ipv4Addr = Ipv4Addr::new(10, 88, 0, 1);
const BROADCAST: Ipv4Addr = Ipv4Addr::new(10, 88, 255, 255);
const PREFIX: u8 = 16;

pub(super) fn add(script: Script, pod: &Pod) -> Script {
    let masquerade = match pod.reach {
        Reach::Masquerade => format!("masquerade {0} {0}/{PREFIX}\n", pod.address),
        Reach::Bridge | Reach::Gateway => String::new(),
    };
    let record = format!("bridge cni0\naddress {}\nmac {}\n{masquerade}", pod.address, text(pod.mac()));
    let mut script = script.reserve(pod).record(pod, "attachments", &record);
    if pod.reach == Reach::Masquerade {
        script = script.then(Tag::Filter, &transaction(vec![rules::masquerade(pod)]));
    }
    script
        .then(Tag::Open, pod.netns.as_bytes())
        .then(Tag::Route, &together(vec![pair(pod), alias(pod)]))
        .then(Tag::Enter, &[])
        .then(Tag::Route, &together(inside(pod)))
}

pub(super) fn del(script: Script, pod: &Pod) -> Script {
    let script = match pod.reach {
        Reach::Masquerade => script.then(Tag::Filter, &transaction(vec![rules::no_masquerade(pod)])),
        Reach::Bridge | Reach::Gateway => script,
    };
    let gone = Message::new(DELLINK, 0, &anonymous()).text(IFNAME, &pod.link());
    script.then(Tag::Route, &together(vec![gone])).forget(pod, "attachments").release(pod)
}

/// Both ends in one request, with indexes that are known beforehand.
fn pair(pod: &Pod) -> Message {
    let queues = |end: Message| end.number(NUM_TX_QUEUES, 1).number(NUM_RX_QUEUES, 1);
    let peer = Message::default()
        .text(IFNAME, "eth0")
        .with(ADDRESS, &pod.mac())
        .number(NET_NS_FD, script::NAMESPACE);
    let mut inner = anonymous();
    inner[4..8].copy_from_slice(&INNER.to_ne_bytes());
    let data = Message::default().nest(PEER, &queues(peer).after(&inner));
    let info = Message::default().text(KIND, "veth").nest(DATA, &data);
    let end = Message::new(NEWLINK, NEW, &link(pod.index, UP))
        .text(IFNAME, &pod.link())
        .with(ADDRESS, &pod.link_mac())
        .number(MASTER, pod.bridge);
    queues(end).nest(LINKINFO, &info)
}

fn alias(pod: &Pod) -> Message {
    let alias = format!("trestle {}", pod.attachment());
    let mut header = anonymous();
    header[4..8].copy_from_slice(&pod.index.to_ne_bytes());
    Message::new(NEWLINK, 0, &header).with(IFALIAS, alias.as_bytes())
}

/// The address, the link up, and the way out.
fn inside(pod: &Pod) -> Vec<Message> {
    let address = pod.address.octets();
    let mut header = vec![2, PREFIX, 0, 0];
    header.extend_from_slice(&INNER.to_ne_bytes());
    let mut messages = vec![
        Message::new(NEWADDR, NEW, &header).with(1, &address).with(2, &address).with(4, &BROADCAST.octets()),
        Message::new(SETLINK, 0, &link(INNER, UP)),
    ];
    if pod.reach != Reach::Bridge {
        // RT_TABLE_MAIN, RTPROT_BOOT, RT_SCOPE_UNIVERSE, RTN_UNICAST; RTA_GATEWAY, RTA_OIF.
        let header = [2, 0, 0, 0, 254, 3, 0, 1, 0, 0, 0, 0];
        messages.push(Message::new(NEWROUTE, NEW, &header).with(5, &GATEWAY.octets()).number(4, INNER));
    }
    messages
}

fn text(mac: [u8; 6]) -> String {
    mac.map(|byte| format!("{byte:02x}")).join(":")
}
