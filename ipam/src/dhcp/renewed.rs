//! What ADD told of, as it is now: servers change addresses and routes of containers that run, and a runtime knows only
//! what it was told. Pure.

use cni::Success;

use super::lease::{self, Lease};
use super::store::Record;

/// The result of an ADD with what the leases are now in place of what they were then.
pub(super) fn as_leased(record: &Record, mut result: Success) -> Success {
    for old in record.told() {
        // Without its link, a lease is not kept.
        let Some(new) = record.leases.iter().find(|new| new.protocol == old.protocol) else { continue };
        addresses(&mut result, old, new);
    }
    let old = lease::success(record.told(), &record.wish).routes;
    let new = lease::success(&record.leases, &record.wish).routes;
    if old != new {
        // An old version's result says no more of a route.
        result.routes.retain(|route| old.iter().all(|old| (old.dst, old.gw) != (route.dst, route.gw)));
        result.routes.extend(new);
    }
    result
}

fn addresses(result: &mut Success, old: &Lease, new: &Lease) {
    for ip in result.ips.iter_mut().filter(|ip| ip.address == old.address) {
        ip.address = new.address;
        if ip.gateway == old.gateway {
            ip.gateway = ip.gateway.and(new.gateway);
        }
    }
}
