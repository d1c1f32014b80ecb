//! What the reference's `firewall` made, before ours took over: to be recognised and removed, never made. Its rules of
//! an address bear no mark, so they are told from ours by having no comment.

use std::net::IpAddr;

use netstate::{Attachment, Family, IptablesVariant};

use super::chains::{FORWARD, STAGE_1, STAGE_2, accepted};
use super::firewalld::Firewalld;
use super::is_of_another;
use crate::error::Error;
use crate::iptables::{Edit, Iptables, Rule, Saved, SavedRule, Table};
use crate::machine::Host;

/// The comment of the rules that separate bridges. They were never removed.
const SEPARATION: &str = "CNI firewall plugin rules (ingressPolicy: ";

/// The two rules of an address.
fn rules(address: IpAddr) -> [Rule; 2] {
    let host = format!("{address}/{}", Family::of(address).bits());
    accepted(&host).map(|conditions| Rule::new(FORWARD, conditions, "ACCEPT"))
}

/// What is to be changed so that nothing of the reference's is left of these addresses. With the last address of all
/// goes what separates bridges, but for the entry, which may be ours as well.
fn removals(saved: &Saved, addresses: &[IpAddr]) -> Vec<Edit> {
    let rules: Vec<Rule> = addresses.iter().flat_map(|address| rules(*address)).collect();
    let leaves = |found: &&SavedRule| rules.iter().any(|rule| found.is(rule));
    let mut edits: Vec<Edit> = saved.rules().iter().filter(leaves).cloned().map(Edit::Delete).collect();
    let unmarked = saved.rules().iter().filter(|rule| rule.chain == FORWARD && rule.comment().is_none());
    if !edits.is_empty() && unmarked.count() == edits.len() {
        let separating = saved.rules().iter().filter(|rule| {
            [STAGE_1, STAGE_2].contains(&rule.chain.as_str())
                && rule.comment().is_some_and(|comment| comment.starts_with(SEPARATION))
        });
        edits.extend(separating.cloned().map(Edit::Delete));
    }
    edits
}

impl Host {
    /// Does the reference's rule let the address through: in an iptables, or by a zone of firewalld?
    ///
    /// # Errors
    /// Where iptables or firewalld can't be asked.
    pub fn has_reference_accept(&mut self, address: IpAddr, zone: &str) -> Result<bool, Error> {
        for variant in IptablesVariant::ALL {
            let iptables = Iptables { family: Family::of(address), variant };
            if self.may_hold(iptables)? {
                let saved = iptables.save(Table::Filter)?;
                if rules(address).iter().all(|rule| saved.has(rule)) {
                    return Ok(true);
                }
            }
        }
        match Firewalld::find()? {
            Some(mut firewalld) => Ok(firewalld.has(zone, address)?),
            None => Ok(false),
        }
    }

    /// Removes the reference's rules of the addresses that `owner` had from both iptables, and the addresses from
    /// firewalld's zone.
    ///
    /// # Errors
    /// The first of what could not be removed.
    pub fn remove_reference_accepts(
        &mut self,
        owner: &Attachment,
        (addresses, zone): (&[IpAddr], &str),
    ) -> Result<(), Error> {
        for iptables in Iptables::all() {
            if self.may_hold(iptables)? {
                let of_family: Vec<IpAddr> =
                    addresses.iter().copied().filter(|ip| Family::of(*ip) == iptables.family).collect();
                iptables.remove(Table::Filter, |saved| removals(saved, &of_family))?;
            }
        }
        if let Some(mut firewalld) = Firewalld::find()? {
            for address in addresses {
                if !is_of_another(*address, owner)? {
                    firewalld.remove(zone, *address)?;
                }
            }
        }
        Ok(())
    }
}
