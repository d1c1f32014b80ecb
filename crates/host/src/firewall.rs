//! The rules of `firewall`, whoever keeps them: `nf_tables`, iptables or firewalld. What one keeper has of many
//! attachments is changed at once.

mod chains;
mod firewalld;
mod reference;
mod survey;

use std::net::IpAddr;

use netstate::{
    AcceptKeeper, Adjustment, Attachment, Family, Firewall, FirewallRule, IptablesVariant, SeparationKeeper,
};

use crate::error::Error;
use crate::iptables::{Iptables, Table};
use crate::machine::Host;
use crate::nftables::Owner;
use crate::nftables::firewall::Owned;
use crate::record::{Keeper, Records};

pub use firewalld::Error as FirewalldError;

use firewalld::Firewalld;

/// The iptables that keeps a rule.
fn iptables(rule: &FirewallRule) -> Option<Iptables> {
    let (family, variant): (Family, IptablesVariant) = match rule {
        FirewallRule::Accept { address, keeper: AcceptKeeper::Iptables { variant, .. } } => {
            (Family::of(*address), *variant)
        }
        FirewallRule::Separate { keeper: SeparationKeeper::Iptables { family, variant }, .. } => {
            (*family, *variant)
        }
        FirewallRule::Accept { .. } | FirewallRule::Separate { .. } => return None,
    };
    Some(Iptables { family, variant })
}

/// Does `nf_tables` keep the rule?
fn in_nftables(rule: &FirewallRule) -> bool {
    matches!(
        rule,
        FirewallRule::Accept { keeper: AcceptKeeper::Nftables, .. }
            | FirewallRule::Separate { keeper: SeparationKeeper::Nftables { .. }, .. }
    )
}

/// Those of the rules that this iptables keeps.
fn kept_by<'a>(iptables: Iptables, rules: &[Owned<'a>]) -> Vec<Owned<'a>> {
    rules.iter().filter(|(rule, _)| self::iptables(rule) == Some(iptables)).copied().collect()
}

impl Host {
    /// Makes the rules. What is there already stays.
    ///
    /// # Errors
    /// What the first keeper that fails says; what others keep may be made then.
    pub(crate) fn add_firewall(&mut self, rules: &[Owned<'_>]) -> Result<(), Error> {
        self.nftables.add_firewall(rules)?;
        for iptables in Iptables::all() {
            let kept = kept_by(iptables, rules);
            if !kept.is_empty() {
                let wanted = chains::wanted(&kept);
                iptables.change(Table::Filter, |saved| chains::additions(saved, &wanted))?;
            }
        }
        let mut bus = None;
        for (rule, _) in rules {
            let FirewallRule::Accept { address, keeper: AcceptKeeper::Firewalld { zone } } = rule else {
                continue;
            };
            connected(&mut bus)?.add(zone, *address)?;
        }
        Ok(())
    }

    /// Which of the rules are not there as they must be.
    ///
    /// # Errors
    /// Where a keeper can't be asked.
    pub(crate) fn missing_firewall(&mut self, rules: &[Owned<'_>]) -> Result<Vec<FirewallRule>, Error> {
        let mut missing = Vec::new();
        if rules.iter().any(|(rule, _)| in_nftables(rule)) {
            missing.extend(self.nftables.missing_firewall(rules)?);
        }
        for iptables in Iptables::all() {
            let kept = kept_by(iptables, rules);
            if kept.is_empty() {
                continue;
            }
            let saved =
                if iptables.uses(Table::Filter)? { Some(iptables.save(Table::Filter)?) } else { None };
            let stands =
                |one: &Owned<'_>| saved.as_ref().is_some_and(|saved| chains::wanted(&[*one]).stands(saved));
            missing.extend(kept.iter().filter(|one| !stands(one)).map(|(rule, _)| (*rule).clone()));
        }
        let mut bus = None;
        for (rule, _) in rules {
            let FirewallRule::Accept { address, keeper: AcceptKeeper::Firewalld { zone } } = rule else {
                continue;
            };
            if !connected(&mut bus)?.has(zone, *address)? {
                missing.push((*rule).clone());
            }
        }
        Ok(missing)
    }

    /// Removes these, which are the owner's; what another has instead stays. Where it is not known what the owner has
    /// (`made` is empty), everything that bears its mark goes.
    ///
    /// # Errors
    /// The first of what could not be removed.
    pub(crate) fn remove_firewall(&mut self, owner: &Attachment, made: &[FirewallRule]) -> Result<(), Error> {
        let all = made.is_empty();
        let mut errors = Vec::new();
        if all || made.iter().any(in_nftables) {
            errors.extend(self.nftables.remove_firewall(|found| found.is(owner)).err().map(Error::from));
        }
        for iptables in Iptables::all() {
            if all && !self.may_hold(iptables)? {
                continue;
            }
            if all || made.iter().any(|rule| self::iptables(rule) == Some(iptables)) {
                let removed =
                    iptables.remove(Table::Filter, |saved| chains::removals(saved, |found| found.is(owner)));
                errors.extend(removed.err().map(Error::from));
            }
        }
        for rule in made {
            if matches!(rule, FirewallRule::Accept { keeper: AcceptKeeper::Firewalld { .. }, .. }) {
                errors.extend(leave_zone(owner, rule).err());
            }
        }
        errors.into_iter().next().map_or(Ok(()), Err)
    }

    /// Removes what is marked as one of the network's attachments, but of none of `kept`.
    ///
    /// # Errors
    /// The first of what could not be removed.
    pub fn remove_firewall_strays(&mut self, network: &str, kept: &[Attachment]) -> Result<(), Error> {
        let stray = |owner: &Owner| owner.is_on(network) && !kept.iter().any(|kept| owner.is(kept));
        self.nftables.remove_firewall(stray)?;
        for iptables in Iptables::all() {
            if self.may_hold(iptables)? {
                iptables.remove(Table::Filter, |saved| chains::removals(saved, stray))?;
            }
        }
        Ok(())
    }

    /// Removes what bears the attachment's mark.
    ///
    /// # Errors
    /// The first of what could not be removed.
    pub fn remove_firewall_of(&mut self, owner: &Attachment) -> Result<(), Error> {
        self.remove_firewall(owner, &[])
    }

    /// Are the tables and chains there that the rules rest on?
    ///
    /// # Errors
    /// Where a keeper can't be asked.
    pub(crate) fn firewall_stands(&mut self, rules: &[FirewallRule]) -> Result<bool, Error> {
        if rules.iter().any(in_nftables) && !self.nftables.has_firewall()? {
            return Ok(false);
        }
        for iptables in Iptables::all() {
            if rules.iter().any(|rule| self::iptables(rule) == Some(iptables)) && !self.may_hold(iptables)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Removes our tables, and our rules from iptables' chains. What others put into the chains stays, and keeps them.
    ///
    /// # Errors
    /// The first of what could not be removed.
    pub(crate) fn dismantle_firewall(&mut self) -> Result<(), Error> {
        self.nftables.remove_firewall_tables()?;
        for iptables in Iptables::all() {
            if self.may_hold(iptables)? {
                iptables.remove(Table::Filter, chains::dismantling)?;
            }
        }
        Ok(())
    }

    /// Could there be rules of a firewall plugin in this iptables? A program is started only where `nf_tables` can't
    /// tell.
    fn may_hold(&mut self, iptables: Iptables) -> Result<bool, Error> {
        Ok(match iptables.variant {
            IptablesVariant::Nft => {
                self.nftables.has_iptables_chain(iptables.family, chains::FORWARD)?
                    || self.nftables.has_iptables_chain(iptables.family, chains::STAGE_1)?
            }
            IptablesVariant::Legacy => iptables.uses(Table::Filter)?,
        })
    }
}

/// Takes an address out of its zone, unless another attachment has it by now: a zone does not know whose its sources
/// are.
fn leave_zone(owner: &Attachment, rule: &FirewallRule) -> Result<(), Error> {
    let FirewallRule::Accept { address, keeper: AcceptKeeper::Firewalld { zone } } = rule else {
        return Ok(());
    };
    if is_of_another(*address, owner)? {
        return Ok(());
    }
    // Without firewalld there is no zone.
    match Firewalld::find()? {
        Some(mut firewalld) => Ok(firewalld.remove(zone, *address)?),
        None => Ok(()),
    }
}

/// Does a record say that another attachment has the address?
fn is_of_another(address: IpAddr, owner: &Attachment) -> Result<bool, Error> {
    let records = Records::of(Keeper::Firewall)?;
    let has = |adjustment: &Adjustment| {
        matches!(adjustment, Adjustment::Firewall(Firewall { rule: FirewallRule::Accept { address: of, .. }, .. })
            if *of == address)
    };
    Ok(records.all()?.iter().any(|record| record.owner != *owner && record.adjustments.iter().any(has)))
}

fn connected(bus: &mut Option<Firewalld>) -> Result<&mut Firewalld, Error> {
    match bus {
        Some(bus) => Ok(bus),
        none => Ok(none.insert(Firewalld::find()?.ok_or(FirewalldError::Absent)?)),
    }
}
