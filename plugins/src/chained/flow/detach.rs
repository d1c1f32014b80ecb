//! DEL (section "DEL"): complete, whatever is missing. What fails is gathered, and the rest goes on.

use cni::{Failure, Request};
use host::record::Records;
use host::{Host, Namespace};

use super::{Leaving, Policy};
use crate::call::owner;
use crate::failure::{of, of_all};

/// DEL. By the record, and without one by the marks; neither the configuration nor prevResult nor the namespace is
/// needed. The same plugin's second DEL (it stands in the list twice) finds nothing left to do.
pub(super) fn del<P: Policy>(request: &Request) -> Result<(), Failure> {
    let owner = owner(request);
    let container = request.netns.as_deref().and_then(Namespace::open_if_there);
    // A container that can't be locked is leaving: nobody else adjusts it.
    let _turn = container.as_ref().and_then(|container| container.lock().ok());
    let mut host = Host::open().map_err(of)?;
    let records = Records::of(P::KEEPER).map_err(of)?;
    // A record that can't be read is none; what it told of bears marks.
    let mut failures = match records.read(&owner).unwrap_or_default() {
        Some(record) if record.owner == owner => {
            let errors = host.withdraw(container.as_ref(), &owner, &record.adjustments);
            errors.into_iter().map(of).collect()
        }
        // The container was attached to another network by this interface since: this DEL comes late.
        Some(_) => return Ok(()),
        None => P::remove_unrecorded(&Leaving { request, owner: owner.clone(), container }, &mut host),
    };
    // What can't be brought back in the container is said once, and goes with it: a runtime that has to wait for this DEL
    // would never see the container's end.
    if failures.is_empty() || !P::KEEPER.has_rules() {
        failures.extend(records.remove(&owner).err().map(of));
    }
    of_all(failures)
}
