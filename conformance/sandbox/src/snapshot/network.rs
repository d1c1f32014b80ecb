//! What `ip`, `bridge`, `tc` and `conntrack` show.

use std::net::IpAddr;

use serde_json::Value;

use crate::Place;
use crate::snapshot::{Entry, Kind};

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

/// What becomes of one object of a list.
type Reader = fn(Value) -> Vec<Entry>;

/// The questions to `ip` by family, one process for several: a test takes hundreds of snapshots.
const IP: [(&str, &[(&str, Reader)]); 3] = [
    (
        "",
        &[
            ("link show", link),
            ("addr show", addresses),
            ("neigh show", neighbour),
            ("neigh show proxy", neighbour),
        ],
    ),
    ("-4", &[("route show table all", route), ("rule show", policy_rule)]),
    ("-6", &[("route show table all", route), ("rule show", policy_rule)]),
];

/// The questions to other tools.
const FDB: [&str; 4] = ["bridge", "-j", "fdb", "show"];
const QDISCS: [&str; 4] = ["tc", "-j", "qdisc", "show"];

/// How many connections this namespace has.
const TRACKED: &str = "/proc/sys/net/netfilter/nf_conntrack_count";

pub(crate) fn read(node: &impl Place) -> Vec<Entry> {
    let mut entries = Vec::new();
    for (family, questions) in IP {
        let lines: Vec<&str> = questions.iter().map(|(line, _)| *line).collect();
        let script = format!("ip -j -d {family} -batch - <<'END'\n{}\nEND", lines.join("\n"));
        let lists = lists(&node.sh(&script).stdout);
        assert!(lists.len() == lines.len(), "ip answers {} of {lines:?}", lists.len());
        for (list, (_, reader)) in lists.into_iter().zip(questions) {
            entries.extend(list.into_iter().flat_map(reader));
        }
    }
    let fdb_entries = lists(&node.exec(&FDB).stdout).concat();
    let learned: Vec<_> = fdb_entries.iter().filter(|entry| is_learned(entry)).collect();
    entries.retain(|entry| !is_met(entry, &learned));
    entries.extend(fdb_entries.iter().filter(|entry| !is_learned(entry)).cloned().flat_map(fdb));
    entries.extend(lists(&node.exec(&QDISCS).stdout).concat().into_iter().flat_map(qdisc));
    entries.extend(conntrack(node));
    entries
}

/// The lists of objects that a tool prints one after the other. Some tools print an empty object for nothing.
fn lists(text: &str) -> Vec<Vec<Value>> {
    let lists = serde_json::Deserializer::from_str(text).into_iter::<Vec<Value>>();
    let filled = |value: &Value| value.as_object().is_some_and(|object| !object.is_empty());
    lists
        .map(|list| {
            list.unwrap_or_else(|error| panic!("no list: {error}\n{text}"))
                .into_iter()
                .filter(filled)
                .collect()
        })
        .collect()
}

fn entry(kind: Kind, key: &str, mut value: Value) -> Vec<Entry> {
    let device = value[key].as_str().map(str::to_owned);
    strip(&mut value);
    vec![Entry { kind, device, text: value.to_string() }]
}

fn link(value: Value) -> Vec<Entry> {
    entry(Kind::Link, "ifname", value)
}

fn route(value: Value) -> Vec<Entry> {
    entry(Kind::Route, "dev", value)
}

fn policy_rule(value: Value) -> Vec<Entry> {
    entry(Kind::PolicyRule, "iifname", value)
}

fn fdb(value: Value) -> Vec<Entry> {
    entry(Kind::Fdb, "ifname", value)
}

/// An entry that a port learned from a frame comes and goes with the frames, and with the port.
fn is_learned(fdb: &Value) -> bool {
    fdb["state"] == "" && fdb["flags"].as_array().is_none_or(Vec::is_empty)
}

/// Who is behind a port now may be met by its link's own address at any time. Who was there before has no port.
fn is_met(entry: &Entry, learned: &[&Value]) -> bool {
    let own_address = entry.kind == Kind::Neighbour && entry.text.contains("\"dst\":\"fe80::");
    own_address && learned.iter().any(|fdb| entry.text.contains(&fdb["mac"].to_string()))
}

fn qdisc(value: Value) -> Vec<Entry> {
    entry(Kind::Qdisc, "dev", value)
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

fn addresses(mut link: Value) -> Vec<Entry> {
    let device = link["ifname"].as_str().map(str::to_owned);
    let mut entries = Vec::new();
    let Value::Array(addresses) = link["addr_info"].take() else { return entries };
    for mut address in addresses {
        strip(&mut address);
        let text = format!("{} {address}", device.as_deref().unwrap_or("?"));
        entries.push(Entry { kind: Kind::Address, device: device.clone(), text });
    }
    entries
}

/// Learnt and permanent ones; a question that got no answer isn't knowledge. How fresh one is changes by itself.
fn neighbour(mut value: Value) -> Vec<Entry> {
    let state = value["state"].to_string();
    if state.contains("FAILED") || state.contains("INCOMPLETE") {
        return Vec::new();
    }
    if let Some(object) = value.as_object_mut().filter(|_| !state.contains("PERMANENT")) {
        object.remove("state");
    }
    entry(Kind::Neighbour, "dev", value)
}

/// Protocol, both directions' addresses and ports, mark and zone; not the timer and the state. What went to a
/// group (a link's own membership reports) holds no address that a pod had or will have.
fn conntrack(node: &impl Place) -> Vec<Entry> {
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
