//! ADD (section "ADD").
//!
//! ```text
//! conf      parse                        7, naming key and value
//! ground    what the plan rests on
//! refuse    the container has the interface already
//! link      only where IPAM asks by the link itself (dhcp): up, and without addresses
//! ipam      ADD                          the delegate's own error; DEL after a failure
//! plan      pure
//! record    on disk, before the first object is made
//! apply     one plan, one executor       on an error: undo, IPAM DEL
//! ```

use cni::{Failure, Request, Success};

use super::Policy;
use super::attaching::Attaching;
use super::making::Making;
use crate::ipam::{Ipam, Leased, Turn};
use crate::sweep;

/// ADD.
pub(super) fn add<P: Policy>(request: &Request) -> Result<Success, Failure> {
    let mut attaching = Attaching::<P>::begin(request)?;
    let ipam = Ipam::of(request)?;
    let mut making = Making::begin(P::SHAPE)?;
    let leased = link_first(&mut attaching, &mut making).and_then(|()| match &ipam {
        Some(ipam) => ipam.add(request, P::SHAPE),
        None => Ok(Leased::nothing()),
    });
    let lease = match leased {
        Ok(lease) => lease,
        Err(failure) => {
            making.undo(&mut attaching.host, &attaching.owner, &attaching.container);
            return Err(failure);
        }
    };
    making.know(lease.proof());
    // It holds its addresses until the attachment stands.
    let configured = configure(&mut attaching, request, (lease.success.clone(), &mut making));
    if configured.is_ok() {
        sweep::some(&mut attaching.host, making.records(), &attaching.owner);
    } else {
        making.undo(&mut attaching.host, &attaching.owner, &attaching.container);
        // The failure of the ADD is what the runtime has to know; it sends a DEL in any case.
        drop(ipam.map(|ipam| ipam.del(request)));
    }
    // The process ends with its answer: what is open the kernel closes by itself.
    std::mem::forget((attaching, making, lease));
    configured
}

/// The link without addresses, where IPAM asks by it.
fn link_first<P: Policy>(attaching: &mut Attaching<P>, making: &mut Making) -> Result<(), Failure> {
    if attaching.ipam == Turn::Before {
        return Ok(());
    }
    let nothing = Success::default();
    let wanted = attaching.wanted(&nothing);
    let plan = P::plan(&attaching.conf, &attaching.ground, &wanted);
    making.make(&mut attaching.host, &plan, &attaching.container, &attaching.owner)
}

/// From the lease to the result.
fn configure<P: Policy>(
    attaching: &mut Attaching<P>,
    request: &Request,
    (lease, making): (Success, &mut Making),
) -> Result<Success, Failure> {
    let mut result = attaching.settle(request, lease)?;
    let wanted = attaching.wanted(&result);
    let plan = P::plan(&attaching.conf, &attaching.ground, &wanted);
    making.make(&mut attaching.host, &plan, &attaching.container, &attaching.owner)?;
    let interfaces = P::interfaces(&attaching.conf, &attaching.ground, &wanted, &making.made());
    result.interfaces = interfaces;
    Ok(result)
}
