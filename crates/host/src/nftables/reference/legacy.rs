//! What the reference made by xtables-legacy. Its programs are started where the kernel says that a `nat` table is in
//! use, and nowhere else; where no program can read it, the reference had none to write it.

use std::net::IpAddr;

use netstate::Family;

use crate::error::Error;
use crate::iptables::{self, Iptables, Table, Variant};

/// Does `POSTROUTING` send packets of this source to the chain?
///
/// # Errors
/// [`Error::Iptables`].
pub(super) fn has_masquerade(chain: &str, source: IpAddr) -> Result<bool, Error> {
    let iptables = Iptables { family: Family::of(source), variant: Variant::Legacy };
    if !iptables.uses(Table::Nat)? {
        return Ok(false);
    }
    let saved = match iptables.save(Table::Nat) {
        Err(iptables::Error::NoProgram(_)) => return Ok(false),
        saved => saved?,
    };
    let source = format!("{source}/{}", iptables.family.bits());
    Ok(saved.rules().iter().any(|rule| {
        rule.chain == "POSTROUTING"
            && rule.value("-s") == Some(source.as_str())
            && rule.target() == Some(chain)
    }))
}

/// Removes the chain and all jumps to it, in both families.
///
/// # Errors
/// [`Error::Iptables`].
pub(super) fn remove(chain: &str) -> Result<(), Error> {
    for family in Family::ALL {
        let iptables = Iptables { family, variant: Variant::Legacy };
        match iptables.remove(Table::Nat, |saved| saved.without_chains(&[chain])) {
            Err(iptables::Error::NoProgram(_)) => {}
            removed => removed?,
        }
    }
    Ok(())
}
