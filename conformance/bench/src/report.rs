//! Numbers for people and programs: medians, ratios of the same round, a table, JSON.

use std::fmt::Write as _;
use std::time::Duration;

use serde_json::{Value, json};

use crate::call::Took;
use crate::rows::Series;

/// A quantity of a [`Took`].
type Quantity = fn(&Took) -> Duration;

const QUANTITIES: [(&str, Quantity); 2] = [("wall", |took| took.wall), ("cpu", |took| took.cpu)];

/// The value below which so many hundredths of the values are.
fn percentile(mut values: Vec<f64>, hundredths: usize) -> f64 {
    values.sort_by(f64::total_cmp);
    values
        .get((values.len() * hundredths / 100).min(values.len().saturating_sub(1)))
        .copied()
        .unwrap_or(f64::NAN)
}

fn milliseconds(series: &Series, quantity: Quantity) -> Vec<f64> {
    series.rounds.iter().map(|took| quantity(took).as_secs_f64() * 1e3).collect()
}

/// The median of what the rounds of `one` took in units of the same rounds of `other`.
fn ratio(one: &Series, other: &Series, quantity: Quantity) -> f64 {
    let pairs = milliseconds(one, quantity).into_iter().zip(milliseconds(other, quantity));
    percentile(pairs.map(|(mine, theirs)| mine / theirs).collect(), 50)
}

fn is_same_row(one: &Series, other: &Series) -> bool {
    let key = |series: &Series| (series.title.clone(), series.command, series.present, series.together);
    key(one) == key(other)
}

/// Everything that was measured, as JSON: milliseconds, and each contender's median in units of `floor`'s and of `ours`.
#[must_use]
pub fn json(machine: &Value, all: &[Series]) -> Value {
    let rows = all.iter().map(|series| {
        let mut row = json!({
            "row": series.title, "command": series.command, "present": series.present,
            "together": series.together, "contender": series.contender, "rounds": series.rounds.len(),
        });
        for (name, quantity) in QUANTITIES {
            let values = milliseconds(series, quantity);
            row[name] = json!({"median": percentile(values.clone(), 50), "p99": percentile(values, 99)});
            for base in ["floor", "ours"] {
                let other = all.iter().find(|other| is_same_row(series, other) && other.contender == base);
                if let Some(other) = other.filter(|_| series.contender != base) {
                    row[name][format!("of {base}")] = json!(ratio(series, other, quantity));
                }
            }
        }
        if let Some(counts) = series.counts {
            row["processes"] = json!(counts.processes);
            row["system calls"] = json!(counts.system_calls);
            row["messages"] = json!(counts.messages);
            row["peak KiB"] = json!(counts.peak);
        }
        row
    });
    json!({"machine": machine, "rows": rows.collect::<Vec<_>>()})
}

/// The same as a table in Markdown.
#[must_use]
pub fn table(machine: &Value, all: &[Series]) -> String {
    let report = json(machine, all);
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let number =
        |value: &Value| value.as_f64().map_or_else(|| "–".to_owned(), |number| format!("{number:.2}"));
    let whole = |value: &Value| value.as_u64().map_or_else(|| "–".to_owned(), |number| number.to_string());
    let mut table = format!(
        "Milliseconds, median and 99th percentile; ratios are medians of the same rounds; counts are of one more. {}, {} processors, Linux {}.\n\n",
        text(&machine["processor"]),
        machine["processors"],
        text(&machine["kernel"]),
    );
    table += "| what | pods there | at once | who | wall | CPU | wall / floor | CPU / floor | wall / ours | CPU / ours | processes | system calls | messages | peak KiB |\n";
    table += "|---|--:|--:|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n";
    for row in report["rows"].as_array().into_iter().flatten() {
        let both =
            |quantity: &Value| format!("{} [{}]", number(&quantity["median"]), number(&quantity["p99"]));
        // Writing to a String can't fail.
        let _ = writeln!(
            table,
            "| {} {} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {} |",
            text(&row["row"]),
            text(&row["command"]),
            row["present"],
            row["together"],
            text(&row["contender"]),
            both(&row["wall"]),
            both(&row["cpu"]),
            number(&row["wall"]["of floor"]),
            number(&row["cpu"]["of floor"]),
            number(&row["wall"]["of ours"]),
            number(&row["cpu"]["of ours"]),
            whole(&row["processes"]),
            whole(&row["system calls"]),
            whole(&row["messages"]),
            whole(&row["peak KiB"]),
        );
    }
    table
}

/// Several at once, as a table in Markdown: how much sooner each of them is done than one alone, and in units of what the floor gains.
#[must_use]
pub fn gains(all: &[Series]) -> String {
    let wall = |series: &Series| percentile(milliseconds(series, |took| took.wall), 50);
    let gain = |several: &Series| {
        let is_alone = |one: &&Series| {
            (&one.title, one.command, &one.contender, one.together)
                == (&several.title, several.command, &several.contender, 1)
        };
        all.iter().find(is_alone).map(|alone| wall(alone) * f64::from(several.together) / wall(several))
    };
    let mut table =
        "\n| several at once | how many | who | sooner | of the floor's |\n|---|--:|---|--:|--:|\n"
            .to_owned();
    for series in all.iter().filter(|series| series.together > 1) {
        let floor = all.iter().find(|other| is_same_row(series, other) && other.contender == "floor");
        if let (Some(own), Some(floor)) = (gain(series), floor.and_then(gain)) {
            let Series { title, command, together, contender, .. } = series;
            // Writing to a String can't fail.
            let _ = writeln!(
                table,
                "| {title} {command} | {together} | {contender} | {own:.2} | {:.2} |",
                own / floor
            );
        }
    }
    table
}

/// The machine that numbers are of.
///
/// # Panics
/// Where `/proc` isn't mounted.
#[must_use]
pub fn machine() -> Value {
    let read = |path: &str| std::fs::read_to_string(path).expect("/proc is mounted");
    let processors = read("/proc/cpuinfo");
    let models: Vec<&str> = processors
        .lines()
        .filter_map(|line| line.strip_prefix("model name")?.split_once(':'))
        .map(|(_, name)| name.trim())
        .collect();
    json!({
        "processor": models.first().copied().unwrap_or("unknown processor"),
        "processors": processors.lines().filter(|line| line.starts_with("processor")).count(),
        "kernel": read("/proc/sys/kernel/osrelease").trim(),
    })
}
