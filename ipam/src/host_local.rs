//! host-local: addresses from ranges in the configuration, kept in files on this host. It stands in the place of the
//! reference plugin of the same name: same configuration, same files, same words.
//!
//! Four things are different. The cost of an operation does not grow with the number of addresses in use (see
//! `store`). What a crash or a reboot left behind is cleared away when its address is wanted, but only on proof that
//! its container is gone (see `host::life`). GC and STATUS do what the specification asks for. Where `subnetFile` is set,
//! addresses are given of confirmed subnets only (see `confirmed`).

mod add;
mod allocate;
mod config;
mod confirmed;
mod dead;
mod delegator;
mod directory;
mod error;
mod gc;
mod heal;
mod index;
mod looking;
mod mark;
mod number;
mod owner;
mod range;
mod range_set;
mod reap;
mod record;
mod reserving;
mod resolv;
mod standalone;
mod store;
mod verdict;

use cni::{Code, Failure, Plugin, Request, Success};

pub use add::{Lease, add, preview};
pub use config::ConfigError;
pub use dead::release_dead;
pub use delegator::Delegator;
pub use error::{AllocateError, Finding, StoreError};
pub use range::RangeError;
pub use range_set::RangeSetError;
pub use standalone::Standalone;

use allocate::Numbered;
use config::{Place, Settings, WhenExhausted};
use directory::Contents;
use looking::Looking;
use owner::Owner;
use store::Store;

/// The plugin, run by itself. An interface plugin that runs it in its own process calls [`add`] in place of
/// [`Plugin::add`], and the rest as it is.
pub struct HostLocal;

impl Plugin for HostLocal {
    fn name(&self) -> &'static str {
        "host-local"
    }

    fn add(&self, request: &Request) -> Result<Success, Failure> {
        Ok(add(request, &mut Standalone)?.success)
    }

    /// Needs the names and `dataDir`, and nothing else of the configuration.
    fn del(&self, request: &Request) -> Result<(), Failure> {
        let Some(store) = Store::existing(&Place::of(request)?)? else { return Ok(()) };
        let owner = Owner::new(&request.container, &request.ifname);
        let mut released = store.release_all(&owner)?;
        if released.is_empty() {
            released = store.release_all(&owner.bare())?;
        }
        if !released.is_empty() || !store.is_sealed() {
            store.seal();
        }
        Ok(())
    }

    fn check(&self, request: &Request) -> Result<(), Failure> {
        let settings = Settings::of(request)?;
        let missing = || Finding::NoAddress(request.container.clone());
        let store = Store::existing(&settings.place)?.ok_or_else(missing)?;
        if !store.is_sealed() {
            store.seal();
        }
        let owner = Owner::new(&request.container, &request.ifname);
        for owner in [owner.bare(), owner] {
            for address in store.held_by(&owner)? {
                if matches!(store.directory.contents(address)?, Contents::Held(holder, _) if holder == owner)
                {
                    return Ok(());
                }
            }
        }
        Err(missing().into())
    }

    fn gc(&self, request: &Request) -> Result<(), Failure> {
        gc::gc(request)
    }

    fn status(&self, request: &Request) -> Result<(), Failure> {
        let Some(settings) = Settings::for_status(request)? else { return Ok(()) };
        confirmed::require(&settings)
            .map_err(|error| Failure { code: Code::NotAvailable, ..Failure::from(error) })?;
        if settings.when_exhausted == WhenExhausted::Ready {
            return Ok(());
        }
        let mut looking = Looking::at(&settings.place)?;
        for (index, set) in settings.sets.iter().enumerate() {
            if allocate::next_free(Numbered { index, set }, &mut looking)?.is_none() {
                let network = settings.place.network.clone();
                let details = allocate::exhaustion(set, &looking);
                return Err(Finding::Exhausted { network, set: set.to_string(), details }.into());
            }
        }
        Ok(())
    }
}
