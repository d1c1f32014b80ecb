//! Whom an accept must be told to, so that it is heard.

use std::net::IpAddr;

use ipnetwork::IpNetwork;
use netstate::{AcceptKeeper, Adjustment, Family, Firewall, FirewallRule, IptablesVariant};

use super::firewalld::Firewalld;
use crate::error::Error;
use crate::iptables::{Iptables, Table};
use crate::machine::Host;

impl Host {
    /// Is firewalld on the system bus?
    ///
    /// # Errors
    /// Where there is a bus that can't be asked.
    pub fn has_firewalld(&mut self) -> Result<bool, Error> {
        Ok(Firewalld::find()?.is_some())
    }

    /// Which iptables keep the address's packets back, in a `FORWARD` that drops what it does not know.
    ///
    /// # Errors
    /// Where the kernel can't be asked.
    pub fn iptables_that_drop(&mut self, address: IpAddr) -> Result<Vec<IptablesVariant>, Error> {
        let mut variants = Vec::new();
        for variant in IptablesVariant::ALL {
            let iptables = Iptables { family: Family::of(address), variant };
            if iptables.uses(Table::Filter)? && self.drops(iptables, address)? {
                variants.push(variant);
            }
        }
        Ok(variants)
    }

    /// Which iptables have a chain of that name in `filter`.
    ///
    /// # Errors
    /// Where the kernel can't be asked, or iptables.
    pub fn iptables_with_chain(
        &mut self,
        family: Family,
        chain: &str,
    ) -> Result<Vec<IptablesVariant>, Error> {
        let mut variants = Vec::new();
        for variant in IptablesVariant::ALL {
            let iptables = Iptables { family, variant };
            if iptables.uses(Table::Filter)? && self.has_chain(iptables, chain)? {
                variants.push(variant);
            }
        }
        Ok(variants)
    }

    /// Which iptables a family's rules belong in: those that hold rules, or else the one that the machine favours.
    ///
    /// # Errors
    /// Where the kernel can't be asked, or iptables.
    pub fn iptables_holding(&mut self, family: Family) -> Result<Vec<IptablesVariant>, Error> {
        let holding = Iptables::holding(family, Table::Filter)?;
        Ok(holding.into_iter().map(|iptables| iptables.variant).collect())
    }

    /// Can rules of iptables be made for this family: are its programs there?
    ///
    /// # Errors
    /// Why not.
    pub fn iptables_works(&mut self, family: Family) -> Result<(), Error> {
        for iptables in Iptables::holding(family, Table::Filter)? {
            iptables.version()?;
        }
        Ok(())
    }

    /// Does this kernel have `nf_tables`?
    ///
    /// # Errors
    /// What keeps us from asking.
    pub fn has_nftables(&mut self) -> Result<bool, Error> {
        Ok(self.nftables.available()?)
    }

    /// An address among these adjustments that a table of our own accepts, and the chain of somebody else that certainly
    /// drops its packets all the same: an accept ends only its own chain. Where that can't be told for certain, nothing.
    ///
    /// # Errors
    /// Where the kernel can't be asked.
    pub fn accepted_in_vain(
        &mut self,
        adjustments: &[Adjustment],
    ) -> Result<Option<(IpAddr, String)>, Error> {
        let mut asked = [false; 2];
        for adjustment in adjustments {
            let Adjustment::Firewall(Firewall { rule, .. }) = adjustment else { continue };
            let FirewallRule::Accept { address, keeper: AcceptKeeper::Nftables } = rule else { continue };
            // Such a chain makes no difference between containers.
            if std::mem::replace(&mut asked[Family::of(*address) as usize], true) {
                continue;
            }
            if let Some(chain) = self.nftables.dropped_by(*address)? {
                return Ok(Some((*address, chain)));
            }
        }
        Ok(None)
    }

    fn drops(&mut self, iptables: Iptables, address: IpAddr) -> Result<bool, Error> {
        let network = IpNetwork::from(address);
        Ok(match iptables.variant {
            IptablesVariant::Nft => self.nftables.iptables_drops(network)?,
            IptablesVariant::Legacy => crate::nftables::legacy_drops(network)?,
        })
    }

    fn has_chain(&mut self, iptables: Iptables, chain: &str) -> Result<bool, Error> {
        Ok(match iptables.variant {
            IptablesVariant::Nft => self.nftables.has_iptables_chain(iptables.family, chain)?,
            IptablesVariant::Legacy => iptables.save(Table::Filter)?.has_chain(chain),
        })
    }
}
