//! STATUS (section "STATUS"): would an ADD succeed, and are those that did still well?

use cni::{Code, Coded, Failure, Request};
use host::record::Records;
use host::{Error, Host};
use netstate::LinkName;

use super::Policy;
use crate::failure;
use crate::ipam::Ipam;

/// Why not.
#[derive(Debug, thiserror::Error)]
enum StatusError {
    #[error("ipMasq and macspoofchk need nf_tables: {0}")]
    NoNftables(Error),
    #[error("the bridge {0} is gone: existing containers are cut off")]
    BridgeMissing(LinkName),
    #[error("the bridge {0} is down: existing containers are cut off")]
    BridgeDown(LinkName),
    #[error(
        "the nftables table `trestle` is gone: existing containers lack their rules; `cni restore` brings them back"
    )]
    RulesMissing,
}

impl Coded for StatusError {
    fn code(&self) -> Code {
        match self {
            Self::NoNftables(_) => Code::NotAvailable,
            Self::BridgeMissing(_) | Self::BridgeDown(_) | Self::RulesMissing => Code::LimitedConnectivity,
        }
    }
}

/// STATUS: about a millisecond, and no lock. Records are read only where something is amiss.
pub(super) fn status<P: Policy>(request: &Request) -> Result<(), Failure> {
    let conf = P::parse(request)?;
    if let Some(ipam) = Ipam::of(request)? {
        ipam.status(request)?;
    }
    let mut host = Host::open().map_err(failure::of)?;
    let name = P::master(&conf);
    let bridge = host.find(name).map_err(failure::of)?;
    let cut_off = match bridge {
        None => Some(StatusError::BridgeMissing(name.clone())),
        Some(bridge) if !bridge.is_up() => Some(StatusError::BridgeDown(name.clone())),
        Some(_) => None,
    };
    let rules =
        if P::wants_rules(&conf) { host.has_tables().map_err(StatusError::NoNftables)? } else { true };
    match cut_off.or((!rules).then_some(StatusError::RulesMissing)) {
        Some(error) if has_attachments(&request.config.name)? => Err(error.into()),
        _ => Ok(()),
    }
}

/// A node without containers on the network lacks nothing: the first ADD makes it all.
fn has_attachments(network: &str) -> Result<bool, Failure> {
    let records =
        Records::of_this_boot().and_then(|records| records.all()).map_err(failure::of)?;
    Ok(records.iter().any(|record| record.owner.network == network))
}
