//! SIGKILL on the way: CNI spec 2: a runtime sends DEL after whatever became of an ADD, and a deadline kills.
//!
//! Between two system calls that change something (a netlink message, a program started, a file created, written, renamed or
//! removed) a kill leaves the same wherever it comes. So a kill after each of those is a kill at every instruction.

mod kill;

use std::collections::BTreeSet;

use sandbox::Place;
use serde_json::Value;

use crate::attachment::Attachment;
use crate::case::{Case, Of};
use crate::cases::leak::added;
use crate::specimen::Kind;
use crate::stage::Stage;
use crate::unmet::{Outcome, require};
use kill::{Kill, Sweep, collector, killed};

const KINDS: &[Kind] = &[Kind::Interface, Kind::Chained, Kind::Ipam];

/// Those that make something: `lo` is there, and `static` keeps nothing.
const MAKING: Of = Of::Except(KINDS, &["loopback", "static"]);

/// Those of them whose things GC can take away. Not host-device: it waits for a device until the kernel sends it back, and
/// the judge's would die with its container.
const COLLECTED: Of = Of::Except(KINDS, &["loopback", "static", "host-device"]);

pub(crate) const CASES: &[Case] = &[
    Case {
        id: "crash.add",
        says: "an ADD that is killed after any change leaves nothing that its DEL does not take away, and a second DEL succeeds",
        source: "CNI spec 2, DEL; libcni's deadlines kill; R-1, P-042",
        of: MAKING,
        check: |stage| killed(stage, "ADD", Sweep::Nobody, add),
        broken: "untidy ADD",
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
        broken: r#"on ADD || { real; exit; }; t=/run/lock/broken; mkdir "$t" 2>/dev/null || refuse 11; real; code=$?; rmdir "$t"; exit "$code""#,
    },
    Case {
        id: "crash.del",
        says: "a DEL that is killed after any change can be made again, and leaves nothing",
        source: "CNI spec 2, DEL; libcni's deadlines kill; P-042",
        of: MAKING,
        check: |stage| killed(stage, "DEL", Sweep::Nobody, del),
        broken: "untidy DEL",
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
        broken: "untidy GC",
    },
    Case {
        id: "crash.check",
        says: "a CHECK that is killed after any system call that could change something has changed nothing",
        source: "CNI spec 2, CHECK; P-044",
        of: MAKING,
        check: |stage| killed(stage, "CHECK", Sweep::Nobody, check),
        broken: "untidy CHECK",
    },
];

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

/// The addresses of a result.
fn addresses(result: &Value) -> Vec<String> {
    let all = result["ips"].as_array().into_iter().flatten();
    all.filter_map(|ip| ip["address"].as_str().map(str::to_owned)).collect()
}
