//! A page for a browser, of one report or of several beside each other: plugins as columns, groups as rows, every cell opens its
//! cases. It is made of what the JSON says, needs nothing else, no script either, and works by keyboard.

mod answers;
mod cell;

use std::fmt::Write;

use serde_json::Value;

use super::escaped;

const STYLE: &str = include_str!("page.css");

/// How many cases came to what.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Counts {
    pass: usize,
    fail: usize,
    skip: usize,
}

/// The whole page.
pub(crate) fn page(reports: &[Value]) -> String {
    let names: Vec<_> = reports.iter().map(|report| text(&report["name"])).collect();
    let title = format!("CNI conformance: {}", names.join(", "));
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <meta name=\"color-scheme\" content=\"light dark\"><title>{}</title>\n<style>{STYLE}</style></head>\n<body>\n\
         <header><h1>CNI conformance</h1>\n<p>A cell opens its cases; a case opens what was seen and how to ask again. \
         <span class=\"key\"><b class=\"pass\">12</b> pass <b class=\"fail\">✗2</b> fail <b class=\"skip\">○1</b> skipped</span></p></header>\n",
        escaped(&title)
    );
    page += &totals(reports);
    page += &grid(reports);
    for group in distinct(reports, "group") {
        for plugin in plugins(reports) {
            page += &cell::section(reports, &group, &plugin);
        }
    }
    for report in reports.iter().filter(|report| !report["answers"].is_null()) {
        page += &answers::section(report);
    }
    page + "</body>\n</html>\n"
}

/// A line for each directory.
fn totals(reports: &[Value]) -> String {
    let mut out =
        "<table class=\"totals\"><thead><tr><th>directory</th><th>pass</th><th>fail</th><th>skipped</th>\
                   <th class=\"bar\"></th></tr></thead><tbody>\n"
            .to_owned();
    for (number, report) in reports.iter().enumerate() {
        let Counts { pass, fail, skip } = Counts::of(cases(report));
        let all = (pass + fail + skip).max(1);
        let part = |count: usize| count * 1000 / all;
        // Writing to a string can't fail.
        let _ = writeln!(
            out,
            "<tr data-report=\"{number}\"><th title=\"{}\">{}{}</th><td>{pass}</td><td{}>{fail}</td><td>{skip}</td>\
             <td class=\"bar\"><svg viewBox=\"0 0 1000 10\" preserveAspectRatio=\"none\" role=\"presentation\">\
             <rect class=\"pass\" width=\"{}\" height=\"10\"/><rect class=\"fail\" x=\"{}\" width=\"{}\" height=\"10\"/></svg></td></tr>",
            escaped(text(&report["directory"])),
            ordinal(reports, number),
            escaped(text(&report["name"])),
            if fail > 0 { " class=\"fail\"" } else { "" },
            part(pass),
            part(pass),
            part(fail),
        );
    }
    out + "</tbody></table>\n"
}

/// Groups and plugins, with a line for each directory in every cell.
fn grid(reports: &[Value]) -> String {
    let mut out = "<div class=\"wide\" id=\"results\" role=\"region\" aria-label=\"Results by group and plugin\" tabindex=\"0\">\
                   <table class=\"grid\"><thead><tr><td></td>"
        .to_owned();
    let plugins = plugins(reports);
    for plugin in &plugins {
        out.extend(["<th scope=\"col\"><span>", &escaped(plugin), "</span></th>"]);
    }
    out += "</tr></thead><tbody>\n";
    for group in distinct(reports, "group") {
        out.extend(["<tr><th scope=\"row\">", &escaped(&group), "</th>"]);
        for plugin in &plugins {
            out += &cell::summary(reports, &group, plugin);
        }
        out += "</tr>\n";
    }
    out + "</tbody></table></div>\n"
}

impl Counts {
    fn of<'v>(cases: impl Iterator<Item = &'v Value>) -> Self {
        let mut counts = Self::default();
        for case in cases {
            match text(&case["verdict"]) {
                "pass" => counts.pass += 1,
                "fail" => counts.fail += 1,
                _ => counts.skip += 1,
            }
        }
        counts
    }
}

/// All cases of a report.
fn cases(report: &Value) -> impl Iterator<Item = &Value> {
    report["cases"].as_array().into_iter().flatten()
}

/// What stands under this key in any report, as it comes first.
fn distinct(reports: &[Value], key: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for case in reports.iter().flat_map(cases) {
        let value = text(&case[key]);
        if !found.iter().any(|known| known == value) {
            found.push(value.to_owned());
        }
    }
    found
}

fn plugins(reports: &[Value]) -> Vec<String> {
    let mut plugins = distinct(reports, "plugin");
    plugins.sort();
    plugins
}

/// The letter of a report, where there are several: cells are too small for names.
fn ordinal(reports: &[Value], number: usize) -> String {
    let letter = u8::try_from(number).map_or('?', |number| char::from(b'a' + number % 26));
    if reports.len() > 1 { format!("<i>{letter}</i> ") } else { String::new() }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
