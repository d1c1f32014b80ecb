//! SIGKILL on the way: CNI spec 2: a runtime sends DEL after whatever became of an ADD, and a deadline kills.
//!
//! Between two system calls that change something (a netlink message, a program started, a file created, written, renamed or
//! removed) a kill leaves the same wherever it comes. So a kill after each of those is a kill at every instruction.

use std::collections::BTreeSet;
use std::thread;

use sandbox::{End, Place, Snapshot, Victims, count_changes, kill_after};
use serde_json::{Value, json};

use crate::attachment::Attachment;
use crate::call::Call;
use crate::case::{Case, Of};
use crate::cases::breakage::{LOCKED, UNTIDY};
use crate::cases::leak::added;
use crate::life::{BURIAL, settled};
use crate::options::Extent;
use crate::specimen::Kind;
use crate::stage::Stage;
use crate::unmet::{Outcome, Unmet, require};

/// A verb that makes more changes than so many is killed after so many of them, by a fixed seed, unless all are asked for.
const SAMPLE: usize = 100;

/// Where the sequence of tried changes begins: the same in every run.
const SEED: usize = 0x5eed;

/// The whole state is compared after so many kills: each is of another attachment, whose name is in what it leaves.
const BLOCK: usize = 10;

/// Those that make something.
const MAKING: Of = Of::Plugins(&[
    "bridge",
    "ptp",
    "macvlan",
    "ipvlan",
    "vlan",
    "tap",
    "dummy",
    "host-device",
    "flannel",
    "portmap",
    "firewall",
    "bandwidth",
    "tuning",
    "sbr",
    "vrf",
    "host-local",
    "dhcp",
]);

/// Those of them whose things GC can take away. Not host-device: it waits for a device until the kernel sends it back, and
/// the judge's would die with its container.
const COLLECTED: Of = Of::Plugins(&[
    "bridge",
    "ptp",
    "macvlan",
    "ipvlan",
    "vlan",
    "tap",
    "dummy",
    "flannel",
    "portmap",
    "firewall",
    "bandwidth",
    "tuning",
    "sbr",
    "vrf",
    "host-local",
    "dhcp",
]);

pub(crate) const CASES: &[Case] = &[
    Case {
        id: "crash.add",
        says: "an ADD that is killed after any change leaves nothing that its DEL does not take away, and a second DEL succeeds",
        source: "CNI spec 2, DEL; libcni's deadlines kill; R-1, P-042",
        of: MAKING,
        check: |stage| killed(stage, "ADD", Sweep::Nobody, add),
        broken: UNTIDY,
    },
    Case {
        id: "crash.add-beside-others",
        says: "an ADD that is killed after any change is in nobody's way: another container's ADD works, with an address of its own, which it keeps when GC takes away what is left of the dead one",
        source: "CNI spec 2, GC; CNI spec, general considerations; P-013, P-046",
        of: COLLECTED,
        check: |stage| {
            stage.knows("1.1.0")?;
            killed(stage, "ADD", Sweep::Collector, add_beside_others)
        },
        broken: LOCKED,
    },
    Case {
        id: "crash.del",
        says: "a DEL that is killed after any change can be made again, and leaves nothing",
        source: "CNI spec 2, DEL; libcni's deadlines kill; P-042",
        of: MAKING,
        check: |stage| killed(stage, "DEL", Sweep::Nobody, del),
        broken: UNTIDY,
    },
    Case {
        id: "crash.gc",
        says: "a GC that is killed after any change can be made again, leaves nothing of the stale and all of the valid",
        source: "CNI spec 2, GC; P-046, P-048",
        of: COLLECTED,
        check: |stage| {
            stage.knows("1.1.0")?;
            killed(stage, "GC", Sweep::Collector, gc)
        },
        broken: UNTIDY,
    },
    Case {
        id: "crash.check",
        says: "a CHECK that is killed after any system call that could change something has changed nothing",
        source: "CNI spec 2, CHECK; P-044",
        of: MAKING,
        check: |stage| killed(stage, "CHECK", Sweep::Nobody, check),
        broken: UNTIDY,
    },
];

/// Who takes away what the kills of a block have left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sweep {
    /// Nobody: each kill's aftermath has done so.
    Nobody,
    /// GC, as often as a runtime calls it: the kernel buries a container's network when it has time.
    Collector,
}

/// One kill.
struct Kill<'a> {
    /// After so many changes.
    at: usize,
    /// An attachment that lives throughout.
    neighbour: &'a Attachment<'a>,
}

impl Kill<'_> {
    /// Makes the call and kills it.
    fn strike(&self, call: &Call) {
        let (bare, at) = (call.bare(), self.at);
        let after = match joined(|| kill_after(&bare, at, Victims::All)) {
            End::Itself(_) => "it ended by itself".to_owned(),
            End::Killed(after) => format!("killed after change {}: {after}", self.at),
        };
        self.neighbour.stage.note(call.by_hand(), after);
    }
}

fn add(stage: &Stage<'_>, kill: &Kill<'_>) -> Outcome {
    let a = stage.attachment()?;
    kill.strike(&a.call("ADD"));
    ended(&a)
}

fn del(stage: &Stage<'_>, kill: &Kill<'_>) -> Outcome {
    let a = added(stage.attachment()?)?;
    kill.strike(&a.call("DEL"));
    ended(&a)
}

/// DEL, twice, and no interface is left.
fn ended(a: &Attachment<'_>) -> Outcome {
    a.del()?;
    a.del()?;
    if a.stage.specimen.kind == Kind::Interface {
        require!(a.link().is_null(), "after DEL the interface stays: {}", a.link());
    }
    Ok(())
}

/// Another container comes before the dead one is cleared away, and stays while it is.
fn add_beside_others(stage: &Stage<'_>, kill: &Kill<'_>) -> Outcome {
    let dead = stage.attachment()?;
    kill.strike(&dead.call("ADD"));
    let other = stage.attachment()?;
    let given = addresses(&other.add()?);
    let neighbours = kill.neighbour.result().map(|result| addresses(&result)).unwrap_or_default();
    let taken: BTreeSet<String> = dead.addresses().into_iter().chain(neighbours).collect();
    let twice = given.iter().find(|address| taken.contains(*address));
    require!(twice.is_none(), "an address has two owners: {given:?} is given beside {taken:?}");
    let gc = collector(&dead, &[kill.neighbour, &other]);
    die(dead);
    stage.run(&gc).silent_success()?;
    other.check()?;
    other.del()
}

fn gc(stage: &Stage<'_>, kill: &Kill<'_>) -> Outcome {
    let a = added(stage.attachment()?)?;
    let gc = collector(&a, &[kill.neighbour]);
    die(a);
    kill.strike(&gc);
    stage.run(&gc).silent_success()
}

fn check(_: &Stage<'_>, kill: &Kill<'_>) -> Outcome {
    kill.strike(&kill.neighbour.call("CHECK"));
    kill.neighbour.check()
}

/// The container's end, without a DEL. The kernel buries its links when it has time: the one that was asked for goes now.
fn die(a: Attachment<'_>) {
    if a.stage.specimen.kind == Kind::Interface {
        // Who was killed before it was made has none.
        let _ = a.pod.try_exec(&["ip", "link", "del", &a.ifname]);
    }
    drop(a);
}

/// A GC of this attachment's network, for which these are valid.
fn collector(a: &Attachment<'_>, valid: &[&Attachment<'_>]) -> Call {
    let mut conf = a.conf.clone();
    conf["cniVersion"] = json!("1.1.0");
    conf["cni.dev/valid-attachments"] = valid.iter().map(|one| one.valid()).collect();
    a.call("GC").stdin(&conf)
}

/// The addresses of a result.
fn addresses(result: &Value) -> Vec<String> {
    let all = result["ips"].as_array().into_iter().flatten();
    all.filter_map(|ip| ip["address"].as_str().map(str::to_owned)).collect()
}

/// Kills the verb after one change after the other, and asks for the whole state in between.
fn killed(
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
    die(a);
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
