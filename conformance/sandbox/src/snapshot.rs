//! Everything that a node holds, to be compared before and after.

mod files;
mod firewall;
mod network;
mod settled;

use std::collections::BTreeMap;
use std::fmt;

use crate::{Allowed, Place};

/// What sort of thing an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Link,
    Address,
    Route,
    Rule,
    PolicyRule,
    Neighbour,
    Fdb,
    Qdisc,
    Table,
    Chain,
    Set,
    Element,
    Conntrack,
    File,
    Directory,
}

/// One thing that the node holds.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Entry {
    pub(crate) kind: Kind,
    /// The link it hangs on; for a firewall rule its table.
    pub(crate) device: Option<String>,
    /// The whole of it, without what changes by itself: counters, timers, ages, indexes.
    pub(crate) text: String,
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} {}", self.kind, self.text)
    }
}

/// Where the calling thread is.
struct Here;

impl Place for Here {
    fn within<T>(&self, work: impl FnOnce() -> T) -> T {
        work()
    }
}

/// A node's links, addresses, routes of all tables, policy rules, neighbours, FDB, qdiscs, nftables ruleset, legacy
/// iptables, conntrack entries, and its files under `/var/lib/cni`, `/run` and `/etc/cni`. What pods hold inside
/// their own namespaces goes with those.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// How often each entry is there: two equal rules are two.
    entries: BTreeMap<Entry, usize>,
    allowed: Vec<Allowed>,
}

impl Snapshot {
    /// Reads a node or a machine, as soon as it stands still.
    ///
    /// # Panics
    /// Where a tool is missing or can't read something.
    #[must_use]
    pub fn take(place: &impl Place) -> Self {
        place.within(Self::here)
    }

    fn here() -> Self {
        settled::wait(&Here);
        let mut entries = BTreeMap::new();
        let all = network::read(&Here).into_iter().chain(firewall::read(&Here)).chain(files::read());
        for entry in all {
            *entries.entry(entry).or_default() += 1;
        }
        Self { entries, allowed: Vec::new() }
    }

    /// Forgives these on either side of a comparison.
    #[must_use]
    pub fn forgiving(mut self, allowed: &[Allowed]) -> Self {
        self.allowed.extend_from_slice(allowed);
        self
    }

    /// Asserts that nothing is left and nothing is gone.
    ///
    /// # Panics
    /// Where something is, with [`Snapshot::diff`].
    #[track_caller]
    pub fn assert_same(&self, later: &Self) {
        let difference = self.diff(later);
        assert!(difference.is_empty(), "the node is not as it was:\n{difference}");
    }

    /// What `later` has more (`left`) and what it lacks (`gone`), a line each; empty where they are equal.
    #[must_use]
    pub fn diff(&self, later: &Self) -> String {
        let mut lines = Vec::new();
        for (word, these, those) in [("gone", self, later), ("left", later, self)] {
            for (entry, count) in &these.entries {
                let other = those.entries.get(entry).copied().unwrap_or(0);
                let forgiven =
                    || self.allowed.iter().chain(&later.allowed).any(|allowed| allowed.forgives(entry));
                if *count > other && !forgiven() {
                    lines.push(format!("{word}: {entry}\n"));
                }
            }
        }
        lines.concat()
    }
}
