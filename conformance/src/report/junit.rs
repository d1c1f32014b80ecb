//! For a build server: the XML that `JUnit` writes.

use std::fmt::Write;

use super::{Report, Tally, escaped, word};

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
        text + "</testsuites>\n"
    }
}
