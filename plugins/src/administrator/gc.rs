//! `cni gc`: GC for a node whose runtime never asks for it.
//!
//! stdout has a line `removed <network>/<container>/<interface>` for each attachment that was cleared away.

use std::path::Path;

use host::life::Life;
use host::record::Records;

use super::{Said, lines};
use crate::sweep::{Swept, sweep};
use crate::{failure, ipam};

/// Every network's attachments, and only the dead ones: first what they have in the kernel, then their addresses.
pub(super) fn run(_: &[&Path]) -> Said {
    let (mut removed, mut failures) = (Vec::new(), Vec::new());
    match Records::of_all() {
        Ok(all) => {
            for records in all {
                match sweep(&records, |record| records.life(record) == Life::Dead) {
                    Ok(Swept { removed: some, errors }) => {
                        removed.extend(some);
                        failures.extend(errors.into_iter().map(failure::of));
                    }
                    Err(error) => failures.push(failure::of(error)),
                }
            }
        }
        Err(error) => failures.push(failure::of(error)),
    }
    failures.extend(ipam::release_dead().err());
    removed.sort();
    removed.dedup();
    Said { text: lines("removed ", &removed), failure: failure::of_all(failures).err(), ..Said::default() }
}
