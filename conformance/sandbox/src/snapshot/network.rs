//! What `ip`, `bridge`, `tc` and `conntrack` show.

use std::net::IpAddr;

use serde_json::Value;

use crate::snapshot::{Entry, Kind};
use crate::{Node, Place};

/// What changes by itself, or differs for equal things made twice; a bridge's ID follows the MACs of its ports.
const VOLATILE: [&str; 29] = [
    "ifindex",
    "link_index",
    "operstate",
    "stats",
    "stats64",
    "valid_life_time",
    "preferred_life_time",
    "tentative",
    "expires",
    "refcnt",
    "handle",
    "cache",
    "packets",
    "bytes",
    "hello_timer",
    "tcn_timer",
    "topology_change_timer",
    "gc_timer",
    "hold_timer",
    "message_age_timer",
    "forward_delay_timer",
    "bridge_id",
    "root_id",
    "designated_bridge",
    "designated_root",
    "topology_change",
    "topology_change_detected",
    "config_pending",
    "use",
];

/// A tool, what its list holds, and the key that names an entry's link.
const LISTS: [(&[&str], Kind, &str); 8] = [
    (&["ip", "-j", "-d", "link", "show"], Kind::Link, "ifname"),
    (&["ip", "-j", "-4", "route", "show", "table", "all"], Kind::Route, "dev"),
    (&["ip", "-j", "-6", "route", "show", "table", "all"], Kind::Route, "dev"),
    (&["ip", "-j", "-4", "rule", "show"], Kind::PolicyRule, "iifname"),
    (&["ip", "-j", "-6", "rule", "show"], Kind::PolicyRule, "iifname"),
    (&["ip", "-j", "neigh", "show", "proxy"], Kind::Neighbour, "dev"),
    (&["bridge", "-j", "fdb", "show"], Kind::Fdb, "ifname"),
    (&["tc", "-j", "qdisc", "show"], Kind::Qdisc, "dev"),
];

/// How many connections this namespace has.
const TRACKED: &str = "/proc/sys/net/netfilter/nf_conntrack_count";

pub(crate) fn read(node: &Node) -> Vec<Entry> {
    let mut entries = Vec::new();
    for (command, kind, key) in LISTS {
        entries.extend(list(node, command).into_iter().map(|value| entry(kind, key, value)));
    }
    entries.extend(addresses(node));
    entries.extend(neighbours(node));
    entries.extend(conntrack(node));
    entries
}

fn list(node: &Node, command: &[&str]) -> Vec<Value> {
    let text = node.exec(command).stdout;
    // Older tools print nothing for an empty list, or empty objects in it.
    let values: Vec<Value> = match text.trim() {
        "" => Vec::new(),
        text => serde_json::from_str(text).unwrap_or_else(|error| panic!("{command:?}: {error}\n{text}")),
    };
    values.into_iter().filter(|value| value.as_object().is_some_and(|object| !object.is_empty())).collect()
}

fn entry(kind: Kind, key: &str, mut value: Value) -> Entry {
    let device = value[key].as_str().map(str::to_owned);
    strip(&mut value);
    Entry { kind, device, text: value.to_string() }
}

/// Takes out what changes by itself, at any depth.
pub(crate) fn strip(value: &mut Value) {
    match value {
        Value::Object(object) => {
            object.retain(|key, _| !VOLATILE.contains(&key.as_str()));
            object.values_mut().for_each(strip);
        }
        Value::Array(values) => values.iter_mut().for_each(strip),
        _ => {}
    }
}

fn addresses(node: &Node) -> Vec<Entry> {
    let mut entries = Vec::new();
    for link in list(node, &["ip", "-j", "addr", "show"]) {
        let device = link["ifname"].as_str().map(str::to_owned);
        for mut address in link["addr_info"].as_array().cloned().unwrap_or_default() {
            strip(&mut address);
            let text = format!("{} {address}", device.as_deref().unwrap_or("?"));
            entries.push(Entry { kind: Kind::Address, device: device.clone(), text });
        }
    }
    entries
}

/// Learnt and permanent ones; a question that got no answer isn't knowledge. How fresh one is changes by itself.
fn neighbours(node: &Node) -> Vec<Entry> {
    let mut entries = Vec::new();
    for mut value in list(node, &["ip", "-j", "neigh", "show"]) {
        let state = value["state"].to_string();
        if state.contains("FAILED") || state.contains("INCOMPLETE") {
            continue;
        }
        if let Some(object) = value.as_object_mut().filter(|_| !state.contains("PERMANENT")) {
            object.remove("state");
        }
        entries.push(entry(Kind::Neighbour, "dev", value));
    }
    entries
}

/// Protocol, both directions' addresses and ports, mark and zone; not the timer and the state. What went to a
/// group (a link's own membership reports) holds no address that a pod had or will have.
fn conntrack(node: &Node) -> Vec<Entry> {
    let mut entries = Vec::new();
    // The kernel walks one big table of all namespaces for a dump, which takes longer than all the rest of a snapshot.
    if std::fs::read_to_string(TRACKED).is_ok_and(|count| count.trim() == "0") {
        return entries;
    }
    for family in ["ipv4", "ipv6"] {
        for line in node.exec(&["conntrack", "-L", "-f", family]).stdout.lines() {
            let to =
                line.split_whitespace().find_map(|word| word.strip_prefix("dst=")?.parse::<IpAddr>().ok());
            if to.is_some_and(|to| to.is_multicast()) {
                continue;
            }
            let protocol = line.split_whitespace().next();
            let tuples = line.split_whitespace().filter(|word| {
                let key = word.split('=').next().unwrap_or_default();
                word.contains('=') && !VOLATILE.contains(&key)
            });
            let words: Vec<&str> = protocol.into_iter().chain(tuples).collect();
            entries.push(Entry { kind: Kind::Conntrack, device: None, text: words.join(" ") });
        }
    }
    entries
}
