//! Choosing an address of each set, round robin, in the order and the words of the reference. Where the addresses are
//! kept is a [`Shelf`]'s concern: ADD takes them from it, `cni plan` and STATUS only look.

use std::collections::HashSet;
use std::net::IpAddr;

use cni::Ip;
use ipnetwork::IpNetwork;

use super::config::Settings;
use super::error::{AllocateError, StoreError};
use super::range::Range;
use super::range_set::RangeSet;

/// How many taken addresses in a row are looked at one by one, and their holders judged, before the whole directory is
/// listed for a free one: a bound for the work of one ADD.
const PROBES: usize = 8;

/// Where the addresses are.
pub(crate) trait Shelf {
    /// Takes an address; `false` where it is taken already.
    fn take(&mut self, address: IpAddr) -> Result<bool, StoreError>;

    /// Clears away a holder that is provably gone; is the address free now?
    fn heal(&mut self, address: IpAddr) -> Result<bool, StoreError>;

    /// What kept someone who is gone from being cleared away.
    fn hindrance(&self) -> Option<String>;

    /// The addresses that are taken.
    fn taken(&self) -> Result<Vec<IpAddr>, StoreError>;

    /// The address that a set gave last.
    fn last_reserved(&self, set: usize) -> Option<IpAddr>;
}

/// For whom addresses are chosen.
pub(crate) struct Applicant<'a> {
    /// `CNI_CONTAINERID`.
    pub(crate) container: &'a str,
    /// The addresses that the attachment holds already.
    pub(crate) holds: Vec<IpAddr>,
}

/// Takes one address of each set, in their order.
///
/// # Errors
/// [`AllocateError`]; what was taken until then stays taken.
pub(crate) fn allocate(
    settings: &Settings,
    applicant: &Applicant<'_>,
    shelf: &mut dyn Shelf,
) -> Result<Vec<Ip>, AllocateError> {
    let mut requested = settings.requested.clone();
    let mut ips = Vec::new();
    for (index, set) in settings.sets.iter().enumerate() {
        let wanted = requested.iter().position(|address| set.range_of(*address).is_some());
        let wanted = wanted.map(|position| requested.remove(position));
        let chosen = match wanted {
            Some(address) => take(set, address, shelf),
            None => next(Numbered { index, set }, applicant, shelf),
        };
        let (address, range) =
            chosen.map_err(|source| AllocateError::Set { index, source: Box::new(source) })?;
        ips.extend(ip(address, range));
    }
    if requested.is_empty() { Ok(ips) } else { Err(AllocateError::Unused(requested)) }
}

/// An address as a result tells it. A range's prefix length is valid for its addresses, so there always is one.
fn ip(address: IpAddr, range: &Range) -> Option<Ip> {
    let address = IpNetwork::new(address, range.subnet().prefix()).ok()?;
    Some(Ip { interface: None, address, gateway: Some(range.gateway()) })
}

/// A set and its place among the sets.
#[derive(Clone, Copy)]
pub(crate) struct Numbered<'a> {
    pub(crate) index: usize,
    pub(crate) set: &'a RangeSet,
}

/// Takes an address that was asked for by name.
fn take<'a>(
    set: &'a RangeSet,
    address: IpAddr,
    shelf: &mut dyn Shelf,
) -> Result<(IpAddr, &'a Range), AllocateError> {
    let taken = || AllocateError::Taken { address, set: set.to_string() };
    let range = set.range_of(address).ok_or_else(taken)?;
    if address == range.gateway() {
        return Err(AllocateError::Gateway(address));
    }
    if try_take(address, shelf)? { Ok((address, range)) } else { Err(taken()) }
}

/// Takes the next free address.
fn next<'a>(
    set: Numbered<'a>,
    applicant: &Applicant<'_>,
    shelf: &mut dyn Shelf,
) -> Result<(IpAddr, &'a Range), AllocateError> {
    if let Some(address) = applicant.holds.iter().find(|address| set.set.range_of(**address).is_some()) {
        return Err(AllocateError::Duplicate {
            address: *address,
            container: applicant.container.to_owned(),
        });
    }
    let found = next_free(set, shelf)?;
    found.ok_or_else(|| AllocateError::Exhausted {
        set: set.set.to_string(),
        details: exhaustion(set.set, shelf),
    })
}

/// Takes the next free address of a set, or one whose holder is provably gone. A range is exhausted only after every
/// holder was judged.
pub(crate) fn next_free<'a>(
    Numbered { index, set }: Numbered<'a>,
    shelf: &mut dyn Shelf,
) -> Result<Option<(IpAddr, &'a Range)>, StoreError> {
    let round = set.round(shelf.last_reserved(index));
    for (address, range) in round.clone().take(PROBES) {
        if try_take(address, shelf)? {
            return Ok(Some((address, range)));
        }
    }
    let taken: HashSet<IpAddr> = shelf.taken()?.into_iter().collect();
    for (address, range) in round.clone().filter(|(address, _)| !taken.contains(address)) {
        if shelf.take(address)? {
            return Ok(Some((address, range)));
        }
    }
    for (address, range) in round.skip(PROBES) {
        if try_take(address, shelf)? {
            return Ok(Some((address, range)));
        }
    }
    Ok(None)
}

fn try_take(address: IpAddr, shelf: &mut dyn Shelf) -> Result<bool, StoreError> {
    Ok(shelf.take(address)? || (shelf.heal(address)? && shelf.take(address)?))
}

/// How full a set is.
pub(crate) fn exhaustion(set: &RangeSet, shelf: &dyn Shelf) -> String {
    let taken = shelf.taken().unwrap_or_default();
    let taken = taken.into_iter().filter(|address| set.range_of(*address).is_some()).count();
    let capacity = set.capacity();
    let why = shelf.hindrance();
    let why = why.as_deref().unwrap_or("none of them by a container that is provably gone");
    format!("{taken} of {capacity} addresses are reserved, {why}")
}

#[cfg(test)]
mod tests;
