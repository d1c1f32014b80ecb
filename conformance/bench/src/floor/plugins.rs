//! The plugins that a runtime runs, as scripts.

mod bandwidth;
mod bridge;
mod rules;

use super::netlink::{Message, together};
use super::pod::Pod;
use super::script::{File, Script, Tag};

/// A plugin of which there is a floor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plugin {
    /// `lo` of the container, up.
    Loopback,
    /// The link, its addresses, masquerade.
    Bridge,
    /// Ports of the node.
    Portmap,
    /// The container's traffic is let through.
    Firewall,
    /// 100 Mbit/s in both directions.
    Bandwidth,
    /// `net.core.somaxconn` in the container.
    Tuning,
    /// An address, by itself.
    HostLocal,
}

/// `RTM_NEWLINK` and `RTM_SETLINK`.
const NEWLINK: u16 = 16;
const SETLINK: u16 = 19;
/// `IFF_UP`.
const UP: u32 = 1;
/// The setting that tuning changes, and what it is before and after.
const SETTING: &str = "net/core/somaxconn";
const VALUES: [&str; 2] = ["4096", "500"];

/// What the floor does in place of the plugin's ADD or DEL. `answer` is what an ADD prints.
///
/// # Panics
/// For any other command.
#[must_use]
pub fn script(plugin: Plugin, command: &str, pod: &Pod, answer: &str) -> Script {
    let script = Script::default();
    let script = match (plugin, command) {
        (Plugin::Loopback, "ADD") => loopback(script, pod, UP),
        (Plugin::Loopback, "DEL") => loopback(script, pod, 0),
        (Plugin::Bridge, "ADD") => bridge::add(script, pod),
        (Plugin::Bridge, "DEL") => bridge::del(script, pod),
        (Plugin::Portmap, "ADD") => rules::map_ports(script, pod),
        (Plugin::Portmap, "DEL") => rules::unmap_ports(script, pod),
        (Plugin::Firewall, "ADD") => rules::accept(script, pod),
        (Plugin::Firewall, "DEL") => rules::refuse(script, pod),
        (Plugin::Bandwidth, "ADD") => bandwidth::add(script, pod),
        (Plugin::Bandwidth, "DEL") => bandwidth::del(script, pod),
        (Plugin::Tuning, "ADD") => {
            let [before, after] = VALUES;
            let script = script.record(pod, "tuning", &format!("setting {SETTING} {after} {before}\n"));
            tuning(script, pod, after)
        }
        (Plugin::Tuning, "DEL") => {
            let [before, _] = VALUES;
            tuning(script, pod, before).forget(pod, "tuning")
        }
        (Plugin::HostLocal, "ADD") => script.reserve(pod),
        (Plugin::HostLocal, "DEL") => script.release(pod),
        _ => panic!("the floor knows ADD and DEL, not {command}"),
    };
    if answer.is_empty() { script } else { script.then(Tag::Answer, answer.as_bytes()) }
}

fn loopback(script: Script, pod: &Pod, flags: u32) -> Script {
    let change = Message::new(SETLINK, 0, &link(1, flags));
    script
        .then(Tag::Open, pod.netns.as_bytes())
        .then(Tag::Enter, &[])
        .then(Tag::Route, &together(vec![change]))
}

fn tuning(script: Script, pod: &Pod, value: &str) -> Script {
    let path = format!("/proc/sys/{SETTING}");
    let setting = File { mode: 0, date: None, path: &path, content: value };
    script.then(Tag::Open, pod.netns.as_bytes()).then(Tag::Enter, &[]).then(Tag::Write, &setting.bytes())
}

/// `struct ifinfomsg` that says whether the link is up.
fn link(index: u32, flags: u32) -> Vec<u8> {
    let mut header = anonymous();
    header[4..8].copy_from_slice(&index.to_ne_bytes());
    header[8..12].copy_from_slice(&flags.to_ne_bytes());
    header[12..16].copy_from_slice(&UP.to_ne_bytes());
    header
}

/// `struct ifinfomsg` that says nothing.
fn anonymous() -> Vec<u8> {
    vec![0; 16]
}
