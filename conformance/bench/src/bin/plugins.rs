//! Measures directories of plugins beside each other and beside a floor, and writes a table, JSON and plots.

use std::fs;
use std::io::Write as _;
use std::path::PathBuf;

use bench::contender::{Contender, Kind};
use bench::rows::{ADDRESS, ALONE, CROWDED, Row, Series, TOGETHER, grow, status, take_turns};
use bench::{plot, report};
use sandbox::Node;

/// Where things are, and how long it may take: `NAME=VALUE` each, in the environment `run` makes.
fn path(name: &str) -> PathBuf {
    std::env::var_os(name)
        .map_or_else(|| panic!("{name} isn't set: start conformance/bench/run"), PathBuf::from)
}

/// How thorough to be.
struct Pace {
    /// Rounds of a row.
    rounds: usize,
    /// Pods to grow to, in steps.
    crowds: &'static [u16],
    /// How many at once, at most.
    together: u16,
    /// Addresses in use.
    addresses: &'static [u16],
}

const WHOLE: Pace = Pace { rounds: 30, crowds: &[100, 250], together: 64, addresses: &[10, 1000, 60_000] };
const QUICK: Pace = Pace { rounds: 8, crowds: &[20], together: 4, addresses: &[10, 1000] };

fn main() {
    let quick = std::env::args().any(|argument| argument == "--quick");
    let only_ours = std::env::args().any(|argument| argument == "--floor");
    let pace = if quick { QUICK } else { WHOLE };
    let node = Node::enter();
    let mut kinds = vec![
        ("ours", Kind::Plugins { directory: path("BENCH_OURS"), backend: None }),
        ("floor", Kind::Floor { program: path("BENCH_FLOOR"), ground: path("BENCH_OURS") }),
    ];
    if !only_ours {
        let newest = path("BENCH_NEWEST");
        kinds
            .push(("1.9.1 iptables", Kind::Plugins { directory: newest.clone(), backend: Some("iptables") }));
        kinds.push(("1.9.1 nftables", Kind::Plugins { directory: newest, backend: Some("nftables") }));
        kinds.push(("1.1.1", Kind::Plugins { directory: path("BENCH_DEBIAN"), backend: None }));
    }
    let pods = pace.crowds.iter().copied().max().unwrap_or(1).max(pace.together) + 66;
    let mut contenders: Vec<Contender> = kinds
        .into_iter()
        .map(|(name, kind)| Contender::new(name, kind, &node, &path("BENCH_DISK"), pods))
        .collect();
    let mut all = Vec::new();
    let mut done = |series: Vec<Series>| {
        if let Some(first) = series.first() {
            // Nothing but a sign of life.
            let _ = writeln!(
                std::io::stderr(),
                "{}, {} there, {} at once",
                first.title,
                first.present,
                first.together
            );
        }
        all.extend(series);
    };
    for row in &ALONE {
        done(take_turns(row, 1, pace.rounds, &mut contenders));
    }
    for together in TOGETHER.into_iter().filter(|together| *together <= pace.together) {
        let rounds = (pace.rounds / 3).max(3);
        // More than 16 at once take the reference too long.
        let who = if together > 16 { contenders.len().min(2) } else { contenders.len() };
        let row = Row { title: "one port, at once", together, ..ALONE[4] };
        done(take_turns(&row, 1, rounds, &mut contenders[..who]));
    }
    let mut present = 1;
    for crowd in pace.crowds {
        done(grow(present, *crowd, &mut contenders));
        present = *crowd;
        for row in &CROWDED {
            done(take_turns(row, present, pace.rounds / 2, &mut contenders));
        }
    }
    let mut filled = 0;
    for addresses in pace.addresses {
        for contender in &contenders {
            contender.fill(filled..*addresses);
        }
        filled = *addresses;
        let title: &'static str = match addresses {
            10 => "host-local, 10 addresses",
            1000 => "host-local, 1,000 addresses",
            _ => "host-local, 60,000 addresses",
        };
        done(take_turns(&Row { title, ..ADDRESS }, present, (pace.rounds / 3).max(3), &mut contenders));
    }
    done(status(pace.rounds, &contenders, &path("BENCH_EMPTY"), present));
    write(&all);
}

fn write(all: &[Series]) {
    let machine = report::machine();
    let table = report::table(&machine, all) + &report::gains(all);
    let json = report::json(&machine, all);
    let out = path("BENCH_OUT");
    let files = [
        ("table.md", table.clone()),
        ("results.json", serde_json::to_string_pretty(&json).expect("numbers and texts")),
        ("add.svg", plot::bars("ADD: processor time", &json, "ADD", "cpu")),
        ("del.svg", plot::bars("DEL: processor time", &json, "DEL", "cpu")),
        ("add-wall.svg", plot::bars("ADD: time until it is done", &json, "ADD", "wall")),
        ("del-wall.svg", plot::bars("DEL: time until it is done", &json, "DEL", "wall")),
    ];
    fs::create_dir_all(&out).expect("BENCH_OUT can be made");
    for (name, text) in files {
        fs::write(out.join(name), text).expect("BENCH_OUT can be written");
    }
    // Whoever closed standard output has the files.
    let _ = std::io::stdout().write_all(table.as_bytes());
}
