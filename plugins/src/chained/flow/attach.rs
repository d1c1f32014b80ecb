//! ADD (section "ADD"): adjusts what the plugins before it made.
//!
//! ```text
//! conf      parse                        7, naming key and value; prevResult is required
//! turn      one at a time in a container
//! look      what the plan depends on
//! plan      pure
//! record    on disk, before the first object is made; what was there before is in it
//! apply     one plan, one executor       on an error: undo
//! ```

use cni::{Failure, Request, Success};
use host::life::Proof;
use host::record::{Record, Records};
use host::{Applied, Error, Host};
use netstate::{Adjustment, Plan};

use super::Policy;
use super::attaching::{Attaching, prev_result};
use crate::failure::{of, of_all};
use crate::sweep;

/// ADD.
pub(super) fn add<P: Policy>(request: &Request) -> Result<Success, Failure> {
    let conf = P::parse(request)?;
    let prev = prev_result::<P>(request)?;
    if P::is_idle(&conf) {
        return Ok(prev);
    }
    let mut attaching = Attaching::<P>::begin(request, &conf, &prev)?;
    let result = P::result(&conf, &attaching.wanted);
    // It must be printable in the version asked for before anything is made.
    result.to_json(request.config.version)?;
    let records = Records::of(P::KEEPER).map_err(of)?;
    let turn = attaching.container.lock().map_err(of)?;
    adjust(&mut attaching, &records)?;
    drop(turn);
    sweep::some(&mut attaching.host, &records, &attaching.wanted.owner);
    Ok(result)
}

fn adjust<P: Policy>(attaching: &mut Attaching<'_, P>, records: &Records) -> Result<(), Failure> {
    let proof = proof(attaching)?;
    let earlier = earlier(attaching, records, &proof)?;
    let plan = attaching.plan(&earlier)?;
    if plan.steps().is_empty() {
        return Ok(());
    }
    restore_if_flushed(&mut attaching.host, &plan)?;
    let owner = attaching.wanted.owner.clone();
    let mut record = Record::new(&owner, proof, &plan);
    let made: Vec<_> = record.adjustments.iter().filter(|made| !earlier.contains(made)).cloned().collect();
    record.adjustments = earlier.iter().chain(&made).cloned().collect();
    let held = records.write(&record).map_err(of)?;
    let applied = attaching.host.apply(&plan, Some(&attaching.container), &mut Applied::default());
    drop(held);
    applied.map_err(|error| {
        // The failure of the ADD is what the runtime has to know; what stays behind is in the record, for DEL to find.
        if attaching.host.withdraw(Some(&attaching.container), &owner, &made).is_empty() {
            record.adjustments = earlier;
            let _ = forget(records, &record);
        }
        of(error)
    })
}

/// The container's namespace and, where we made the attachment's link, its host end tell whether it lives.
fn proof<P: Policy>(attaching: &mut Attaching<'_, P>) -> Result<Proof, Failure> {
    let end = attaching.wanted.owner.host_link();
    let end = attaching.host.find(&end).map_err(of)?.map(|_| end);
    let path = attaching.container.path();
    Proof::of(Some(path), end.as_ref())
        .map_err(|source| of(Error::Namespace { path: path.to_owned(), source }))
}

/// What this plugin has adjusted already for this container and interface: it stands in the list twice, or an ADD was
/// killed. What a record says of another container of that name, or another network, is over, and goes.
fn earlier<P: Policy>(
    attaching: &mut Attaching<'_, P>,
    records: &Records,
    proof: &Proof,
) -> Result<Vec<Adjustment>, Failure> {
    let owner = &attaching.wanted.owner;
    match records.read(owner).map_err(of)? {
        Some(record) if record.owner == *owner && record.proof == *proof => Ok(record.adjustments),
        Some(record) => {
            let errors = attaching.host.clear_away(records, &record);
            of_all(errors.into_iter().map(of).collect())?;
            Ok(Vec::new())
        }
        None => Ok(Vec::new()),
    }
}

/// Where somebody flushed the ruleset, every live attachment lost its rules: this one brings them all back. Before the
/// record is written, for an ADD that fails takes back only its own. What of others' can't be brought back is no reason for
/// this one to fail; STATUS tells of it.
fn restore_if_flushed(host: &mut Host, plan: &Plan) -> Result<(), Failure> {
    if !host.stands(&plan.adjustments()).map_err(of)? {
        let _ = host.restore();
    }
    Ok(())
}

/// After an undo: the record is again what it was before.
fn forget(records: &Records, record: &Record) -> Result<(), Error> {
    if record.adjustments.is_empty() {
        records.remove(&record.owner)
    } else {
        records.write(record).map(drop)
    }
}
