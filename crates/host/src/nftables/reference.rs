//! Rules of pods that the reference plugins made (1.1.1 to 1.9.1) before ours took over: to be recognised and
//! removed, never made.
//!
//! Masquerade is a chain `CNI-<hash>` with its jumps, through `iptables-nft` or xtables-legacy, or a rule of the
//! table `inet cni_plugins_masquerade`; `macspoofchk` is two chains of `bridge nat`. Their tables and base chains
//! stay, as they do when the reference removes its own.

mod legacy;
mod names;
pub(crate) mod ports;

use std::net::IpAddr;

use netlink_packet_netfilter::NetfilterProtoFamily;
use netstate::Attachment;

use self::names::Names;
use super::Nftables;
use super::address;
use super::answer::Rule;
use super::error::Error;
use super::expression;
use super::message::{Change, Table};
use super::session::Session;

pub(super) const IP_NAT: Table = Table { family: NetfilterProtoFamily::IPv4, name: "nat" };
pub(super) const IP6_NAT: Table = Table { family: NetfilterProtoFamily::IPv6, name: "nat" };
const BRIDGE_NAT: Table = Table { family: NetfilterProtoFamily::Bridge, name: "nat" };
const MASQUERADE: Table = Table { family: NetfilterProtoFamily::Inet, name: "cni_plugins_masquerade" };

/// The chain of [`MASQUERADE`] that has a rule for each address.
const MASQ_CHECKS: &str = "masq_checks";

/// Did the reference plugins see to it that each of these addresses is masqueraded for the attachment, one way or
/// another?
///
/// # Errors
/// What `nf_tables` says, or iptables.
pub fn has_masquerade(
    nftables: &mut Nftables,
    owner: &Attachment,
    sources: &[IpAddr],
) -> Result<bool, crate::Error> {
    let names = Names::of(owner);
    let mut rules = Vec::new();
    if nftables.available()? {
        let session = nftables.session()?;
        for table in [IP_NAT, IP6_NAT] {
            let jumps = session.rules(table, Some("POSTROUTING"))?;
            rules.extend(jumps.into_iter().filter(|rule| rule.leads_to(&names.masquerade_chain)));
        }
        rules.extend(commented(session, &names)?);
    }
    for source in sources {
        if !rules.iter().any(|rule| is_of(rule, *source))
            && !legacy::has_masquerade(&names.masquerade_chain, *source)?
        {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Removes all rules that the reference plugins made for the attachment, those in `nf_tables` in one batch. Nothing
/// there is nothing to do. xtables-legacy is looked for in the calling thread's network namespace.
///
/// # Errors
/// What `nf_tables` says, or iptables.
pub fn remove(nftables: &mut Nftables, owner: &Attachment) -> Result<(), crate::Error> {
    let names = Names::of(owner);
    if nftables.available()? {
        nftables
            .session()?
            .change("remove the reference plugins' rules", |session| removal(session, &names))?;
    }
    legacy::remove(&names.masquerade_chain)
}

/// All that `nf_tables` has of the attachment.
fn removal(session: &mut Session, names: &Names) -> Result<Vec<Change>, Error> {
    let masquerade = std::slice::from_ref(&names.masquerade_chain);
    let mut changes = Vec::new();
    for (table, jumped) in [
        (IP_NAT, Jumped { base: "POSTROUTING", chains: masquerade }),
        (IP6_NAT, Jumped { base: "POSTROUTING", chains: masquerade }),
        (BRIDGE_NAT, Jumped { base: "PREROUTING", chains: &names.guard_chains }),
    ] {
        changes.extend(removal_of_chains(session, table, &jumped)?);
    }
    let rules = commented(session, names)?;
    changes.extend(rules.iter().map(|rule| MASQUERADE.delete_rule(MASQ_CHECKS, rule.handle)));
    Ok(changes)
}

/// Chains, and the base chain that jumps to them.
pub(super) struct Jumped<'a> {
    /// The base chain.
    pub(super) base: &'a str,
    /// The chains.
    pub(super) chains: &'a [String],
}

/// The jumps go first, then what the chains hold, then the chains.
pub(super) fn removal_of_chains(
    session: &mut Session,
    table: Table,
    jumped: &Jumped<'_>,
) -> Result<Vec<Change>, Error> {
    let mut chains = Vec::new();
    for chain in jumped.chains {
        if session.has_chain(table, chain)? {
            chains.push(chain);
        }
    }
    if chains.is_empty() {
        return Ok(Vec::new());
    }
    let jumps = session.rules(table, Some(jumped.base))?;
    let jumps = jumps.iter().filter(|rule| chains.iter().any(|chain| rule.leads_to(chain)));
    let mut changes: Vec<Change> = jumps.map(|rule| table.delete_rule(&rule.chain, rule.handle)).collect();
    changes.extend(chains.iter().map(|chain| table.flush_chain(chain)));
    changes.extend(chains.iter().map(|chain| table.delete_chain(chain)));
    Ok(changes)
}

/// The rules that 1.9.1's nftables backend made for the attachment.
fn commented(session: &mut Session, names: &Names) -> Result<Vec<Rule>, Error> {
    let mut rules = session.rules(MASQUERADE, Some(MASQ_CHECKS))?;
    rules.retain(|rule| {
        rule.comment.as_deref().is_some_and(|text| text.starts_with(&names.masquerade_comment))
    });
    Ok(rules)
}

/// Does the rule compare the source address with this one?
fn is_of(rule: &Rule, source: IpAddr) -> bool {
    let address = address::bytes(source);
    rule.expressions.windows(2).any(|pair| {
        address::row(source).source.is_loaded_by(&pair[0])
            && expression::compared(&pair[1]) == Some(address.as_slice())
    })
}
