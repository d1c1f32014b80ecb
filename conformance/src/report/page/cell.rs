//! A cell: its counts in the table, and its cases, which are shown when it is opened.

use std::fmt::Write;

use serde_json::Value;

use super::{Counts, cases, ordinal, text};
use crate::call::quoted;
use crate::report::escaped;

/// In the table.
pub(super) fn summary(reports: &[Value], group: &str, plugin: &str) -> String {
    let (mut lines, mut spoken) = (String::new(), Vec::new());
    for (number, report) in reports.iter().enumerate() {
        let Counts { pass, fail, skip } = Counts::of(of(report, group, plugin));
        let worst = match (pass, fail, skip) {
            (0, 0, 0) => "none",
            (_, 1.., _) => "fail",
            (_, 0, 1..) => "skip",
            _ => "pass",
        };
        // Writing to a string can't fail.
        let _ =
            write!(lines, "<span class=\"{worst}\" data-report=\"{number}\">{}", ordinal(reports, number));
        let counts = [("pass", "", pass), ("fail", "✗", fail), ("skip", "○", skip)];
        for (class, mark, count) in counts.into_iter().filter(|(_, _, count)| *count > 0) {
            let _ = write!(lines, "<b class=\"{class}\">{mark}{count}</b>");
        }
        lines += "</span>";
        if worst != "none" {
            spoken.push(format!("{}: {pass} pass, {fail} fail, {skip} skipped", text(&report["name"])));
        }
    }
    if spoken.is_empty() {
        return "<td class=\"none\">·</td>".to_owned();
    }
    format!(
        "<td><a href=\"#{}\" aria-label=\"{} of {}; {}\">{lines}</a></td>",
        anchor(group, plugin),
        escaped(group),
        escaped(plugin),
        escaped(&spoken.join("; "))
    )
}

/// Its cases; empty where it has none.
pub(super) fn section(reports: &[Value], group: &str, plugin: &str) -> String {
    let mut ids: Vec<&Value> = Vec::new();
    for case in reports.iter().flat_map(|report| of(report, group, plugin)) {
        if !ids.iter().any(|known| known["id"] == case["id"]) {
            ids.push(case);
        }
    }
    if ids.is_empty() {
        return String::new();
    }
    let list: String = ids.iter().map(|case| one(reports, case)).collect();
    format!(
        "<section id=\"{}\" class=\"cell\" tabindex=\"-1\"><h2>{} <small>{}</small></h2>\n\
         <a class=\"back\" href=\"#results\">back to the table</a>\n{list}</section>\n",
        anchor(group, plugin),
        escaped(plugin),
        escaped(group)
    )
}

/// A case in every report that has it.
fn one(reports: &[Value], case: &Value) -> String {
    let found = || {
        reports.iter().enumerate().filter_map(|(number, report)| {
            let same = |other: &&Value| other["id"] == case["id"] && other["plugin"] == case["plugin"];
            cases(report).find(same).map(|case| (number, report, case))
        })
    };
    let mut out = "<details><summary>".to_owned();
    for (number, _, case) in found() {
        let verdict = text(&case["verdict"]);
        // Writing to a string can't fail.
        let _ = write!(out, "<b class=\"{verdict}\">{}{verdict}</b> ", ordinal(reports, number));
    }
    let _ = writeln!(
        out,
        "{} <code>{}</code></summary>\n<p class=\"source\">{}</p>",
        escaped(text(&case["says"])),
        escaped(text(&case["id"])),
        escaped(text(&case["source"]))
    );
    for (number, report, case) in found() {
        let _ = writeln!(
            out,
            "<h3>{}{}: {}, {} ms</h3>",
            ordinal(reports, number),
            escaped(text(&report["name"])),
            text(&case["verdict"]),
            case["milliseconds"]
        );
        out += &seen(report, case);
    }
    out + "</details>\n"
}

/// Why it did not pass and what was done; where it passed, how to ask again.
fn seen(report: &Value, case: &Value) -> String {
    let mut out = String::new();
    let reason = text(&case["reason"]);
    if !reason.is_empty() {
        out.extend(["<p class=\"reason\">", &escaped(reason).replace('\n', "<br>"), "</p>\n"]);
    }
    let (directory, plugin, id) = (text(&report["directory"]), text(&case["plugin"]), text(&case["id"]));
    let again = format!("conformance --plugins {} --only {} --case {id}", quoted(directory), quoted(plugin));
    out.extend(["<pre><kbd>", &escaped(&again), "</kbd>\n"]);
    let steps = case["steps"].as_array().filter(|_| text(&case["verdict"]) == "fail");
    for step in steps.into_iter().flatten() {
        out.extend(["<kbd>", &escaped(text(&step["did"])), "</kbd>\n", &escaped(text(&step["saw"])), "\n"]);
    }
    out + "</pre>\n"
}

fn of<'r>(report: &'r Value, group: &str, plugin: &str) -> impl Iterator<Item = &'r Value> {
    cases(report).filter(move |case| case["group"] == group && case["plugin"] == plugin)
}

fn anchor(group: &str, plugin: &str) -> String {
    format!("{}-{}", escaped(group), escaped(plugin))
}
