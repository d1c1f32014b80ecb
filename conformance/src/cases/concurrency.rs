//! Many calls at once: CNI spec, general considerations: "Plugins MUST tolerate being called concurrently for different
//! containers".

use std::collections::BTreeSet;
use std::thread;

use crate::attachment::Attachment;
use crate::call::{Answer, Call};
use crate::case::{Case, Of};
use crate::life::{same, settled};
use crate::specimen::Kind;
use crate::stage::Stage;
use crate::unmet::{Outcome, Unmet, require};

/// So many at once.
const CROWD: usize = 8;

pub(crate) const CASES: &[Case] = &[
    Case {
        id: "concurrency.add",
        says: "eight ADDs for different containers at once all succeed, and no address is given twice",
        source: "CNI spec, general considerations; P-013",
        of: Of::Kinds(&[Kind::Interface, Kind::Chained, Kind::Ipam]),
        check: |stage| {
            let all = crowd(stage)?;
            let answers = at_once(stage, &all, "ADD");
            let mut addresses = Vec::new();
            for answer in &answers {
                answer.success()?;
                let result = answer.json()?;
                addresses.extend(
                    result["ips"].as_array().into_iter().flatten().map(|ip| ip["address"].to_string()),
                );
            }
            let distinct: BTreeSet<_> = addresses.iter().collect();
            let alike = stage.name == "loopback";
            require!(alike || distinct.len() == addresses.len(), "an address went out twice: {addresses:?}");
            for answer in at_once(stage, &all, "DEL") {
                answer.silent_success()?;
            }
            Ok(())
        },
        broken: r#"on ADD || { real; exit; }; mkdir "$0.busy" 2>/dev/null || refuse 11; real; code=$?; sleep 1; rmdir "$0.busy"; exit "$code""#,
    },
    Case {
        id: "concurrency.del",
        says: "eight DELs at once leave nothing",
        source: "CNI spec, general considerations; part 3: \"deletes chains idempotently in parallel\"; P-013",
        of: Of::Plugins(&[
            "bridge",
            "ptp",
            "macvlan",
            "tap",
            "portmap",
            "firewall",
            "bandwidth",
            "host-local",
        ]),
        check: |stage| {
            crowd_comes_and_goes(stage)?;
            let before = settled(stage.node);
            crowd_comes_and_goes(stage)?;
            same(stage, &before)
        },
        broken: r#"on DEL || { real; exit; }; mkdir "$0.busy" 2>/dev/null || { leave; real; exit; }; real; code=$?; sleep 1; rmdir "$0.busy"; exit "$code""#,
    },
];

fn crowd<'s>(stage: &'s Stage<'s>) -> Result<Vec<Attachment<'s>>, Unmet> {
    (0..CROWD).map(|_| stage.attachment()).collect()
}

fn crowd_comes_and_goes(stage: &Stage<'_>) -> Outcome {
    let all = crowd(stage)?;
    for verb in ["ADD", "DEL"] {
        for answer in at_once(stage, &all, verb) {
            answer.success()?;
        }
    }
    Ok(())
}

/// The same verb for all of them, at once.
fn at_once(stage: &Stage<'_>, all: &[Attachment<'_>], verb: &str) -> Vec<Answer> {
    let calls: Vec<Call> = all.iter().map(|one| one.call(verb)).collect();
    let answers: Vec<Answer> = thread::scope(|scope| {
        let running: Vec<_> = calls.iter().map(|call| scope.spawn(|| call.run())).collect();
        running.into_iter().filter_map(|one| one.join().ok()).collect()
    });
    for (call, answer) in calls.iter().zip(&answers) {
        stage.note(format!("{} &", call.by_hand()), answer.shown());
    }
    answers
}
