//! What Prometheus reads at `/metrics`.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use crate::status::Status;

/// Upper bounds of a pass's duration, in seconds.
const BUCKETS: [f64; 8] = [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 10.0];

/// One of a metric's kinds.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct Kind {
    kind: String,
}

/// A packet's sender.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct Source {
    source: String,
}

/// Counters of the loop, and what follows from its status.
#[derive(Clone)]
pub(crate) struct Metrics {
    registry: Arc<Registry>,
    passes: Histogram,
    repairs: Family<Kind, Counter>,
    refusals: Counter,
    lost: Counter,
    succeeded: Gauge<f64, AtomicU64>,
    nodes: Gauge,
    paths: Family<Kind, Gauge>,
    ready: Gauge,
    dropped: Family<Source, Gauge>,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("trestle");
        let mut metrics = Self {
            registry: Arc::default(),
            passes: Histogram::new(BUCKETS),
            repairs: Family::default(),
            refusals: Counter::default(),
            lost: Counter::default(),
            succeeded: Gauge::default(),
            nodes: Gauge::default(),
            paths: Family::default(),
            ready: Gauge::default(),
            dropped: Family::default(),
        };
        let m = &metrics;
        let seconds = Unit::Seconds;
        registry.register_with_unit(
            "pass_duration",
            "Time of a pass over the kernel",
            seconds.clone(),
            m.passes.clone(),
        );
        registry.register(
            "repairs",
            "Objects of the kernel that were found wrong and mended, by kind",
            m.repairs.clone(),
        );
        registry.register("kernel_refusals", "Changes that the kernel refused", m.refusals.clone());
        registry.register("source_losses", "Times that no news of Nodes could be had", m.lost.clone());
        registry.register_with_unit(
            "last_success_timestamp",
            "When a pass last ended as wanted",
            seconds,
            m.succeeded.clone(),
        );
        registry.register("nodes", "Nodes known", m.nodes.clone());
        registry.register(
            "paths",
            "Paths to other nodes' pods, by kind: wanted, programmed, refused",
            m.paths.clone(),
        );
        registry.register("ready", "1 where every valid known path is in the kernel", m.ready.clone());
        registry.register(
            "tunnel_dropped_packets",
            "Tunnel packets dropped, by a source that is no node's",
            m.dropped.clone(),
        );
        metrics.registry = Arc::new(registry);
        metrics
    }
}

impl Metrics {
    /// A pass took so long.
    pub(crate) fn passed(&self, time: Duration) {
        self.passes.observe(time.as_secs_f64());
    }

    /// A pass ended as wanted.
    pub(crate) fn succeeded(&self, when: SystemTime) {
        self.succeeded.set(when.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64());
    }

    /// An object of this kind was mended.
    pub(crate) fn repaired(&self, kind: &str) {
        self.repairs.get_or_create(&Kind { kind: kind.to_owned() }).inc();
    }

    /// The kernel refused so many changes.
    pub(crate) fn refused(&self, count: u64) {
        self.refusals.inc_by(count);
    }

    /// No news of Nodes can be had.
    pub(crate) fn lost(&self) {
        self.lost.inc();
    }

    /// So many packets of each source were dropped since the rule was made.
    pub(crate) fn dropped(&self, sources: impl IntoIterator<Item = (String, u64)>) {
        self.dropped.clear();
        for (source, packets) in sources {
            let packets = i64::try_from(packets).unwrap_or(i64::MAX);
            self.dropped.get_or_create(&Source { source }).set(packets);
        }
    }

    /// All of it, as Prometheus wants it.
    pub(crate) fn encode(&self, status: &Status) -> String {
        let number = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        self.nodes.set(number(status.nodes));
        self.ready.set(i64::from(status.ready().is_ok()));
        for (kind, count) in [
            ("wanted", status.paths.wanted),
            ("programmed", status.paths.programmed),
            ("refused", status.paths.refused),
        ] {
            self.paths.get_or_create(&Kind { kind: kind.to_owned() }).set(number(count));
        }
        let mut text = String::new();
        // Writing to a string does not fail.
        let _ = encode(&mut text, &self.registry);
        text
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    const DASHBOARD: &str = include_str!("../../deploy/grafana/trestle.json");

    /// The words of a text that begin as the names of our metrics do.
    fn names(text: &str) -> BTreeSet<&str> {
        let words = text.split(|character: char| !character.is_ascii_alphanumeric() && character != '_');
        words.filter(|word| word.starts_with("trestle_")).collect()
    }

    #[test]
    fn the_dashboard_asks_for_metrics_that_there_are_and_for_each_of_them() {
        let metrics = Metrics::default();
        metrics.passed(Duration::from_millis(1));
        metrics.repaired("route");
        metrics.dropped([("192.0.2.1".to_owned(), 1)]);
        let text = metrics.encode(&Status::default());
        let samples = text.lines().filter(|line| !line.starts_with('#'));
        let mut shown: BTreeSet<_> = samples.flat_map(names).collect();
        for rest in ["sum", "count"] {
            shown.remove(format!("trestle_pass_duration_seconds_{rest}").as_str());
        }
        assert_eq!(names(DASHBOARD), shown);
    }
}
