//! The floor: what the kernel itself needs for the paths. Requests encoded beforehand, many a send, the last one
//! acknowledged (`rtnetlink(7)`, `linux/nexthop.h`). Written apart from `host`, so that one can't hide the other's mistake.

use netlink_sys::protocols::NETLINK_ROUTE;
use netlink_sys::{Socket, SocketAddr};

use crate::peers::{Peer, Way};

/// Requests in one send: more is no faster, and fewer is slower.
const AT_ONCE: usize = 1000;

const NEW_ROUTE: u16 = 24;
const NEW_NEIGHBOUR: u16 = 28;
const NEW_NEXT_HOP: u16 = 104;

/// `NLM_F_REQUEST`, `NLM_F_ACK`, `NLM_F_CREATE | NLM_F_REPLACE`.
const REQUEST: u16 = 1;
const ACK: u16 = 4;
const SET: u16 = 0x500;

const FIRST_ID: u32 = 116 << 24;

/// All requests for some peers, ready to be sent.
pub(crate) struct Floor {
    batches: Vec<Vec<u8>>,
    socket: Socket,
}

impl Floor {
    /// For peers behind this link.
    pub(crate) fn new(peers: &[Peer], way: Way, link: u32) -> Self {
        let link = link.to_ne_bytes();
        let mut messages = Vec::new();
        let onlink = if way == Way::Tunnel { 4u32 } else { 0 };
        if way == Way::Tunnel {
            for peer in peers {
                messages.push(neighbour(2, 0, link, &[(1, &peer.subnet), (2, &peer.mac)]));
                messages.push(neighbour(7, 2, link, &[(2, &peer.mac), (1, &peer.address)]));
            }
        }
        let ids = || (FIRST_ID..).map(u32::to_ne_bytes);
        for (peer, id) in peers.iter().zip(ids()) {
            let gateway = if way == Way::Tunnel { peer.subnet } else { peer.address };
            let mut body = vec![2, 0, 116, 0];
            body.extend(onlink.to_ne_bytes());
            messages.push((NEW_NEXT_HOP, with(body, &[(1, &id), (5, &link), (6, &gateway)])));
        }
        for (peer, id) in peers.iter().zip(ids()) {
            let header = vec![2, 24, 0, 0, 254, 116, 0, 1, 0, 0, 0, 0];
            messages.push((NEW_ROUTE, with(header, &[(1, &peer.subnet), (30, &id)])));
        }
        let mut socket = Socket::new(NETLINK_ROUTE).expect("a route socket");
        socket.bind(&SocketAddr::new(0, 0)).expect("a route socket");
        Self { batches: messages.chunks(AT_ONCE).map(batch).collect(), socket }
    }

    /// # Panics
    /// Where the kernel refuses what the floor is made of.
    pub(crate) fn send(&self) {
        let mut answer = [0; 1024];
        for batch in &self.batches {
            self.socket.send(batch, 0).expect("the kernel takes it");
            let length = self.socket.recv(&mut &mut answer[..], 0).expect("an answer");
            let code = i32::from_ne_bytes(answer[16..20].try_into().expect("four bytes"));
            assert_eq!((code, length), (0, 36), "the kernel refuses what the floor is made of");
        }
    }
}

fn neighbour(family: u8, flags: u8, link: [u8; 4], attributes: &[(u16, &[u8])]) -> (u16, Vec<u8>) {
    let mut body = vec![family, 0, 0, 0];
    body.extend(link);
    body.extend([0x80, 0, flags, 0]);
    (NEW_NEIGHBOUR, with(body, attributes))
}

fn with(mut body: Vec<u8>, attributes: &[(u16, &[u8])]) -> Vec<u8> {
    for (kind, value) in attributes {
        body.extend(u16::try_from(4 + value.len()).expect("short").to_ne_bytes());
        body.extend(kind.to_ne_bytes());
        body.extend(*value);
        body.resize(body.len().next_multiple_of(4), 0);
    }
    body
}

fn batch(messages: &[(u16, Vec<u8>)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (place, (kind, body)) in messages.iter().enumerate() {
        let last = if place + 1 == messages.len() { ACK } else { 0 };
        bytes.extend(u32::try_from(16 + body.len()).expect("short").to_ne_bytes());
        bytes.extend(kind.to_ne_bytes());
        bytes.extend((REQUEST | SET | last).to_ne_bytes());
        bytes.extend(u32::try_from(place).expect("few").to_ne_bytes());
        bytes.extend([0; 4]);
        bytes.extend(body);
    }
    bytes
}
