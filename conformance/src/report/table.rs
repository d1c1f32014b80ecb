//! For a person at a terminal.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::{Report, Tally, word};
use crate::answers::{Comparison, Difference};

impl Report<'_> {
    pub(super) fn table(&self) -> String {
        let mut text = String::new();
        // Writing to a string can't fail.
        let _ = self.write_table(&mut text);
        text
    }

    fn write_table(&self, out: &mut String) -> std::fmt::Result {
        let groups = self.groups();
        for verdict in self.verdicts.iter().filter(|verdict| word(verdict).0 == "fail") {
            writeln!(out, "FAIL {} of {}", verdict.case.id, verdict.plugin)?;
            writeln!(out, "  says: {} ({})", verdict.case.says, verdict.case.source)?;
            writeln!(out, "  seen: {}", word(verdict).1.trim().replace('\n', "\n        "))?;
            for step in &verdict.steps {
                writeln!(out, "    $ {}", step.did.replace('\n', "\n      "))?;
                if !step.saw.is_empty() {
                    writeln!(out, "      {}", step.saw.replace('\n', "\n      "))?;
                }
            }
            writeln!(out)?;
        }
        // A reason is told once, with all whom it concerns.
        let mut skips: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for verdict in self.verdicts.iter().filter(|verdict| word(verdict).0 == "skip") {
            skips
                .entry(word(verdict).1)
                .or_default()
                .push(format!("{} of {}", verdict.case.id, verdict.plugin));
        }
        for (reason, cases) in skips {
            writeln!(out, "SKIP {reason}: {}", cases.join(", "))?;
        }
        writeln!(out, "\n{:<14}pass/fail/skip of each group", "")?;
        write!(out, "{:<14}", "")?;
        for group in &groups {
            write!(out, "{group:>13}")?;
        }
        writeln!(out)?;
        for plugin in self.plugins() {
            write!(out, "{plugin:<14}")?;
            for group in &groups {
                let cell = match Tally::of(self.cell(group, plugin)) {
                    Tally { passes: 0, fails: 0, skips: 0 } => "·".to_owned(),
                    Tally { passes, fails, skips } => format!("{passes}/{fails}/{skips}"),
                };
                write!(out, "{cell:>13}")?;
            }
            writeln!(out)?;
        }
        if let Some(answers) = self.answers {
            write_answers(answers, out)?;
        }
        let Tally { passes, fails, skips } = Tally::of(self.verdicts);
        writeln!(out, "\n{}: {passes} pass, {fails} fail, {skips} skipped", self.directory.display())
    }
}

/// Where answers differ from the recorded ones: what has a reason in a line for each, the rest in full.
fn write_answers(answers: &Comparison, out: &mut String) -> std::fmt::Result {
    let Comparison { version, compared, unasked, unrecorded, .. } = answers;
    writeln!(
        out,
        "\n{compared} answers beside those of {version}: {} values differ; {unasked} not asked here, {unrecorded} not recorded",
        answers.differences.len()
    )?;
    let mut told: BTreeMap<&str, usize> = BTreeMap::new();
    for found in &answers.differences {
        if let Some(number) = found.reason {
            *told.entry(answers.reasons[number].because.as_str()).or_default() += 1;
        }
    }
    for (because, count) in told {
        writeln!(out, "{count:>5}  {because}")?;
    }
    for Difference { plugin, question, at, reference, ours, .. } in answers.unexplained() {
        writeln!(
            out,
            "FAIL without a reason: {plugin} | {question} | {at} | {ours}\n  recorded: {reference}"
        )?;
    }
    for reason in answers.idle() {
        writeln!(out, "FAIL explains nothing: {reason}")?;
    }
    Ok(())
}
