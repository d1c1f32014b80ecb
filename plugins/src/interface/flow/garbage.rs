//! GC (section "GC"): objects of attachments that are no more.

use cni::{Failure, Request, ValidAttachments};
use host::Error;
use host::record::Records;

use crate::failure;
use crate::ipam::Ipam;
use crate::sweep::{self, Collected};

/// GC of one network: first what records tell of, then what only bears our mark.
pub(super) fn gc(request: &Request) -> Result<(), Failure> {
    let valid = request.config.valid_attachments()?;
    let mut failures: Vec<Failure> = match collect(&request.config.name, &valid) {
        Ok(errors) => errors.into_iter().map(failure::of).collect(),
        Err(error) => vec![failure::of(error)],
    };
    let forwarded = Ipam::of(request).and_then(|ipam| ipam.map_or(Ok(()), |ipam| ipam.gc(request)));
    failures.extend(forwarded.err());
    failure::of_all(failures)
}

fn collect(network: &str, valid: &ValidAttachments) -> Result<Vec<Error>, Error> {
    let records = Records::of_this_boot()?;
    let Some(collected) = sweep::collect(&records, network, valid)? else { return Ok(Vec::new()) };
    let Collected { mut host, kept, mut errors } = collected;
    errors.extend(host.remove_strays(network, &kept));
    Ok(errors)
}
