//! DEL (section "DEL"): complete, whatever is missing. What fails is gathered, and the rest goes on.

use cni::{Failure, Interface, Request};
use host::record::Records;
use host::{Error, Fate, Host, Leftover, Namespace};
use netstate::Attachment;

use super::Policy;
use crate::call::owner;
use crate::ipam::{Ipam, Turn};
use crate::{failure, flannel};

/// DEL. Rules and link go before the address is freed, so nobody's next address has a rule of this container.
///
/// Only IPAM that speaks by the link itself comes first: it has a lease to give back by it.
pub(super) fn del<P: Policy>(request: &Request) -> Result<(), Failure> {
    let owner = owner(request);
    let released = || Ipam::of(request).and_then(|ipam| ipam.map_or(Ok(()), |ipam| ipam.del(request)));
    let ipam_first = Turn::of(request) == Turn::After;
    let mut failures = Vec::new();
    if ipam_first {
        failures.extend(released().err());
    }
    match take_away(request, &owner, P::SHAPE.fate()) {
        Ok(errors) | Err(errors) => failures.extend(errors.into_iter().map(failure::of)),
    }
    if !ipam_first {
        failures.extend(released().err());
    }
    if failures.is_empty() {
        failures.extend(flannel::forget(request).err());
    }
    failure::of_all(failures)
}

fn take_away(request: &Request, owner: &Attachment, fate: Fate) -> Result<Vec<Error>, Vec<Error>> {
    let container = request.netns.as_deref().and_then(Namespace::open_if_there);
    let mut host = Host::open().map_err(|error| vec![error])?;
    let records = Records::of_this_boot().map_err(|error| vec![error])?;
    let mut errors = Vec::new();
    match records.read(owner).unwrap_or_default() {
        Some(record) if record.owner == *owner => {
            errors.extend(host.remove(&record, container.as_ref()));
            // A device that is still on its way back is GC's, or the next ADD's.
            if errors.is_empty() && !host.wait_for_device(&record).map_err(|error| vec![error])? {
                return Ok(errors);
            }
        }
        // The container was attached to another network by this interface since: this DEL comes late.
        Some(_) => return Ok(errors),
        None => errors.extend(host.remove_unrecorded(&leftover(request, owner, (container, fate)))),
    }
    if errors.is_empty() {
        errors.extend(records.remove(owner).err());
    }
    Ok(errors)
}

/// What is known of an attachment that has no record: another DEL was first, or the reference made it.
fn leftover(request: &Request, owner: &Attachment, (container, fate): (Option<Namespace>, Fate)) -> Leftover {
    let result = request.config.prev_result().ok().flatten().unwrap_or_default();
    // A VLAN's gateway is a veth end on the host, too, and everybody's.
    let host_ends = result.interfaces.iter().filter(|found| is_host_end(found));
    Leftover {
        owner: owner.clone(),
        container,
        fate,
        host_ends: host_ends
            .filter_map(|found| Some((found.name.parse().ok()?, found.mac.parse().ok()?)))
            .collect(),
        addresses: result.ips.iter().map(|ip| ip.address.ip()).collect(),
    }
}

fn is_host_end(found: &Interface) -> bool {
    found.sandbox.is_empty() && found.name.starts_with("veth")
}
