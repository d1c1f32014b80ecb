//! GC (section "GC"): adjustments of attachments that are no more.

use cni::{Failure, Request};
use host::record::Records;

use super::Policy;
use crate::failure::{of, of_all};
use crate::sweep::{self, Collected};

/// GC of one network: first what records tell of, then what only bears our mark.
pub(super) fn gc<P: Policy>(request: &Request) -> Result<(), Failure> {
    let valid = request.config.valid_attachments()?;
    let records = Records::of(P::KEEPER).map_err(of)?;
    let Some(collected) = sweep::collect(&records, &request.config.name, &valid).map_err(of)? else {
        return Ok(());
    };
    let Collected { mut host, kept, errors } = collected;
    let mut failures: Vec<Failure> = errors.into_iter().map(of).collect();
    failures.extend(P::remove_strays(request, &mut host, &kept));
    of_all(failures)
}
