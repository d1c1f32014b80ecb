//! `cni gc`: GC for a node whose runtime never asks for it.

use std::path::Path;

use cni::Failure;
use host::life::Life;

use crate::failure;
use crate::interface::sweep;

/// Every network's attachments, and only the dead ones.
pub(super) fn run(_: &[&Path]) -> Result<String, Failure> {
    let errors =
        sweep(|records, record| records.life(record) == Life::Dead).map_err(failure::of)?;
    failure::of_all(errors.into_iter().map(failure::of).collect())?;
    Ok(String::new())
}
