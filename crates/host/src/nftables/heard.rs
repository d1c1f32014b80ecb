//! Would an accept of ours be heard? Not where a `FORWARD` of iptables drops what it does not know.

use ipnetwork::IpNetwork;
use netstate::Family;

use super::Nftables;
use super::error::Error;
use super::forward::{self, IPTABLES};

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

    /// Has iptables-nft's `filter` a chain of that name?
    ///
    /// # Errors
    /// [`Error`].
    pub(crate) fn has_iptables_chain(&mut self, family: Family, chain: &str) -> Result<bool, Error> {
        Ok(self.available()? && self.session()?.has_chain(IPTABLES[family as usize], chain)?)
    }
}
