//! What `nft` and the legacy `iptables` show.

use serde_json::Value;

use crate::Place;
use crate::snapshot::network::strip;
use crate::snapshot::{Entry, Kind};

/// The legacy tools of each family, and where the kernel lists the tables in use: asking the tool would make them.
const LEGACY: [(&str, &str); 2] = [
    ("iptables-legacy-save", "/proc/thread-self/net/ip_tables_names"),
    ("ip6tables-legacy-save", "/proc/thread-self/net/ip6_tables_names"),
];

pub(crate) fn read(node: &impl Place) -> Vec<Entry> {
    let text = node.exec(&["nft", "-j", "list", "ruleset"]).stdout;
    let ruleset: Value =
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("nft -j list ruleset: {error}\n{text}"));
    let objects = ruleset["nftables"].as_array().cloned().unwrap_or_default();
    let mut entries: Vec<Entry> = objects.into_iter().flat_map(nftables).collect();
    for (tool, tables) in LEGACY {
        // Absent where the kernel has no legacy tables.
        if std::fs::read_to_string(tables).is_ok_and(|names| !names.trim().is_empty()) {
            entries.extend(legacy(&node.exec(&[tool]).stdout));
        }
    }
    entries
}

/// An object of the ruleset; a set's elements are entries of their own.
fn nftables(mut object: Value) -> Vec<Entry> {
    strip(&mut object);
    let Some((word, body)) = object.as_object_mut().and_then(|object| object.iter_mut().next()) else {
        return Vec::new();
    };
    let kind = match word.as_str() {
        "metainfo" => return Vec::new(),
        "table" => Kind::Table,
        "chain" => Kind::Chain,
        "rule" => Kind::Rule,
        _ => Kind::Set,
    };
    let named = if kind == Kind::Table { "name" } else { "table" };
    let table = body[named].as_str().map(str::to_owned);
    let elements = body.as_object_mut().and_then(|body| body.remove("elem"));
    let holder = format!("{} {} {}", body["family"], body["table"], body["name"]);
    let mut entries = vec![Entry { kind, device: table.clone(), text: body.to_string() }];
    for element in elements.iter().filter_map(Value::as_array).flatten() {
        let text = format!("{holder} {element}");
        entries.push(Entry { kind: Kind::Element, device: table.clone(), text });
    }
    entries
}

/// Lines of `iptables-save`: `*table`, `:chain policy [counters]`, `-A chain …`.
fn legacy(text: &str) -> Vec<Entry> {
    let mut entries = Vec::new();
    let mut table = String::new();
    for line in text.lines() {
        let line = line.split(" [").next().unwrap_or(line);
        let kind = match line.bytes().next() {
            Some(b'*') => Kind::Table,
            Some(b':') => Kind::Chain,
            Some(b'-') => Kind::Rule,
            _ => continue,
        };
        if kind == Kind::Table {
            line[1..].clone_into(&mut table);
        }
        entries.push(Entry { kind, device: Some(table.clone()), text: format!("legacy {table} {line}") });
    }
    entries
}
