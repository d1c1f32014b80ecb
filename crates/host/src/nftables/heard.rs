//! Would an accept of ours be heard? Not where a `FORWARD` of iptables drops what it does not know.

use std::net::IpAddr;

use ipnetwork::IpNetwork;
use netstate::Family;

use super::Nftables;
use super::error::Error;
use super::firewall;
use super::forward::{self, IPTABLES};
use super::structure::INET;

impl Nftables {
    /// Does iptables-nft's `FORWARD` drop packets that this network sends or gets?
    ///
    /// # Errors
    /// [`Error`].
    pub(crate) fn iptables_drops(&mut self, network: IpNetwork) -> Result<bool, Error> {
        let family = Family::of(network.ip());
        let hooked = self.session()?.look(|session| {
            let mut chains = session.chains()?;
            chains.retain(|chain| {
                let table = IPTABLES[family as usize];
                (chain.family, chain.table.as_str()) == (table.family, table.name)
            });
            forward::look(session, &chains)
        })?;
        Ok(hooked.iter().any(|hooked| hooked.is_iptables(family) && !hooked.passes(network)))
    }

    /// The chain of somebody else, if there is one, that certainly drops what is forwarded from and to the address.
    ///
    /// # Errors
    /// [`Error`].
    pub(crate) fn dropped_by(&mut self, address: IpAddr) -> Result<Option<String>, Error> {
        let hooked = self.session()?.look(|session| {
            let mut chains = session.chains()?;
            chains.retain(|chain| chain.table != firewall::NAME && chain.table != INET.name);
            forward::look(session, &chains)
        })?;
        Ok(hooked.iter().find_map(|hooked| hooked.drops(IpNetwork::from(address))))
    }

    /// Has iptables-nft's `filter` a chain of that name?
    ///
    /// # Errors
    /// [`Error`].
    pub(crate) fn has_iptables_chain(&mut self, family: Family, chain: &str) -> Result<bool, Error> {
        Ok(self.available()? && self.session()?.has_chain(IPTABLES[family as usize], chain)?)
    }
}
