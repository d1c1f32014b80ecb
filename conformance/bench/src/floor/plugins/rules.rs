//! Elements of nftables' maps and sets: `masquerade`, `portmap`, `firewall`.

use crate::floor::netlink::{CREATE, Message, transaction};
use crate::floor::pod::Pod;
use crate::floor::script::{Script, Tag};

/// `NFPROTO_INET`.
const INET: u8 = 1;
/// `NFT_MSG_NEWSETELEM` and `NFT_MSG_DELSETELEM`.
const ADD: u16 = 12;
const DELETE: u16 = 14;
/// `NFTA_SET_ELEM_LIST_…`
const TABLE: u16 = 1;
const SET: u16 = 2;
const ELEMENTS: u16 = 3;
/// `NFTA_LIST_ELEM`, `NFTA_SET_ELEM_KEY`, `NFTA_SET_ELEM_DATA`, `NFTA_SET_ELEM_USERDATA`, `NFTA_DATA_VALUE`,
/// `NFTA_DATA_VERDICT`, `NFTA_VERDICT_CODE`, `NFTA_VERDICT_CHAIN`.
const ELEMENT: u16 = 1;
const KEY: u16 = 1;
const DATA: u16 = 2;
const USERDATA: u16 = 6;
const VALUE: u16 = 1;
const VERDICT: u16 = 2;
const CODE: u16 = 1;
const CHAIN: u16 = 2;
/// `NFT_JUMP`.
const JUMP: i32 = -3;
/// `IPPROTO_TCP`, filled up.
const TCP: [u8; 4] = [6, 0, 0, 0];
/// Port mappings lead to this port of the container and those after it.
const FIRST: u16 = 80;

const NAT: &str = "trestle";
const FIREWALL: &str = "trestle-firewall";

/// An element that a script makes or deletes.
struct Element {
    table: &'static str,
    set: &'static str,
    key: Vec<u8>,
    data: Option<Message>,
}

impl Element {
    /// `map masquerade4 { ADDRESS : jump outside-10.88.0.0/16 }`
    fn masquerade(pod: &Pod) -> Self {
        let data = Some(jump("outside-10.88.0.0/16"));
        Self { table: NAT, set: "masquerade4", key: pod.address.octets().to_vec(), data }
    }

    /// `map hairpins4 { ADDRESS : jump inside-10.88.0.0/16 }`
    fn hairpin(pod: &Pod) -> Self {
        let data = Some(jump("inside-10.88.0.0/16"));
        Self { table: NAT, set: "hairpins4", key: pod.address.octets().to_vec(), data }
    }

    /// `map ports4 { tcp . PORT : ADDRESS . 80 }`
    fn port(pod: &Pod, number: u16, port: u16) -> Self {
        let filled = |port: u16| [&port.to_be_bytes()[..], &[0, 0]].concat();
        let value = [&pod.address.octets()[..], &filled(FIRST + number)].concat();
        let data = Some(Message::default().with(VALUE, &value));
        Self { table: NAT, set: "ports4", key: [&TCP[..], &filled(port)].concat(), data }
    }

    /// `set accepted4 { ADDRESS }`
    fn accepted(pod: &Pod) -> Self {
        Self { table: FIREWALL, set: "accepted4", key: pod.address.octets().to_vec(), data: None }
    }

    fn add(self, pod: &Pod) -> Message {
        let comment = format!("{} {}", pod.key(), pod.attachment());
        let length = u8::try_from(comment.len() + 1).expect("a short name");
        let comment = [&[0, length], comment.as_bytes(), &[0]].concat();
        let mut element = self.key();
        if let Some(data) = &self.data {
            element = element.nest(DATA, data);
        }
        self.change(ADD, CREATE, &element.with(USERDATA, &comment))
    }

    fn delete(self) -> Message {
        let key = self.key();
        self.change(DELETE, 0, &key)
    }

    fn key(&self) -> Message {
        Message::default().nest(KEY, &Message::default().with(VALUE, &self.key))
    }

    fn change(self, kind: u16, flags: u16, element: &Message) -> Message {
        Message::nftables(kind, flags, INET)
            .text(TABLE, self.table)
            .text(SET, self.set)
            .nest(ELEMENTS, &Message::default().nest(ELEMENT, element))
    }
}

fn jump(chain: &str) -> Message {
    let verdict = Message::default().with(CODE, &JUMP.to_be_bytes()).text(CHAIN, chain);
    Message::default().nest(VERDICT, &verdict)
}

pub(super) fn masquerade(pod: &Pod) -> Message {
    Element::masquerade(pod).add(pod)
}

pub(super) fn no_masquerade(pod: &Pod) -> Message {
    Element::masquerade(pod).delete()
}

/// A pod's ports with the numbers of those of its own.
fn ports(pod: &Pod) -> impl Iterator<Item = (u16, u16)> {
    (0..).zip(pod.ports.iter().copied())
}

pub(super) fn map_ports(script: Script, pod: &Pod) -> Script {
    let address = pod.address;
    let list: Vec<String> =
        ports(pod).map(|(number, port)| format!("0.0.0.0:{port}/tcp={address}:{}", FIRST + number)).collect();
    let record = format!("ports 13 % % {} {address}~{address}/16\n", list.join(" "));
    let mut elements = vec![Element::hairpin(pod).add(pod)];
    elements.extend(ports(pod).map(|(number, port)| Element::port(pod, number, port).add(pod)));
    script.record(pod, "portmap", &record).then(Tag::Filter, &transaction(elements))
}

pub(super) fn unmap_ports(script: Script, pod: &Pod) -> Script {
    let mut elements = vec![Element::hairpin(pod).delete()];
    elements.extend(ports(pod).map(|(number, port)| Element::port(pod, number, port).delete()));
    script.then(Tag::Filter, &transaction(elements)).forget(pod, "portmap")
}

pub(super) fn accept(script: Script, pod: &Pod) -> Script {
    script
        .record(pod, "firewall", &format!("firewall accept {} nftables\n", pod.address))
        .then(Tag::Filter, &transaction(vec![Element::accepted(pod).add(pod)]))
}

pub(super) fn refuse(script: Script, pod: &Pod) -> Script {
    script.then(Tag::Filter, &transaction(vec![Element::accepted(pod).delete()])).forget(pod, "firewall")
}
