//! SIGKILL on the way: CNI spec 2: a runtime sends DEL after whatever became of an ADD, and a deadline kills.

use sandbox::{End, Victims, kill_after};

use crate::case::{Case, Of};
use crate::cases::breakage::FORGETS;
use crate::cases::leak::added;
use crate::life::{same, settled};
use crate::options::Extent;
use crate::stage::Stage;
use crate::unmet::{Outcome, require};

/// So many system calls of a verb are tried with each plugin, unless every one is asked for: a hundred with all eight.
const SAMPLE: u64 = 13;

/// More system calls no call makes.
const MOST: u64 = 20_000;

/// Where the sequence of tried calls begins: the same in every run.
const SEED: u64 = 0x5eed;

/// Those whose ADD makes something that outlives a kill.
const MAKING: Of =
    Of::Plugins(&["bridge", "ptp", "macvlan", "portmap", "firewall", "bandwidth", "tuning", "host-local"]);

pub(crate) const CASES: &[Case] = &[
    Case {
        id: "crash.add",
        says: "an ADD that is killed at any system call leaves nothing that its DEL does not take away",
        source: "CNI spec 2, DEL; libcni's deadlines kill; R-1",
        of: MAKING,
        check: |stage| killed(stage, "ADD"),
        broken: r#"[ "$CNI_COMMAND" != ADD ] || nft add table ip "left-$CNI_CONTAINERID"; real"#,
    },
    Case {
        id: "crash.del",
        says: "a DEL that is killed at any system call can be made again, and leaves nothing",
        source: "CNI spec 2, DEL; libcni's deadlines kill; P-042",
        of: MAKING,
        check: |stage| killed(stage, "DEL"),
        broken: FORGETS,
    },
];

/// How many system calls a call of this verb makes.
fn length(stage: &Stage<'_>, verb: &str) -> Result<u64, crate::unmet::Unmet> {
    let a = stage.attachment()?;
    if verb == "DEL" {
        a.add()?;
    }
    let call = a.call(verb).bare();
    let strace = call.through(&["strace", "-f", "-qq", "-o", "/run/strace", "--"]).run();
    require!(strace.code == 0, "{verb} under strace: {}", strace.stderr);
    let lines = std::fs::read_to_string("/run/strace").unwrap_or_default().lines().count();
    a.run("DEL").success()?;
    Ok(u64::try_from(lines).unwrap_or(MOST).min(MOST))
}

/// The system calls to be tried, in order.
fn tried(extent: Extent, length: u64) -> Vec<u64> {
    if extent == Extent::Exhaustive || length <= SAMPLE {
        return (1..=length).collect();
    }
    // Marsaglia's xorshift.
    let mut state = SEED;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state % length + 1
    };
    let mut chosen: Vec<u64> = (0..SAMPLE).map(|_| next()).collect();
    chosen.sort_unstable();
    chosen.dedup();
    chosen
}

fn killed(stage: &Stage<'_>, verb: &str) -> Outcome {
    let length = length(stage, verb)?;
    added(stage.attachment()?)?.del()?;
    let before = settled(stage.node);
    let calls = tried(stage.extent, length);
    for at in &calls {
        let a = stage.attachment()?;
        if verb == "DEL" {
            a.add()?;
        }
        let call = a.call(verb);
        let end = kill_after(&call.bare(), usize::try_from(*at).unwrap_or(usize::MAX), Victims::All);
        let after = match end {
            End::Itself(_) => "it ended by itself".to_owned(),
            End::Killed(after) => format!("killed after system call {at}: {after}"),
        };
        stage.note(call.by_hand(), after.clone());
        let answer = a.run("DEL");
        require!(answer.code == 0, "{verb} {after}; then DEL: {}", answer.shown());
    }
    same(stage, &before)
}
