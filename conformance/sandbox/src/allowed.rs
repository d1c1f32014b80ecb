//! What may stay when everything else must be gone.

use crate::snapshot::{Entry, Kind};

/// Something that a [`Snapshot`](crate::Snapshot) forgives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Allowed {
    /// The bridge of this name, its own addresses, the routes that the kernel made for them, its own FDB entries.
    Bridge(&'static str),
    /// Tables, chains and sets that hold nothing, of nftables and of iptables.
    EmptyTables,
    /// The constant rules of the nftables table of this name. Elements of its sets are not forgiven.
    RulesOf(&'static str),
    /// host-local's `lock` and `last_reserved_ip.N`.
    HostLocalMarks,
    /// Directories that hold nothing else.
    EmptyDirectories,
    /// Any entry whose text, as a diff prints it, holds this: the way out for what only one client leaves.
    Containing(&'static str),
}

impl Allowed {
    /// What a whole life of pods may leave on a node: "Nothing left" but this bridge and empty shells.
    #[must_use]
    pub const fn after_del(bridge: &'static str) -> [Self; 4] {
        [Self::Bridge(bridge), Self::EmptyTables, Self::HostLocalMarks, Self::EmptyDirectories]
    }

    pub(crate) fn forgives(self, entry: &Entry) -> bool {
        match self {
            Self::Bridge(name) => entry.device.as_deref() == Some(name) && belongs_to_a_bridge(entry),
            Self::EmptyTables => matches!(entry.kind, Kind::Table | Kind::Chain | Kind::Set),
            Self::RulesOf(table) => entry.kind == Kind::Rule && entry.device.as_deref() == Some(table),
            Self::HostLocalMarks => entry.kind == Kind::File && is_host_local_mark(&entry.text),
            Self::EmptyDirectories => entry.kind == Kind::Directory,
            Self::Containing(text) => entry.to_string().contains(text),
        }
    }
}

fn belongs_to_a_bridge(entry: &Entry) -> bool {
    match entry.kind {
        Kind::Link | Kind::Address | Kind::Fdb | Kind::Qdisc => true,
        Kind::Route => entry.text.contains(r#""protocol":"kernel""#),
        _ => false,
    }
}

fn is_host_local_mark(file: &str) -> bool {
    let path = file.split(' ').next().unwrap_or(file);
    let name = path.rsplit('/').next().unwrap_or(path);
    name == "lock" || name.starts_with("last_reserved_ip.")
}
