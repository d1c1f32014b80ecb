//! `cni plan`: ADD up to the point where it would change something.

use cni::{Failure, Request, Success};
use host::record::Records;
use netstate::Plan;

use super::Policy;
use super::attaching::{Attaching, prev_result};
use crate::failure::of;

/// The plan that ADD would apply, and the result that it would print; nothing is changed, and nobody waits.
pub(crate) fn preview<P: Policy>(request: &Request) -> Result<(Plan, Success), Failure> {
    let conf = P::parse(request)?;
    let prev = prev_result::<P>(request)?;
    if P::is_idle(&conf) {
        return Ok((Plan::default(), prev));
    }
    let mut attaching = Attaching::<P>::begin(request, &conf, &prev)?;
    let result = P::result(&conf, &attaching.wanted);
    result.to_json(request.config.version)?;
    let record = Records::of(P::KEEPER).and_then(|records| records.read(&attaching.wanted.owner));
    let recorded = record.map_err(of)?.filter(|record| record.owner == attaching.wanted.owner);
    let recorded = recorded.map(|record| record.adjustments).unwrap_or_default();
    let plan = attaching.plan(&recorded)?;
    attaching.host.foresee(&plan).map_err(of)?;
    Ok((plan, result))
}
