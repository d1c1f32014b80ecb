//! A verb that is killed, again and again, each time after one more change.

use std::collections::BTreeSet;
use std::thread;

use sandbox::{End, Snapshot, Victims, count_changes, kill_after};
use serde_json::json;

use crate::attachment::Attachment;
use crate::call::Call;
use crate::cases::leak::added;
use crate::life::{BURIAL, settled};
use crate::options::Extent;
use crate::stage::Stage;
use crate::unmet::{Outcome, Unmet, require};

/// A verb that makes more changes than so many is killed after so many of them, by a fixed seed, unless all are asked for.
const SAMPLE: usize = 100;

/// Where the sequence of tried changes begins: the same in every run.
const SEED: usize = 0x5eed;

/// The whole state is compared after so many kills: each is of another attachment, whose name is in what it leaves.
const BLOCK: usize = 10;

/// Who takes away what the kills of a block have left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sweep {
    /// Nobody: each kill's aftermath has done so.
    Nobody,
    /// GC, as often as a runtime calls it: the kernel buries a container's network when it has time.
    Collector,
}

/// One kill.
pub(super) struct Kill<'a> {
    /// After so many changes.
    pub(super) at: usize,
    /// An attachment that lives throughout.
    pub(super) neighbour: &'a Attachment<'a>,
}

impl Kill<'_> {
    /// Makes the call and kills it.
    pub(super) fn strike(&self, call: &Call) {
        let (bare, at) = (call.bare(), self.at);
        let after = match joined(|| kill_after(&bare, at, Victims::All)) {
            End::Itself(_) => "it ended by itself".to_owned(),
            End::Killed(after) => format!("killed after change {}: {after}", self.at),
        };
        self.neighbour.stage.note(call.by_hand(), after);
    }
}

/// A GC of this attachment's network, for which these are valid.
pub(super) fn collector(a: &Attachment<'_>, valid: &[&Attachment<'_>]) -> Call {
    let mut conf = a.conf.clone();
    conf["cniVersion"] = json!("1.1.0");
    conf["cni.dev/valid-attachments"] = valid.iter().map(|one| one.valid()).collect();
    a.call("GC").stdin(&conf)
}

/// Kills the verb after one change after the other, and asks for the whole state in between.
pub(super) fn killed(
    stage: &Stage<'_>,
    verb: &str,
    sweep: Sweep,
    trial: fn(&Stage<'_>, &Kill<'_>) -> Outcome,
) -> Outcome {
    let neighbour = added(stage.attachment()?)?;
    let changes = changes(&neighbour, verb)?;
    let gc = collector(&neighbour, &[&neighbour]);
    let before = settled(stage.node);
    let begun = stage.mark();
    for block in tried(stage.extent, changes).chunks(BLOCK) {
        for at in block {
            let told = |unmet| match unmet {
                Unmet::Fails(what) => {
                    Unmet::Fails(format!("{verb}, killed after change {at} of {changes}: {what}"))
                }
                skipped @ Unmet::Skips(_) => skipped,
            };
            trial(stage, &Kill { at: *at, neighbour: &neighbour }).map_err(told)?;
        }
        let mut left = String::new();
        let clean = sandbox::eventually(BURIAL, || {
            if sweep == Sweep::Collector {
                // What it does not take away is seen next.
                let _ = gc.run();
            }
            left = before.diff(&Snapshot::take(stage.node));
            left.is_empty()
        });
        require!(
            clean,
            "{verb}, killed after changes {block:?} of {changes}: the node is not as it was before:\n{left}"
        );
        // A report needs one block of those that pass.
        if block[0] > 1 {
            stage.forget(begun);
        }
    }
    neighbour.check()
}

/// How many changes the verb makes.
fn changes(neighbour: &Attachment<'_>, verb: &str) -> Result<usize, Unmet> {
    let count = |call: &Call| {
        let bare = call.bare();
        let (changes, reply) = joined(|| count_changes(&bare));
        require!(reply.code == 0, "{verb} under a tracer: {reply:?}");
        Ok(changes)
    };
    if verb == "CHECK" {
        return count(&neighbour.call(verb));
    }
    let a = neighbour.stage.attachment()?;
    if verb == "ADD" {
        let changes = count(&a.call(verb))?;
        a.del()?;
        return Ok(changes);
    }
    let a = added(a)?;
    if verb == "DEL" {
        return count(&a.call(verb));
    }
    let gc = collector(&a, &[neighbour]);
    super::die(a);
    count(&gc)
}

/// Does `work` on a thread of its own: a tracer waits for all that its thread has started, and this one may have started daemons.
fn joined<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    match thread::scope(|scope| scope.spawn(work).join()) {
        Ok(done) => done,
        Err(panic) => std::panic::resume_unwind(panic),
    }
}

/// The changes to be tried, in order.
fn tried(extent: Extent, changes: usize) -> Vec<usize> {
    if extent == Extent::Exhaustive || changes <= SAMPLE {
        return (1..=changes).collect();
    }
    // Marsaglia's xorshift.
    let mut state = SEED;
    let mut chosen = BTreeSet::new();
    while chosen.len() < SAMPLE {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        chosen.insert(state % changes + 1);
    }
    chosen.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_verb_is_killed_everywhere_and_a_long_one_a_hundred_times() {
        assert_eq!(tried(Extent::Sample, 3), [1, 2, 3]);
        let chosen = tried(Extent::Sample, 1000);
        assert!(chosen.len() == SAMPLE && chosen.is_sorted() && chosen[SAMPLE - 1] <= 1000, "{chosen:?}");
        assert_eq!(tried(Extent::Exhaustive, 1000).len(), 1000);
    }
}
