//! `cni gc`: GC for a node whose runtime never asks for it.
//!
//! stdout has a line `removed <network>/<container>/<interface>` for each attachment that was cleared away.

use std::path::Path;

use host::life::Life;

use super::{Said, lines};
use crate::interface::{Swept, sweep};
use crate::{failure, ipam};

/// Every network's attachments, and only the dead ones: first what they have in the kernel, then their addresses.
pub(super) fn run(_: &[&Path]) -> Said {
    let Swept { removed, errors } = match sweep(|records, record| records.life(record) == Life::Dead) {
        Ok(swept) => swept,
        Err(error) => Swept { removed: Vec::new(), errors: vec![error] },
    };
    let mut failures: Vec<_> = errors.into_iter().map(failure::of).collect();
    failures.extend(ipam::release_dead().err());
    Said { text: lines("removed ", &removed), failure: failure::of_all(failures).err(), ..Said::default() }
}
