//! Whether the life of an attachment leaves anything on the node.

use std::time::Duration;

use sandbox::{Allowed, Node, Snapshot};

use crate::attachment::Attachment;
use crate::call::Answer;
use crate::stage::Stage;
use crate::unmet::{Outcome, Unmet, require};

/// The kernel buries a namespace when it has time.
pub(crate) const BURIAL: Duration = Duration::from_secs(4);

/// What the first life may leave for all that follow is left before; this changes with each.
const ALLOWED: [Allowed; 2] = [Allowed::HostLocalMarks, Allowed::EmptyDirectories];

/// Asks that a second life of the same kind leaves nothing that the first one did not leave: `end` ends an attachment
/// after its ADD, and hands it back if its namespace shall go only now.
pub(crate) fn leaves_nothing<'s>(
    stage: &'s Stage<'s>,
    make: impl Fn() -> Result<Attachment<'s>, Unmet>,
    end: impl Fn(Attachment<'s>) -> Outcome,
) -> Outcome {
    let live = || {
        let attachment = make()?;
        end(attachment)
    };
    live()?;
    let before = settled(stage.node);
    live()?;
    same(stage, &before)
}

/// A snapshot that forgives what changes with each life.
pub(crate) fn settled(node: &Node) -> Snapshot {
    Snapshot::take(node).forgiving(&ALLOWED)
}

/// Asks that the node becomes again what it was.
pub(crate) fn same(stage: &Stage<'_>, before: &Snapshot) -> Outcome {
    let mut difference = String::new();
    let clean = sandbox::eventually(BURIAL, || {
        difference = before.diff(&Snapshot::take(stage.node));
        difference.is_empty()
    });
    require!(clean, "the node is not as it was before:\n{difference}");
    Ok(())
}

/// DEL by this call must succeed.
pub(crate) fn ended(answer: &Answer) -> Outcome {
    answer.silent_success()
}
