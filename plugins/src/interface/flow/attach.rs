//! ADD (section "ADD").
//!
//! ```text
//! conf      parse                        7, naming key and value
//! refuse    the container has the interface already
//! ipam      ADD                          the delegate's own error; DEL after a failure
//! plan      pure
//! record    on disk, before the first object is made
//! apply     one plan, one executor       on an error: undo, IPAM DEL
//! ```

use cni::{Failure, Request, Success};
use host::life::Proof;
use host::record::{Record, Records};
use host::{Applied, Error, Host, Namespace};
use netstate::{Attachment, Plan};

use super::attaching::Attaching;
use super::{Made, Master, Policy};
use crate::failure::of;
use crate::ipam::{Ipam, Leased};
use crate::sweep;

/// ADD.
pub(super) fn add<P: Policy>(request: &Request) -> Result<Success, Failure> {
    let mut attaching = Attaching::<P>::begin(request)?;
    let ipam = Ipam::of(request)?;
    let lease = match &ipam {
        Some(ipam) => ipam.add(request)?,
        None => Leased::nothing(),
    };
    let attached = attach(&mut attaching, request, lease.success.clone());
    match &attached {
        Ok(_) => sweep_some(&mut attaching.host, &attaching.owner),
        // The failure of the ADD is what the runtime has to know; it sends a DEL in any case.
        Err(_) => drop(ipam.map(|ipam| ipam.del(request))),
    }
    attached
}

/// Where the records can't be found, there is nothing to look after.
fn sweep_some(host: &mut Host, owner: &Attachment) {
    if let Ok(records) = Records::of_this_boot() {
        sweep::some(host, &records, owner);
    }
}

fn attach<P: Policy>(
    attaching: &mut Attaching<P>,
    request: &Request,
    lease: Success,
) -> Result<Success, Failure> {
    let mut result = attaching.settle(request, lease)?;
    let wanted = attaching.wanted(&result)?;
    let plan = P::plan(&attaching.conf, &wanted);
    let made = make(&mut attaching.host, &plan, &attaching.owner, &attaching.container)?;
    let interfaces = P::interfaces(&attaching.conf, &wanted, &made);
    result.interfaces = interfaces;
    Ok(result)
}

/// Records and applies; takes everything back where that fails.
fn make(host: &mut Host, plan: &Plan, owner: &Attachment, container: &Namespace) -> Result<Made, Failure> {
    let records = Records::of_this_boot().map_err(of)?;
    let proof = Proof::of(Some(container.path()), Some(&owner.host_link()))
        .map_err(|source| of(Error::Namespace { path: container.path().to_owned(), source }))?;
    // Before the record: what is restored is other attachments', and an ADD that fails takes back only its own.
    restore_if_flushed(host, plan)?;
    let held = records.write(&Record::new(owner, proof, plan)).map_err(of)?;
    let mut applied = Applied::default();
    host.apply(plan, Some(container), &mut applied).map_err(|error| {
        if host.undo(&applied, plan, owner).is_empty() {
            // A record that can't be removed is the next DEL's to find.
            let _ = records.remove(owner);
        }
        of(error)
    })?;
    drop(held);
    let gateway = applied.gateway.and_then(|gateway| gateway.mac);
    Ok(Made { master: applied.bridge.map(Master::from), mtu: applied.mtu, gateway })
}

/// Where somebody flushed the ruleset, every live attachment lost its rules: this one brings them all back.
fn restore_if_flushed(host: &mut Host, plan: &Plan) -> Result<(), Failure> {
    let kinds = plan.rule_kinds();
    if !kinds.is_empty() && !host.has_tables(&kinds).map_err(of)? {
        host.restore().map_err(of)?;
    }
    Ok(())
}
