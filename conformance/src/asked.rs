//! One case on one stage: what it found, or where it got stuck.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::case::Case;
use crate::stage::Stage;
use crate::unmet::{Outcome, Unmet};

/// What came of asking.
pub(crate) enum Asked {
    /// The case came to its end, or said what it found.
    Found(Outcome),
    /// A step of the judge's own could not be done, and what it said: the plugin may have left no ground for it.
    Stuck(String),
}

impl Asked {
    /// Asks. A step that can't be done panics.
    pub(crate) fn of(case: &Case, stage: &Stage<'_>) -> Self {
        match catch_unwind(AssertUnwindSafe(|| (case.check)(stage))) {
            Ok(outcome) => Self::Found(outcome),
            Err(panic) => Self::Stuck(said(&*panic)),
        }
    }

    /// The verdict on the plugin: one that leaves no ground for the next step has not kept the sentence.
    pub(crate) fn on_the_plugin(self) -> Outcome {
        match self {
            Self::Found(outcome) => outcome,
            Self::Stuck(said) => Err(Unmet::Fails(format!("a step could not be done: {said}"))),
        }
    }

    /// The verdict on the case, where the plugin is broken for it: it must find the fault itself. Being stuck is no finding:
    /// it would be the same for many a fault, and for none. What was found is the last of the steps.
    pub(crate) fn on_the_case(self, case: &Case, stage: &Stage<'_>) -> Outcome {
        match self {
            Self::Found(Ok(())) => {
                Err(Unmet::Fails(format!("it passes for a plugin that does: {}", case.broken)))
            }
            Self::Found(Err(Unmet::Fails(found))) => {
                stage.note("# the case found".to_owned(), found);
                Ok(())
            }
            Self::Found(skipped) => skipped,
            Self::Stuck(said) => {
                Err(Unmet::Fails(format!("it finds nothing, a step could not be done: {said}")))
            }
        }
    }
}

/// What a panic said.
pub(crate) fn said(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("nothing was said").to_owned()
}
