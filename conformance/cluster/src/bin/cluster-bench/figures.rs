//! What was measured, and how it is told.

use std::time::Duration;

use serde_json::{Value, json};

/// Packets of one event.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Lost {
    /// Sent.
    pub(crate) sent: u64,
    /// Not answered.
    pub(crate) lost: u64,
}

/// Of one contender. One of each a round, but for Pods, of which there are many.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    /// From `kubectl apply` until every node is Ready, and every agent.
    pub(crate) ready: Vec<Duration>,
    /// From a Pod's creation until it runs, one Pod at a time.
    pub(crate) alone: Vec<Duration>,
    /// The same of many at once.
    pub(crate) crowd: Vec<Duration>,
    /// Processor time of containerd's children, for each Pod.
    pub(crate) plugins: Vec<Duration>,
    /// Processor time of an agent, for each second in which Pods are made.
    pub(crate) agent: Vec<Duration>,
    /// While the agents' Pods are made anew, one after the other.
    pub(crate) upgrade: Vec<Lost>,
    /// While the ones before come back.
    pub(crate) rollback: Vec<Lost>,
    /// While Trestle comes in flannel's place.
    pub(crate) take_over: Vec<Lost>,
}

impl Figures {
    /// One more round.
    pub(crate) fn take(&mut self, round: Self) {
        let Self { ready, alone, crowd, plugins, agent, upgrade, rollback, take_over } = round;
        self.ready.extend(ready);
        self.alone.extend(alone);
        self.crowd.extend(crowd);
        self.plugins.extend(plugins);
        self.agent.extend(agent);
        self.upgrade.extend(upgrade);
        self.rollback.extend(rollback);
        self.take_over.extend(take_over);
    }

    /// What the table and the file have, in their order: name, unit, value as text.
    fn rows(&self) -> [(&'static str, Value); 10] {
        [
            ("apply → every node Ready, median, s", seconds(&self.ready, 50)),
            ("one Pod: creation → Running, p50, s", seconds(&self.alone, 50)),
            ("one Pod: creation → Running, p99, s", seconds(&self.alone, 99)),
            ("30 Pods at once: creation → Running, p50, s", seconds(&self.crowd, 50)),
            ("30 Pods at once: creation → Running, p99, s", seconds(&self.crowd, 99)),
            ("CPU of containerd's children, a Pod, median, s", seconds(&self.plugins, 50)),
            ("CPU of the agent, a second, median, s", seconds(&self.agent, 50)),
            ("packets lost in the agents' upgrade", packets(&self.upgrade)),
            ("packets lost in their rollback", packets(&self.rollback)),
            ("packets lost when Trestle takes over", packets(&self.take_over)),
        ]
    }
}

/// The smallest value that so many of a hundred don't exceed.
fn percentile(all: &[Duration], percent: usize) -> Option<Duration> {
    let mut all = all.to_vec();
    all.sort();
    let index = (all.len() * percent).div_ceil(100).checked_sub(1)?;
    all.get(index).copied()
}

fn seconds(all: &[Duration], percent: usize) -> Value {
    percentile(all, percent).map_or(Value::Null, |found| json!(format!("{:.3}", found.as_secs_f64())))
}

fn packets(all: &[Lost]) -> Value {
    if all.is_empty() {
        return Value::Null;
    }
    let (sent, lost) = all.iter().fold((0, 0), |sum, one| (sum.0 + one.sent, sum.1 + one.lost));
    json!(format!("{lost} of {sent}"))
}

/// A column for each contender.
pub(crate) fn table(names: &[&str], all: &[Figures]) -> String {
    let line = |title: &str, cells: Vec<&str>| {
        cells.iter().fold(format!("{title:<50}"), |text, cell| format!("{text}{cell:>22}")) + "\n"
    };
    let columns: Vec<_> = all.iter().map(Figures::rows).collect();
    let mut text = line("", names.to_vec());
    for (index, (title, _)) in Figures::default().rows().iter().enumerate() {
        let cells = columns.iter().map(|rows| rows[index].1.as_str().unwrap_or("-"));
        text += &line(title, cells.collect());
    }
    text
}

/// Every single figure: durations in seconds, packets as `[sent, lost]`.
pub(crate) fn json(names: &[&str], all: &[Figures]) -> String {
    let durations = |all: &[Duration]| all.iter().map(Duration::as_secs_f64).collect::<Vec<_>>();
    let packets = |all: &[Lost]| all.iter().map(|one| [one.sent, one.lost]).collect::<Vec<_>>();
    let one = |(name, figures): (&&str, &Figures)| {
        let told = json!({
            "ready": durations(&figures.ready),
            "alone": durations(&figures.alone),
            "crowd": durations(&figures.crowd),
            "plugins": durations(&figures.plugins),
            "agent": durations(&figures.agent),
            "upgrade": packets(&figures.upgrade),
            "rollback": packets(&figures.rollback),
            "take_over": packets(&figures.take_over),
        });
        ((*name).to_owned(), told)
    };
    let all: serde_json::Map<String, Value> = names.iter().zip(all).map(one).collect();
    format!("{:#}\n", Value::Object(all))
}
