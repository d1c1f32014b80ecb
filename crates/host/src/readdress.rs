//! Addresses that change while a container runs: those of a lease.

use ipnetwork::IpNetwork;
use netstate::LinkName;

use crate::error::{Context, Error};
use crate::machine::Host;
use crate::namespace::Namespace;
use crate::{address, link};

impl Host {
    /// Takes an address of a link of the container away, and with it the routes that rest on it.
    ///
    /// # Errors
    /// Where the namespace can't be entered, or the kernel refuses; an address or link that is not there is gone.
    pub fn remove_address_in(
        &self,
        container: &Namespace,
        name: &LinkName,
        network: IpNetwork,
    ) -> Result<(), Error> {
        let mut socket = container.route()?;
        let Some(seen) = link::find(&mut socket, name).context("find", name)? else { return Ok(()) };
        match socket.request(address::delete(seen.index, network)) {
            Err(refusal) if refusal.is(libc::EADDRNOTAVAIL) => Ok(()),
            answer => answer.context("remove", &network).map(drop),
        }
    }
}
