//! ADD, and the look ahead to it.

use std::fs::File;

use cni::{Code, Coded, Failure, Ip, Request, Success};
use host::life::Proof;
use netstate::Attachment;

use super::allocate::{Applicant, allocate};
use super::config::Settings;
use super::confirmed;
use super::delegator::Delegator;
use super::error::AllocateError;
use super::heal::Healer;
use super::looking::Looking;
use super::mark::Mark;
use super::owner::Owner;
use super::record::{Evidence, Record};
use super::reserving::Reserving;
use super::store::Store;

/// Addresses that were reserved. Keep it until the attachment's link stands: as long as it lives, the attachment is
/// not taken for dead because its link is missing.
#[derive(Debug)]
pub struct Lease {
    /// The result of ADD.
    pub success: Success,
    /// The proof of life that was taken of the container.
    pub proof: Proof,
    _record: File,
}

/// `/proc` can't be read, so that nothing could be proved later.
#[derive(Debug, thiserror::Error)]
#[error("cannot take a proof of life for network namespace {netns:?}: {source}")]
struct ProofFailure {
    netns: Option<std::path::PathBuf>,
    source: std::io::Error,
}

impl Coded for ProofFailure {
    fn code(&self) -> Code {
        Code::Io
    }
}

/// ADD for `delegator`: reserves an address of each range set.
///
/// # Errors
/// 7 for the configuration, 11 where an address is not to be had now, 5 where files can't be written, 999 for an
/// attachment that has an address already. Nothing stays reserved.
pub fn add(request: &Request, delegator: &mut dyn Delegator) -> Result<Lease, Failure> {
    let settings = Settings::of(request)?;
    confirmed::require(&settings)?;
    let attachment = Attachment {
        network: request.config.name.clone(),
        container: request.container.clone(),
        ifname: request.ifname.clone(),
    };
    let proof = Proof::of(request.netns.as_deref(), delegator.host_link(&attachment).as_ref())
        .map_err(|source| ProofFailure { netns: request.netns.clone(), source })?;
    let store = Store::create(&settings.place)?;
    let owner = Owner::new(&request.container, &request.ifname);
    let evidence = Evidence { mark: Mark::random(), proof: proof.clone() };
    let healer = Healer::new(&store, &settings.place.network, delegator);
    let (ips, record) = reserve(&settings, &owner, Tools { store: &store, healer, evidence })?;
    Ok(Lease { success: success(settings, ips), proof, _record: record })
}

/// What a reservation is made with.
struct Tools<'a> {
    store: &'a Store,
    healer: Healer<'a>,
    evidence: Evidence,
}

/// The record goes before the addresses, so that they are never without a proof (see `store`).
fn reserve<'a>(
    settings: &Settings,
    owner: &'a Owner,
    tools: Tools<'a>,
) -> Result<(Vec<Ip>, File), AllocateError> {
    let Tools { store, healer, evidence } = tools;
    let before = store.index.record(owner)?.map(|(record, _)| record);
    let mut holds = before.as_ref().map(|record| record.addresses.clone()).unwrap_or_default();
    let mark = evidence.mark;
    let record = store.index.write(owner, &Record { evidence: Some(evidence), addresses: holds.clone() })?;
    holds.extend(store.held_by(&owner.bare())?);
    let applicant = Applicant { container: &owner.container, holds };
    let mut shelf = Reserving::new(healer, store, owner, mark);
    let ips = store
        .index
        .lock(owner, &record)
        .map_err(AllocateError::from)
        .and_then(|()| allocate(settings, &applicant, &mut shelf))
        .and_then(|ips| Ok(store.index.append(owner, &record, &shelf.reserved).map(|()| ips)?));
    if ips.is_ok() {
        for (set, address) in shelf.reserved.iter().enumerate() {
            // Not critical: the next round begins elsewhere.
            let _ = store.directory.set_last_reserved(set, *address);
        }
    } else {
        shelf.undo()?;
        match before {
            Some(before) => store.index.write(owner, &before).map(drop)?,
            None => store.index.remove(owner)?,
        }
    }
    store.seal();
    ips.map(|ips| (ips, record))
}

/// What ADD would return if it were called now. Nothing is locked and nothing is written.
///
/// # Errors
/// What ADD's would be.
pub fn preview(request: &Request) -> Result<Success, Failure> {
    let settings = Settings::of(request)?;
    confirmed::require(&settings)?;
    let mut shelf = Looking::at(&settings.place)?;
    let holds = shelf.held_by(&Owner::new(&request.container, &request.ifname))?;
    let ips = allocate(&settings, &Applicant { container: &request.container, holds }, &mut shelf)?;
    Ok(success(settings, ips))
}

fn success(settings: Settings, ips: Vec<Ip>) -> Success {
    Success { interfaces: Vec::new(), ips, routes: settings.routes, dns: settings.dns }
}
