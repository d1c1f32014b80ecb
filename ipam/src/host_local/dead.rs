//! For a node whose runtime never asks for GC: every network's dead are cleared away.

use cni::Failure;

use super::config::Place;
use super::delegator::Delegator;
use super::directory::Contents;
use super::error::StoreError;
use super::heal::Healer;
use super::index::Index;
use super::store::Store;

/// Gives back the addresses of every attachment of every network whose container is provably gone, after `delegator` took away
/// what it left.
///
/// # Errors
/// The first that could not be given back, after all that could were.
pub fn release_dead(delegator: &mut dyn Delegator) -> Result<(), Failure> {
    let mut result = Ok(());
    for place in Index::all()? {
        result = result.and(release_dead_of(&place, delegator));
    }
    Ok(result?)
}

fn release_dead_of(place: &Place, delegator: &mut dyn Delegator) -> Result<(), StoreError> {
    let Some(store) = Store::existing(place)? else { return Ok(()) };
    let mut healer = Healer::new(&store, &place.network, delegator);
    let mut result = Ok(());
    for (owner, addresses) in store.holdings()? {
        for address in addresses {
            let evicted = match store.directory.contents(address) {
                Ok(Contents::Held(holder, mark)) if holder == owner => healer.evict(&owner, mark).map(drop),
                other => other.map(drop),
            };
            result = result.and(evicted);
        }
    }
    result?;
    store.seal();
    Ok(())
}
