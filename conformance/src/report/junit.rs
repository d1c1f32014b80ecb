//! For a build server: the XML that `JUnit` writes.

use std::fmt::Write;

use super::{Report, Tally, escaped, word};
use crate::answers::{Comparison, Difference, Reason};

impl Report<'_> {
    pub(super) fn junit(&self) -> String {
        let mut text = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n");
        for group in self.groups() {
            let verdicts = || self.verdicts.iter().filter(|verdict| verdict.group == group);
            let Tally { passes, fails, skips } = Tally::of(verdicts());
            let tests = passes + fails + skips;
            // Writing to a string can't fail.
            let _ = writeln!(
                text,
                "<testsuite name=\"{group}\" tests=\"{tests}\" failures=\"{fails}\" skipped=\"{skips}\">"
            );
            for verdict in verdicts() {
                let took = verdict.took.as_secs_f64();
                let (word, reason) = word(verdict);
                let body = match word {
                    "fail" => format!("<failure message=\"{}\"/>", escaped(reason)),
                    "skip" => format!("<skipped message=\"{}\"/>", escaped(reason)),
                    _ => String::new(),
                };
                let _ = writeln!(
                    text,
                    "<testcase classname=\"{}\" name=\"{}\" time=\"{took:.3}\">{body}</testcase>",
                    escaped(&verdict.plugin),
                    verdict.case.id
                );
            }
            text += "</testsuite>\n";
        }
        if let Some(answers) = self.answers {
            text += &compared(answers);
        }
        text + "</testsuites>\n"
    }
}

/// What differs from the recorded answers without a reason, and reasons for nothing.
fn compared(answers: &Comparison) -> String {
    let found = |Difference { plugin, question, at, reference, ours, .. }: &Difference| {
        (
            format!("{plugin}: {question}: {at}"),
            format!("recorded {reference}, here {ours}, without a reason"),
        )
    };
    let idle = |reason: &&Reason| (reason.to_string(), "it explains nothing".to_owned());
    let failures: Vec<_> = answers.unexplained().map(found).chain(answers.idle().iter().map(idle)).collect();
    let (tests, fails) = (answers.compared.max(failures.len()), failures.len());
    let mut text =
        format!("<testsuite name=\"answers\" tests=\"{tests}\" failures=\"{fails}\" skipped=\"0\">\n");
    for (name, message) in failures {
        let (name, message) = (escaped(&name), escaped(&message));
        // Writing to a string can't fail.
        let _ = writeln!(
            text,
            "<testcase classname=\"answers\" name=\"{name}\"><failure message=\"{message}\"/></testcase>"
        );
    }
    text + "</testsuite>\n"
}
