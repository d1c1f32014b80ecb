//! `bandwidth`: token buckets, and a device at which the container's own traffic queues.

use super::{NEWLINK, UP, anonymous};
use crate::floor::netlink::{Message, NEW, together};
use crate::floor::pod::Pod;
use crate::floor::script::{Script, Tag};

/// `RTM_DELLINK`, `RTM_NEWQDISC`, `RTM_DELQDISC`, `RTM_NEWTFILTER`.
const DELLINK: u16 = 17;
const NEWQDISC: u16 = 36;
const DELQDISC: u16 = 37;
const NEWTFILTER: u16 = 44;
/// Parents `TC_H_ROOT` and `TC_H_INGRESS`; the handles of the bucket and of the ingress qdisc.
const ROOT: u32 = 0xffff_ffff;
const INGRESS: u32 = 0xffff_fff1;
const BUCKET_HANDLE: u32 = 1 << 16;
const INGRESS_HANDLE: u32 = 0xffff_0000;
/// `TCA_KIND`, `TCA_OPTIONS`.
const KIND: u16 = 1;
const OPTIONS: u16 = 2;
/// The limits, in bytes a second and bytes.
const RATE: u32 = 12_500_000;
const BURST: u32 = 1_250_000;
const LIMIT: u32 = 312_500;
/// The third of our filters, for every protocol (`ETH_P_ALL`).
const FILTER: u32 = 0x0003_0300;

pub(super) fn add(script: Script, pod: &Pod) -> Script {
    let line = |direction: &str| format!("shaping {} {direction} {RATE} {BURST} {LIMIT} all\n", pod.link());
    let queue = pod.index + 1;
    script.record(pod, "bandwidth", &(line("ingress") + &line("egress"))).then(
        Tag::Route,
        &together(vec![
            bucket(pod.index),
            device(pod, queue),
            name(pod, queue),
            bucket(queue),
            up(queue),
            ingress(pod.index),
            redirect(pod.index, queue),
        ]),
    )
}

pub(super) fn del(script: Script, pod: &Pod) -> Script {
    let gone = |handle, parent| Message::new(DELQDISC, 0, &traffic([pod.index, handle, parent, 0]));
    let device = Message::new(DELLINK, 0, &index(pod.index + 1));
    script
        .then(Tag::Route, &together(vec![gone(INGRESS_HANDLE, INGRESS), gone(BUCKET_HANDLE, ROOT), device]))
        .forget(pod, "bandwidth")
}

/// `struct tcmsg`: link, handle, parent, info.
fn traffic(words: [u32; 4]) -> Vec<u8> {
    let mut header = vec![0; 4];
    header.extend(words.iter().flat_map(|word| word.to_ne_bytes()));
    header
}

/// `struct ifinfomsg` of a link that is there.
fn index(link: u32) -> Vec<u8> {
    let mut header = anonymous();
    header[4..8].copy_from_slice(&link.to_ne_bytes());
    header
}

/// `tc qdisc add dev … root handle 1: tbf rate 100mbit burst 1250000 limit 312500`
fn bucket(link: u32) -> Message {
    let mut parameters = vec![0, 1, 0, 0, 0, 0, 0, 0];
    parameters.extend_from_slice(&RATE.to_ne_bytes());
    parameters.extend_from_slice(&[0; 12]);
    parameters.extend_from_slice(&LIMIT.to_ne_bytes());
    parameters.extend_from_slice(&[0; 8]);
    // TCA_TBF_PARMS, TCA_TBF_RATE64, TCA_TBF_BURST.
    let options =
        Message::default().with(1, &parameters).with(4, &u64::from(RATE).to_ne_bytes()).number(6, BURST);
    Message::new(NEWQDISC, NEW, &traffic([link, BUCKET_HANDLE, ROOT, 0]))
        .text(KIND, "tbf")
        .nest(OPTIONS, &options)
}

/// The device: `IFLA_IFNAME`, `IFLA_ADDRESS`, `IFLA_MTU`, `IFLA_TXQLEN`, one queue each way, `IFLA_LINKINFO`.
fn device(pod: &Pod, queue: u32) -> Message {
    Message::new(NEWLINK, NEW, &index(queue))
        .text(3, &pod.queue())
        .with(1, &pod.queue_mac())
        .number(4, 1500)
        .number(13, 0)
        .number(31, 1)
        .number(32, 1)
        .nest(18, &Message::default().text(1, "ifb"))
}

/// `IFLA_IFALIAS`, and in `IFLA_AF_SPEC`, of `AF_INET6`: `IFLA_INET6_ADDR_GEN_MODE` none.
fn name(pod: &Pod, queue: u32) -> Message {
    let none = Message::default().nest(10, &Message::default().with(8, &[1]));
    Message::new(super::SETLINK, 0, &index(queue))
        .with(20, format!("trestle {}", pod.attachment()).as_bytes())
        .nest(26, &none)
}

fn up(queue: u32) -> Message {
    Message::new(super::SETLINK, 0, &super::link(queue, UP))
}

fn ingress(link: u32) -> Message {
    Message::new(NEWQDISC, NEW, &traffic([link, INGRESS_HANDLE, INGRESS, 0]))
        .text(KIND, "ingress")
        .with(OPTIONS, &[])
}

/// `tc filter add dev … ingress pref 3 protocol all u32 match u32 0 0 action mirred egress redirect dev …`
fn redirect(link: u32, queue: u32) -> Message {
    // One key that everything matches; TC_U32_TERMINAL.
    let selector = [&[1, 0, 1][..], &[0; 29]].concat();
    // TC_ACT_STOLEN, and TCA_EGRESS_REDIR to the device.
    let words: [u32; 7] = [0, 0, 4, 0, 0, 1, queue];
    let parameters: Vec<u8> = words.iter().flat_map(|word| word.to_ne_bytes()).collect();
    let action = Message::default().text(1, "mirred").nest(2, &Message::default().with(2, &parameters));
    let options = Message::default().with(5, &selector).nest(7, &Message::default().nest(1, &action));
    Message::new(NEWTFILTER, NEW, &traffic([link, 0, INGRESS_HANDLE, FILTER]))
        .text(KIND, "u32")
        .nest(OPTIONS, &options)
}
