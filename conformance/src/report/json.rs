//! One object, for programs, and for the page.

use serde_json::{Value, json};

use super::{Report, Tally, word};
use crate::answers::{Comparison, Difference};
use crate::run::Verdict;

impl Report<'_> {
    pub(super) fn json(&self) -> String {
        format!("{:#}\n", self.value())
    }

    pub(super) fn value(&self) -> Value {
        let Tally { passes, fails, skips } = Tally::of(self.verdicts);
        json!({
            "name": self.name,
            "directory": self.directory,
            "totals": { "pass": passes, "fail": fails, "skip": skips },
            "answers": self.answers.map(compared),
            "cases": self.verdicts.iter().map(case).collect::<Vec<_>>(),
        })
    }
}

fn case(verdict: &Verdict) -> Value {
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
}

fn compared(answers: &Comparison) -> Value {
    let difference = |found: &Difference| {
        json!({
            "plugin": found.plugin,
            "question": found.question,
            "at": found.at,
            "reference": found.reference,
            "ours": found.ours,
            "because": found.reason.map(|number| &answers.reasons[number].because),
        })
    };
    json!({
        "version": answers.version,
        "compared": answers.compared,
        "unasked": answers.unasked,
        "unrecorded": answers.unrecorded,
        "differences": answers.differences.iter().map(difference).collect::<Vec<_>>(),
        "idle reasons": answers.idle().iter().map(ToString::to_string).collect::<Vec<_>>(),
    })
}
