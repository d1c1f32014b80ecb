//! What came of a run, for a person, a program, a build server or a browser.

mod json;
mod junit;
mod page;
mod table;

use std::collections::BTreeSet;
use std::path::Path;

pub(crate) use page::page;

use crate::answers::Comparison;
use crate::options::Format;
use crate::run::Verdict;
use crate::unmet::Unmet;

/// All verdicts about a directory.
pub(crate) struct Report<'a> {
    /// What it is called.
    pub(crate) name: &'a str,
    pub(crate) directory: &'a Path,
    pub(crate) verdicts: &'a [Verdict],
    /// What differs from the reference's recorded answers, where that is asked for.
    pub(crate) answers: Option<&'a Comparison>,
}

/// How many verdicts are of each sort.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) passes: usize,
    pub(crate) fails: usize,
    pub(crate) skips: usize,
}

impl Tally {
    /// Of these verdicts.
    pub(crate) fn of<'v>(verdicts: impl IntoIterator<Item = &'v Verdict>) -> Self {
        let mut tally = Self::default();
        for verdict in verdicts {
            match verdict.outcome {
                Ok(()) => tally.passes += 1,
                Err(Unmet::Fails(_)) => tally.fails += 1,
                Err(Unmet::Skips(_)) => tally.skips += 1,
            }
        }
        tally
    }
}

impl Report<'_> {
    /// The whole report as text.
    pub(crate) fn render(&self, format: Format) -> String {
        match format {
            Format::Table => self.table(),
            Format::Json => self.json(),
            Format::Junit => self.junit(),
            Format::Html => page(&[self.value()]),
        }
    }

    /// The exit code: 0 all pass, 1 a case fails or an answer differs without a reason, 3 passes with skips.
    pub(crate) fn exit(&self) -> u8 {
        match Tally::of(self.verdicts) {
            Tally { fails: 1.., .. } => 1,
            _ if self.answers.is_some_and(|answers| !answers.holds()) => 1,
            Tally { skips: 1.., .. } => 3,
            _ => 0,
        }
    }

    fn groups(&self) -> Vec<&'static str> {
        let mut groups: Vec<_> = self.verdicts.iter().map(|verdict| verdict.group).collect();
        groups.dedup();
        groups
    }

    fn plugins(&self) -> BTreeSet<&str> {
        self.verdicts.iter().map(|verdict| verdict.plugin.as_str()).collect()
    }

    fn cell(&self, group: &str, plugin: &str) -> impl Iterator<Item = &Verdict> {
        self.verdicts.iter().filter(move |verdict| verdict.group == group && verdict.plugin == plugin)
    }
}

/// A verdict's word and its reason, which is empty where it passes.
fn word(verdict: &Verdict) -> (&'static str, &str) {
    match &verdict.outcome {
        Ok(()) => ("pass", ""),
        Err(Unmet::Fails(reason)) => ("fail", reason),
        Err(Unmet::Skips(reason)) => ("skip", reason),
    }
}

/// Text between tags.
fn escaped(text: &str) -> String {
    // A control character has no place in XML 1.0.
    let plain = |letter: char| !letter.is_control() || matches!(letter, '\n' | '\t');
    let text: String = text.chars().map(|letter| if plain(letter) { letter } else { ' ' }).collect();
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
