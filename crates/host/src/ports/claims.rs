//! Whose a port of the host is, whichever packet rules map it.

use netstate::{Adjustment, Attachment, Ports};

use super::chains;
use crate::error::Error;
use crate::iptables::{self, Iptables, Table};
use crate::life::Life;
use crate::machine::Host;
use crate::nftables::{Claim, Owner, has_legacy_chain, reference};
use crate::record::{Record, Records};

impl Host {
    /// Are these ports, which nftables maps, free in iptables and in the reference's tables? Chains of the dead, which
    /// packets would meet first, go.
    ///
    /// # Errors
    /// [`crate::nftables::Error::PortTaken`], which says who holds one; what iptables or the kernel says.
    pub(super) fn claim_in_iptables(&mut self, ports: &Ports, records: &Records) -> Result<(), Error> {
        reference::ports::claim(&mut self.nftables, ports)?;
        for family in chains::families(ports) {
            for iptables in Iptables::all().filter(|iptables| iptables.family == family) {
                if !self.holds_chains(iptables)? {
                    continue;
                }
                match displace(iptables, ports, records) {
                    Err(Error::Iptables(iptables::Error::NoProgram(_))) => {}
                    done => done?,
                }
            }
        }
        Ok(())
    }

    /// Are these ports, which iptables maps, free in nftables?
    ///
    /// # Errors
    /// [`crate::nftables::Error::PortTaken`], which says who holds one; what the kernel says.
    pub(super) fn claim_in_nftables(&mut self, ports: &Ports, records: &Records) -> Result<(), Error> {
        reference::ports::claim(&mut self.nftables, ports)?;
        Ok(self.nftables.claim_ports(ports, &mut |holder| claim(records, holder, &ports.owner))?)
    }

    /// May an iptables lead a port to a container? No program is started to ask one that is in `nf_tables`.
    fn holds_chains(&mut self, iptables: Iptables) -> Result<bool, Error> {
        Ok(match iptables.variant {
            iptables::Variant::Nft => {
                reference::ports::has_jumps(&mut self.nftables, iptables.family, chains::DNAT)?
            }
            iptables::Variant::Legacy => has_legacy_chain(iptables.family, Table::Nat.name(), chains::DNAT)?,
        })
    }
}

/// Removes the chains of dead holders of these ports.
fn displace(iptables: Iptables, ports: &Ports, records: &Records) -> Result<(), Error> {
    let mut taken = None;
    iptables.change(Table::Nat, |saved| {
        match chains::in_the_way(saved, ports, iptables.family, records) {
            Ok(void) => saved.without_chains(&void.iter().map(String::as_str).collect::<Vec<_>>()),
            Err(error) => {
                taken = Some(error);
                Vec::new()
            }
        }
    })?;
    taken.map_or(Ok(()), |error| Err(error.into()))
}

/// What is known of a holder: from its record, and where that has gone from the comment alone.
pub(super) fn claim(records: &Records, holder: &Owner, asking: &Attachment) -> Claim {
    let record = records.of_key(holder.key());
    if named(record.as_ref(), holder).is_some_and(|named| named.container == asking.container) {
        return Claim::Shared;
    }
    match record {
        Some(record) if records.life(&record) == Life::Dead => Claim::Void,
        _ => Claim::Stands,
    }
}

/// The same in a restore, which takes nothing away.
pub(super) fn standing(records: &Records, holder: &Owner, asking: &Attachment) -> Claim {
    match claim(records, holder, asking) {
        Claim::Void => Claim::Stands,
        known => known,
    }
}

/// What the container of somebody who gives its ports back asks for by its other interfaces.
pub(super) fn heirs(records: &Records, leaving: &Owner) -> Vec<Ports> {
    let record = records.of_key(leaving.key());
    let Some(leaving) = named(record.as_ref(), leaving) else { return Vec::new() };
    let mut all = records.all().unwrap_or_default();
    all.retain(|record| {
        record.owner.container == leaving.container
            && record.owner != leaving
            && records.life(record) != Life::Dead
    });
    let ports = |adjustment| if let Adjustment::Ports(ports) = adjustment { Some(ports) } else { None };
    all.into_iter().flat_map(|record| record.adjustments).filter_map(ports).collect()
}

/// Who an owner is.
fn named(record: Option<&Record>, owner: &Owner) -> Option<Attachment> {
    record.map(|record| record.owner.clone()).or_else(|| owner.attachment())
}
