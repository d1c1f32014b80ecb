//! What the kernel does by itself a moment after a link comes up: a bridge follows its ports, and IPv6 gives each link
//! an address of its own. A snapshot taken earlier would differ from the next for no reason of anybody's.

use std::fs;

use serde_json::Value;

use crate::Place;
use crate::eventually::{PATIENCE, eventually};

/// Waits until nothing more comes by itself. What never comes is no failure: the comparison tells.
pub(crate) fn wait(node: &impl Place) {
    let _ = eventually(PATIENCE, || {
        let links: Vec<Value> =
            serde_json::from_str(&node.exec(&["ip", "-j", "-d", "addr", "show"]).stdout).unwrap_or_default();
        links.iter().all(|link| follows(link, &links) && leads(link, &links) && has_own_address(link))
    });
}

fn carries(link: &Value) -> bool {
    let flags = link["flags"].as_array().map(Vec::as_slice).unwrap_or_default();
    ["UP", "LOWER_UP"].iter().all(|flag| flags.iter().any(|found| found == flag))
}

/// A bridge carries as soon as one of its ports does.
fn follows(port: &Value, links: &[Value]) -> bool {
    let Some(master) = port["master"].as_str().filter(|_| carries(port)) else { return true };
    links.iter().any(|link| link["ifname"] == master && carries(link))
}

/// And no longer than that. (One that never had a port carries, too, in a state of its own.)
fn leads(bridge: &Value, links: &[Value]) -> bool {
    let had_ports = bridge["linkinfo"]["info_kind"] == "bridge" && bridge["operstate"] == "UP";
    !had_ports || links.iter().any(|port| port["master"] == bridge["ifname"] && carries(port))
}

fn has_own_address(link: &Value) -> bool {
    let name = link["ifname"].as_str().unwrap_or_default();
    let says = |key: &str, text: &str| {
        fs::read_to_string(format!("/proc/sys/net/ipv6/conf/{name}/{key}"))
            .is_ok_and(|value| value.trim() == text)
    };
    // Without IPv6, or without an address of its own (`ip link set … addrgenmode none`).
    let wants_none = !says("disable_ipv6", "0") || says("addr_gen_mode", "1");
    let own = |address: &Value| {
        address["family"] == "inet6" && address["scope"] == "link" && address["tentative"] != true
    };
    let addresses = link["addr_info"].as_array().map(Vec::as_slice).unwrap_or_default();
    link["link_type"] == "loopback" || wants_none || !carries(link) || addresses.iter().any(own)
}
