//! A page for a browser: plugins as columns, groups as rows, and every cell opens its cases. It needs nothing else.

use std::fmt::Write;

use super::{Report, Tally, escaped, word};
use crate::run::Verdict;

const STYLE: &str = include_str!("page.css");

impl Report<'_> {
    pub(super) fn html(&self) -> String {
        let directory = escaped(&self.directory.to_string_lossy());
        let Tally { passes, fails, skips } = Tally::of(self.verdicts);
        let mut page = format!(
            "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\"><title>conformance of {directory}</title>\n\
             <style>{STYLE}</style>\n<h1>Conformance of <code>{directory}</code></h1>\n\
             <p>{passes} pass, {fails} fail, {skips} skipped. A cell opens its cases; a case opens what was done.</p>\n\
             <table><thead><tr><th></th>"
        );
        let plugins = self.plugins();
        for plugin in &plugins {
            page.extend(["<th>", &escaped(plugin), "</th>"]);
        }
        page += "</tr></thead><tbody>\n";
        for group in self.groups() {
            page.extend(["<tr><th>", group, "</th>"]);
            for plugin in &plugins {
                page += &self.summary(group, plugin);
            }
            page += "</tr>\n";
        }
        page += "</tbody></table>\n";
        for group in self.groups() {
            for plugin in &plugins {
                page += &self.cases(group, plugin);
            }
        }
        page + "</html>\n"
    }

    /// A cell of the table.
    fn summary(&self, group: &str, plugin: &str) -> String {
        let (class, text) = match Tally::of(self.cell(group, plugin)) {
            Tally { passes: 0, fails: 0, skips: 0 } => return "<td></td>".to_owned(),
            Tally { passes, fails: 0, skips: 0 } => ("pass", format!("{passes}")),
            Tally { passes, fails: 0, skips } => ("skip", format!("{passes} <small>{skips} skipped</small>")),
            Tally { passes, fails, .. } => ("fail", format!("{passes} <small>{fails} fail</small>")),
        };
        format!("<td class=\"{class}\"><a href=\"#{}\">{text}</a></td>", anchor(group, plugin))
    }

    /// The cases of a cell, which are shown when it is asked for.
    fn cases(&self, group: &str, plugin: &str) -> String {
        let mut cases = self.cell(group, plugin).peekable();
        if cases.peek().is_none() {
            return String::new();
        }
        let list: String = cases.map(case).collect();
        let id = anchor(group, plugin);
        format!("<section id=\"{id}\"><h2>{}: {group}</h2>\n{list}</section>\n", escaped(plugin))
    }
}

fn anchor(group: &str, plugin: &str) -> String {
    format!("{}-{}", escaped(group), escaped(plugin))
}

fn case(verdict: &Verdict) -> String {
    let (word, reason) = word(verdict);
    let mut text = format!(
        "<details class=\"{word}\"><summary><b>{word}</b> <code>{}</code> {} <cite>{}</cite></summary>\n",
        verdict.case.id,
        escaped(verdict.case.says),
        escaped(verdict.case.source)
    );
    if !reason.is_empty() {
        text.extend(["<p>", &escaped(reason).replace('\n', "<br>"), "</p>"]);
    }
    text += "<pre>";
    for step in &verdict.steps {
        // Writing to a string can't fail.
        let _ = writeln!(text, "<kbd>{}</kbd>\n{}", escaped(&step.did), escaped(&step.saw));
    }
    text + "</pre></details>\n"
}
