//! What is measured, row by row.

use std::time::Duration;

use crate::call::{Counts, Took, measured};
use crate::contender::{Contender, Operation};
use crate::floor::{Plugin, Reach};
use crate::list::{FULL, List};

/// A row of the table: an operation, done by every contender in turn.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    /// As the table and the plots call it.
    pub title: &'static str,
    /// What is attached.
    pub list: List,
    /// How many pods at once.
    pub together: u16,
}

/// What a contender needed for an operation of a row, in every round.
#[derive(Debug, Clone)]
pub struct Series {
    /// The row.
    pub title: String,
    /// ADD, DEL, STATUS, …
    pub command: &'static str,
    /// Pods that are there already.
    pub present: u16,
    /// How many at once.
    pub together: u16,
    /// Who.
    pub contender: String,
    /// One for each round, of the same rounds as the other contenders'.
    pub rounds: Vec<Took>,
    /// What one more round did, where it was counted.
    pub counts: Option<Counts>,
}

const BRIDGE: &[Plugin] = &[Plugin::Bridge];
const PORTMAP: &[Plugin] = &[Plugin::Bridge, Plugin::Portmap];

const fn row(title: &'static str, plugins: &'static [Plugin], reach: Reach, ports: u16) -> Row {
    Row { title, list: List { plugins, reach, ports }, together: 1 }
}

/// One pod at a time, on a node with one.
pub const ALONE: [Row; 7] = [
    row("loopback", &[Plugin::Loopback], Reach::Bridge, 0),
    row("bridge", BRIDGE, Reach::Bridge, 0),
    row("gateway", BRIDGE, Reach::Gateway, 0),
    row("ipMasq", BRIDGE, Reach::Masquerade, 0),
    row("one port", PORTMAP, Reach::Masquerade, 1),
    row("ten ports", PORTMAP, Reach::Masquerade, 10),
    row("full chain", FULL, Reach::Masquerade, 1),
];

/// On a node with more pods.
pub const CROWDED: [Row; 2] = [ALONE[2], ALONE[4]];

/// Several at once.
pub const TOGETHER: [u16; 4] = [1, 4, 16, 64];

/// An address by itself.
pub const ADDRESS: Row = row("host-local", &[Plugin::HostLocal], Reach::Bridge, 0);

/// ADD and DEL of a row, in so many rounds, each contender's turn earlier in the one and later in the next. The first makes what stays
/// and is left out; after the last, one pod beside one is done once more and counted (a tracer is slow where much is there).
pub fn take_turns(row: &Row, present: u16, rounds: usize, contenders: &mut [Contender]) -> Vec<Series> {
    let pods: Vec<u16> = (1..=row.together).map(|number| present + number).collect();
    let mut series = Vec::new();
    for command in ["ADD", "DEL"] {
        for contender in contenders.iter() {
            series.push(Series {
                title: row.title.to_owned(),
                command,
                present,
                together: row.together,
                contender: contender.name.to_owned(),
                rounds: Vec::new(),
                counts: None,
            });
        }
    }
    let count = contenders.len();
    for round in 0..=rounds {
        for (half, command) in ["ADD", "DEL"].into_iter().enumerate() {
            for turn in 0..count {
                let who = (round + turn) % count;
                let operation = Operation { command, list: row.list };
                let (took, ()) = measured(|| contenders[who].operate(operation, &pods));
                if round > 0 {
                    series[half * count + who].rounds.push(took);
                }
            }
        }
    }
    if let ([pod], 1) = (&pods[..], present) {
        for (half, command) in ["ADD", "DEL"].into_iter().enumerate() {
            for (who, contender) in contenders.iter_mut().enumerate() {
                series[half * count + who].counts =
                    Some(contender.count(Operation { command, list: row.list }, *pod));
            }
        }
    }
    series
}

/// Brings the contenders' nodes from `from` to `to` pods, ten at a time in turns. Of each ten, what the whole machine
/// spent on it, the kernel's own threads included.
pub fn grow(from: u16, to: u16, contenders: &mut [Contender]) -> Vec<Series> {
    let series = |contender: &Contender| Series {
        title: "growing, the whole machine".to_owned(),
        command: "ADD",
        present: to,
        together: 1,
        contender: contender.name.to_owned(),
        rounds: Vec::new(),
        counts: None,
    };
    let mut all: Vec<Series> = contenders.iter().map(series).collect();
    let numbers: Vec<u16> = (from..to).collect();
    for ten in numbers.chunks(10) {
        for (contender, series) in contenders.iter_mut().zip(&mut all) {
            let before = machine();
            let (took, ()) = measured(|| {
                for number in ten {
                    contender.operate(Operation { command: "ADD", list: ALONE[2].list }, &[*number]);
                }
            });
            // What it set off goes on for a moment.
            std::thread::sleep(Duration::from_millis(150));
            series.rounds.push(Took { cpu: machine().saturating_sub(before), ..took });
        }
    }
    all
}

/// What all processors have spent at work (`/proc/stat`, hundredths of a second).
fn machine() -> Duration {
    let text = std::fs::read_to_string("/proc/stat").unwrap_or_default();
    let numbers: Vec<u64> = text
        .lines()
        .next()
        .into_iter()
        .flat_map(|line| line.split_whitespace().skip(1))
        .filter_map(|word| word.parse().ok())
        .collect();
    // user, nice, system, idle, iowait, irq, softirq
    let busy: u64 = [0, 1, 2, 5, 6].iter().filter_map(|place| numbers.get(*place)).sum();
    Duration::from_millis(busy * 10)
}

/// STATUS by each contender that has it, beside a process that does nothing.
pub fn status(rounds: usize, contenders: &[Contender], empty: &std::path::Path, present: u16) -> Vec<Series> {
    let named = |name: &str| Series {
        title: "STATUS".to_owned(),
        command: "STATUS",
        present,
        together: 1,
        contender: name.to_owned(),
        rounds: Vec::new(),
        counts: None,
    };
    let asked: Vec<&Contender> =
        contenders.iter().filter(|contender| ["ours", "1.9.1 iptables"].contains(&contender.name)).collect();
    let mut all: Vec<Series> = asked.iter().map(|contender| named(contender.name)).collect();
    let mut nothing = named("empty process");
    for _ in 0..rounds {
        for (contender, series) in asked.iter().zip(&mut all) {
            series.rounds.push(measured(|| contender.status(&ALONE[2].list)).0);
        }
        nothing.rounds.push(measured(|| crate::call::run(empty, &[], b"")).0);
    }
    all.push(nothing);
    all
}
