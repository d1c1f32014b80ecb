//! One object, for programs.

use serde_json::{Value, json};

use super::{Report, Tally, word};

impl Report<'_> {
    pub(super) fn json(&self) -> String {
        let case = |verdict: &crate::run::Verdict| -> Value {
            let steps = verdict.steps.iter().map(|step| json!({ "did": step.did, "saw": step.saw }));
            let (word, reason) = word(verdict);
            json!({
                "id": verdict.case.id,
                "group": verdict.group,
                "plugin": verdict.plugin,
                "says": verdict.case.says,
                "source": verdict.case.source,
                "verdict": word,
                "reason": reason,
                "steps": steps.collect::<Vec<_>>(),
                "milliseconds": u64::try_from(verdict.took.as_millis()).unwrap_or(u64::MAX),
            })
        };
        let Tally { passes, fails, skips } = Tally::of(self.verdicts);
        let report = json!({
            "directory": self.directory,
            "totals": { "pass": passes, "fail": fails, "skip": skips },
            "cases": self.verdicts.iter().map(case).collect::<Vec<_>>(),
        });
        format!("{report:#}\n")
    }
}
