//! CHECK (section "CHECK"): the plan of what ADD printed, against the kernel.

use cni::{Code, Coded, Failure, Request};
use host::record::Records;
use netstate::Adjustment;

use super::attaching::{Attaching, prev_result};
use super::{Machine, Policy};
use crate::call::owner;
use crate::failure::of;

/// Something is not as ADD made it.
#[derive(Debug, thiserror::Error)]
#[error("the attachment is not as ADD made it: {0}")]
struct Different(String);

impl Coded for Different {
    fn code(&self) -> Code {
        Code::Internal
    }
}

/// CHECK.
pub(super) fn check<P: Policy>(request: &Request) -> Result<(), Failure> {
    let conf = P::parse(request)?;
    let prev = ::ipam::dhcp::as_leased(&owner(request), prev_result::<P>(request)?)?;
    if P::is_idle(&conf) {
        return Ok(());
    }
    let mut attaching = Attaching::<P>::begin(request, &conf, &prev)?;
    let records = Records::of(P::KEEPER).map_err(of)?;
    let record = records.read(&attaching.wanted.owner).map_err(of)?;
    let found = match record.filter(|record| record.owner == attaching.wanted.owner) {
        Some(record) => Some(compare(&mut attaching, &record.adjustments)?),
        None => compare_unrecorded(&mut attaching)?,
    };
    // The reference left nothing to go by, or it was never asked to.
    let found = found.map_or_else(|| compare(&mut attaching, &[]), Ok)?;
    if found.is_empty() { Ok(()) } else { Err(Different(found.join("; ")).into()) }
}

fn compare_unrecorded<P: Policy>(attaching: &mut Attaching<'_, P>) -> Result<Option<Vec<String>>, Failure> {
    let Attaching { conf, wanted, host, container } = attaching;
    P::compare_unrecorded(conf, wanted, &mut Machine { host, container, recorded: &[] })
}

fn compare<P: Policy>(
    attaching: &mut Attaching<'_, P>,
    recorded: &[Adjustment],
) -> Result<Vec<String>, Failure> {
    let plan = attaching.plan(recorded)?;
    let differences = attaching.host.compare(&plan, Some(&attaching.container)).map_err(of)?;
    Ok(differences.iter().map(ToString::to_string).collect())
}
