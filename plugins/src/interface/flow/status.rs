//! STATUS (section "STATUS"): would an ADD succeed, and are those that did still well?

use cni::{Code, Coded, Failure, Request};
use host::record::{Record, Records};
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
    let kinds = P::rules(&conf);
    let lacks_rules = !kinds.is_empty() && !host.has_tables(&kinds).map_err(StatusError::NoNftables)?;
    if cut_off.is_none() && !lacks_rules {
        return Ok(());
    }
    // A node without containers on the network lacks nothing: the first ADD makes it all.
    let attachments = attachments(&request.config.name)?;
    match cut_off {
        Some(error) if !attachments.is_empty() => Err(error.into()),
        _ if lacks_rules && attachments.iter().any(has_rules) => Err(StatusError::RulesMissing.into()),
        _ => Ok(()),
    }
}

fn attachments(network: &str) -> Result<Vec<Record>, Failure> {
    let records = Records::of_this_boot().and_then(|records| records.all()).map_err(failure::of)?;
    Ok(records.into_iter().filter(|record| record.owner.network == network).collect())
}

/// An attachment from before the network had rules lacks none.
fn has_rules(record: &Record) -> bool {
    !record.masquerades.is_empty() || !record.guards.is_empty()
}
