//! STATUS (section "STATUS"): would an ADD succeed, and are those that did still well?

use cni::{Code, Coded, Failure, Request};
use host::Host;
use host::life::Life;
use host::record::Records;
use netstate::Adjustment;

use super::Policy;
use crate::failure::of;

/// Running containers lost what was made for them.
#[derive(Debug, thiserror::Error)]
#[error("the packet rules of {0} are gone: existing containers lack theirs; `cni restore` brings them back")]
struct RulesMissing(&'static str);

impl Coded for RulesMissing {
    fn code(&self) -> Code {
        Code::LimitedConnectivity
    }
}

/// STATUS.
pub(super) fn status<P: Policy>(request: &Request) -> Result<(), Failure> {
    let conf = P::parse(request)?;
    let mut host = Host::open().map_err(of)?;
    P::status(&conf, &mut host)?;
    let records = Records::of(P::KEEPER).map_err(of)?;
    let mut all = records.all().map_err(of)?;
    all.retain(|record| record.owner.network == request.config.name);
    let adjustments: Vec<_> = all.iter().flat_map(|record| record.adjustments.clone()).collect();
    if well::<P>(&mut host, &adjustments).is_ok() {
        return Ok(());
    }
    // Those of dead containers are nobody's loss.
    let mut living = all.iter().filter(|record| records.life(record) != Life::Dead);
    living.try_for_each(|record| well::<P>(&mut host, &record.adjustments))
}

fn well<P: Policy>(host: &mut Host, adjustments: &[Adjustment]) -> Result<(), Failure> {
    if !host.stands(adjustments).map_err(of)? {
        return Err(RulesMissing(P::NAME).into());
    }
    P::heard(host, adjustments)
}
