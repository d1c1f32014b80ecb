//! STATUS (section "STATUS"): would an ADD succeed, and are those that did still well?

use cni::{Code, Coded, Failure, Request};
use host::record::{Record, Records};
use host::{Error, Host};
use netstate::LinkName;

use super::{Base, Moment, Policy, Shape, Site};
use crate::failure;
use crate::ipam::Ipam;

/// Why not.
#[derive(Debug, thiserror::Error)]
enum StatusError {
    #[error("ipMasq and macspoofchk need nf_tables: {0}")]
    NoNftables(Error),
    #[error("{0}")]
    NoGround(Failure),
    #[error("{0}: existing containers are cut off")]
    GroundLost(Failure),
    #[error("the bridge {0} is gone: existing containers are cut off")]
    BridgeMissing(LinkName),
    #[error("the bridge {0} is down: existing containers are cut off")]
    BridgeDown(LinkName),
    #[error("master: {0} is down")]
    MasterDown(LinkName),
    #[error("master: {0} is down: existing containers are cut off")]
    MasterSilent(LinkName),
    #[error(
        "the nftables table `trestle` is gone: existing containers lack their rules; `cni restore` brings them back"
    )]
    RulesMissing,
}

impl Coded for StatusError {
    fn code(&self) -> Code {
        match self {
            Self::NoNftables(_) | Self::NoGround(_) | Self::MasterDown(_) => Code::NotAvailable,
            Self::GroundLost(_)
            | Self::BridgeMissing(_)
            | Self::BridgeDown(_)
            | Self::MasterSilent(_)
            | Self::RulesMissing => Code::LimitedConnectivity,
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
    let mut site = Site { request, host: &mut host, container: None, moment: Moment::Before };
    let ground = match P::ground(&conf, &mut site) {
        Ok(ground) => ground,
        Err(failure) => return groundless(failure, P::SHAPE, &attachments(&request.config.name)?),
    };
    let base = P::base(&conf, &ground);
    let standing = standing(&mut host, base)?;
    let kinds = P::rules(&conf);
    let lacks_rules = !kinds.is_empty() && !host.has_tables(&kinds).map_err(StatusError::NoNftables)?;
    if standing == Standing::Up && !lacks_rules {
        return Ok(());
    }
    let attachments = attachments(&request.config.name)?;
    if let Some(error) = cut_off(base, standing, &attachments) {
        return Err(error.into());
    }
    if lacks_rules && attachments.iter().any(has_rules) {
        return Err(StatusError::RulesMissing.into());
    }
    Ok(())
}

/// What a plan rests on is not there. A device that was lent to a container is where it was asked to be.
fn groundless(failure: Failure, shape: Shape, attachments: &[Record]) -> Result<(), Failure> {
    match (shape, attachments) {
        (_, []) => Err(StatusError::NoGround(failure).into()),
        (Shape::Lent, _) => Ok(()),
        (Shape::Pair | Shape::Inside, _) => Err(StatusError::GroundLost(failure).into()),
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Standing {
    Up,
    Down,
    Missing,
}

fn standing(host: &mut Host, base: Base<'_>) -> Result<Standing, Failure> {
    let Some(name) = base.name() else { return Ok(Standing::Up) };
    Ok(match host.find(name).map_err(failure::of)? {
        None => Standing::Missing,
        Some(link) if link.is_up() => Standing::Up,
        Some(_) => Standing::Down,
    })
}

/// A node without containers on the network lacks nothing that the first ADD makes.
fn cut_off(base: Base<'_>, standing: Standing, attachments: &[Record]) -> Option<StatusError> {
    match (base, standing) {
        (Base::None, _) | (_, Standing::Up) => None,
        (Base::Made(_), _) if attachments.is_empty() => None,
        (Base::Made(name), Standing::Missing) => Some(StatusError::BridgeMissing(name.clone())),
        (Base::Made(name), Standing::Down) => Some(StatusError::BridgeDown(name.clone())),
        (Base::Needed(name), _) if attachments.is_empty() => Some(StatusError::MasterDown(name.clone())),
        (Base::Needed(name), _) => Some(StatusError::MasterSilent(name.clone())),
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
