//! What the reference's portmap made, by either of its backends: a chain `CNI-DN-<hash>` of iptables and the jumps to it
//! from `CNI-HOSTPORT-DNAT`, or rules in the tables `cni_hostport` whose comments are the container's ID. Its tables,
//! base chains and the chains that all containers share stay, as they do when the reference removes its own.

use std::net::IpAddr;

use netlink_packet_netfilter::NetfilterProtoFamily;
use netstate::{Attachment, Family, PortMapping, Ports};

use super::names::Names;
use super::{IP_NAT, IP6_NAT, Jumped, removal_of_chains};
use crate::iptables::{self, Iptables, Saved, Table as IptablesTable, Variant};
use crate::nftables::Nftables;
use crate::nftables::address;
use crate::nftables::answer::Rule;
use crate::nftables::error::Error;
use crate::nftables::expression;
use crate::nftables::message::{Change, Table};
use crate::nftables::session::Session;

/// In the order of [`Family::ALL`].
const HOSTPORT: [Table; 2] = [
    Table { family: NetfilterProtoFamily::IPv4, name: "cni_hostport" },
    Table { family: NetfilterProtoFamily::IPv6, name: "cni_hostport" },
];

/// The chain whose rules translate.
const TRANSLATING: [&str; 2] = ["hostports", "hostip_hostports"];

/// Which of these ports the reference does not lead to the container, in words; nothing at all where it made nothing for
/// the attachment.
///
/// # Errors
/// What `nf_tables` says, or iptables.
pub(crate) fn missing(nftables: &mut Nftables, ports: &Ports) -> Result<Option<Vec<String>>, crate::Error> {
    let container = &ports.owner.container;
    let mut rules = Vec::new();
    if nftables.available()? {
        for table in HOSTPORT {
            rules.extend(commented(nftables.session()?, table, container)?);
        }
    }
    let saved = saved(nftables, &Names::of(&ports.owner))?;
    if rules.is_empty() && saved.is_empty() {
        return Ok(None);
    }
    let leads = |mapping: &PortMapping| {
        rules.iter().any(|rule| translates(rule, mapping)) || saved.iter().any(|saved| leads(saved, mapping))
    };
    let missing = ports.mappings.iter().filter(|mapping| !singles(mapping).iter().all(leads));
    Ok(Some(missing.map(|mapping| format!("port {}", mapping.from)).collect()))
}

/// Removes all that the reference's portmap made for the attachment. Of a container that is on several networks, the
/// nftables backend's rules are told apart by these addresses; where none is known, all of the container's go.
///
/// # Errors
/// What `nf_tables` says, or iptables.
pub(crate) fn remove(
    nftables: &mut Nftables,
    owner: &Attachment,
    addresses: &[IpAddr],
) -> Result<(), crate::Error> {
    let names = Names::of(owner);
    if nftables.available()? {
        nftables.session()?.change("remove the reference's mapped ports", |session| {
            let mut changes = removal(session, &names)?;
            for table in HOSTPORT {
                let rules = commented(session, table, &owner.container)?;
                let its_own = |rule: &&Rule| addresses.is_empty() || names_any(rule, addresses);
                let rules = rules.iter().filter(its_own);
                changes.extend(rules.map(|rule| table.delete_rule(&rule.chain, rule.handle)));
            }
            Ok(changes)
        })?;
    }
    remove_legacy(&names.port_chains)
}

/// Removes a chain of `CNI-HOSTPORT-DNAT` and the jumps to it, wherever iptables has it.
///
/// # Errors
/// What `nf_tables` says, or iptables.
pub(crate) fn remove_chain(nftables: &mut Nftables, chain: &str) -> Result<(), crate::Error> {
    let chains = [chain.to_owned()];
    if nftables.available()? {
        nftables.session()?.change("remove the chain of mapped ports", |session| {
            let mut changes = Vec::new();
            for table in [IP_NAT, IP6_NAT] {
                let jumped = Jumped { base: "CNI-HOSTPORT-DNAT", chains: &chains };
                changes.extend(removal_of_chains(session, table, &jumped)?);
            }
            Ok(changes)
        })?;
    }
    remove_legacy(&chains)
}

/// Are these ports free in the reference's own tables?
///
/// # Errors
/// [`Error::PortTaken`] where it leads one to another container; what `nf_tables` says.
pub(crate) fn claim(nftables: &mut Nftables, ports: &Ports) -> Result<(), Error> {
    if !nftables.available()? {
        return Ok(());
    }
    for family in Family::ALL {
        let wanted = || ports.mappings.iter().filter(|mapping| mapping.from.family == family);
        if wanted().next().is_none() {
            continue;
        }
        let mut rules = nftables.session()?.rules(HOSTPORT[family as usize], None)?;
        rules.retain(|rule| TRANSLATING.contains(&rule.chain.as_str()));
        for rule in rules {
            let holder = rule.comment.clone().unwrap_or_default();
            let taken = wanted().find(|mapping| is_in_the_way(&rule, mapping));
            if let Some(mapping) = taken.filter(|_| holder != ports.owner.container) {
                let port = format!("port {}", mapping.from);
                return Err(Error::PortTaken { port, holder: format!("container {holder}") });
            }
        }
    }
    Ok(())
}

/// Does it translate a port that the mapping is to have, on one of its addresses?
fn is_in_the_way(rule: &Rule, mapping: &PortMapping) -> bool {
    let compared: Vec<&[u8]> = rule.expressions.iter().filter_map(expression::compared).collect();
    let port = |value: &[u8]| {
        <[u8; 2]>::try_from(value).is_ok_and(|port| mapping.from.ports.contains(u16::from_be_bytes(port)))
    };
    let protocol = [mapping.from.protocol.number()];
    let length = usize::from(mapping.from.family.bits() / 8);
    let elsewhere = mapping.from.address.is_some_and(|address| {
        let apart = |value: &&&[u8]| value.len() == length && **value != address::bytes(address);
        compared.iter().any(|value| apart(&value))
    });
    compared.iter().any(|value| port(value)) && compared.iter().any(|value| **value == protocol) && !elsewhere
}

/// Does a chain of this name in iptables' table `nat` in `nf_tables` hold rules?
///
/// # Errors
/// What `nf_tables` says.
pub(crate) fn has_jumps(nftables: &mut Nftables, family: Family, chain: &str) -> Result<bool, Error> {
    let table = [IP_NAT, IP6_NAT][family as usize];
    Ok(nftables.available()? && !nftables.session()?.rules(table, Some(chain))?.is_empty())
}

/// Is there a chain of this name in iptables' table `nat` in `nf_tables`?
///
/// # Errors
/// What `nf_tables` says.
pub(crate) fn has_chain(nftables: &mut Nftables, family: Family, chain: &str) -> Result<bool, Error> {
    let table = [IP_NAT, IP6_NAT][family as usize];
    Ok(nftables.available()? && nftables.session()?.has_chain(table, chain)?)
}

fn remove_legacy(chains: &[String]) -> Result<(), crate::Error> {
    let chains: Vec<&str> = chains.iter().map(String::as_str).collect();
    for family in Family::ALL {
        let iptables = Iptables { family, variant: Variant::Legacy };
        match iptables.remove(IptablesTable::Nat, |saved| saved.without_chains(&chains)) {
            Err(iptables::Error::NoProgram(_)) => {}
            removed => removed?,
        }
    }
    Ok(())
}

fn removal(session: &mut Session, names: &Names) -> Result<Vec<Change>, Error> {
    let [translating, marking] = &names.port_chains;
    let mut changes = Vec::new();
    for table in [IP_NAT, IP6_NAT] {
        for (base, chain) in [("CNI-HOSTPORT-DNAT", translating), ("CNI-HOSTPORT-SNAT", marking)] {
            let jumped = Jumped { base, chains: std::slice::from_ref(chain) };
            changes.extend(removal_of_chains(session, table, &jumped)?);
        }
    }
    Ok(changes)
}

/// The rules that are the container's.
fn commented(session: &mut Session, table: Table, container: &str) -> Result<Vec<Rule>, Error> {
    let mut rules = session.rules(table, None)?;
    rules.retain(|rule| rule.comment.as_deref() == Some(container));
    Ok(rules)
}

/// Does the rule name one of the addresses, to send packets there or to compare them with?
fn names_any(rule: &Rule, addresses: &[IpAddr]) -> bool {
    addresses.iter().any(|address| values(rule).any(|value| value == address::bytes(*address)))
}

/// Does the rule send packets to the mapping's port to where it leads?
fn translates(rule: &Rule, mapping: &PortMapping) -> bool {
    let has = |wanted: &[u8]| values(rule).any(|value| value == wanted);
    TRANSLATING.contains(&rule.chain.as_str())
        && has(&mapping.from.ports.first.to_be_bytes())
        && has(&[mapping.from.protocol.number()])
        && has(&address::bytes(mapping.to.ip()))
        && has(&mapping.to.port().to_be_bytes())
}

/// What the rule compares with, and what it loads.
fn values(rule: &Rule) -> impl Iterator<Item = &[u8]> {
    rule.expressions.iter().filter_map(|found| expression::compared(found).or(expression::loaded(found)))
}

/// The tables of iptables, of both variants, that have the attachment's chain. No program is started where no `nat`
/// table can have it.
fn saved(nftables: &mut Nftables, names: &Names) -> Result<Vec<(Family, Saved, String)>, crate::Error> {
    let [chain, _] = &names.port_chains;
    let mut all = Vec::new();
    for iptables in Iptables::all() {
        let there = match iptables.variant {
            Variant::Legacy => iptables.uses(IptablesTable::Nat)?,
            Variant::Nft => has_chain(nftables, iptables.family, chain)?,
        };
        if !there {
            continue;
        }
        match iptables.save(IptablesTable::Nat) {
            Err(iptables::Error::NoProgram(_)) => {}
            Ok(saved) if saved.has_chain(chain) => all.push((iptables.family, saved, chain.clone())),
            saved => drop(saved?),
        }
    }
    Ok(all)
}

/// Does the chain lead the mapping's port to where it should?
fn leads((family, saved, chain): &(Family, Saved, String), mapping: &PortMapping) -> bool {
    let (protocol, port) = (mapping.from.protocol.to_string(), mapping.from.ports.first.to_string());
    let to = mapping.to.to_string();
    let jumped = saved.rules().iter().any(|rule| rule.target() == Some(chain));
    let translated = saved.rules().iter().any(|rule| {
        rule.chain == *chain
            && rule.value("-p") == Some(&protocol)
            && rule.value("--dport") == Some(&port)
            && rule.value("--to-destination") == Some(&to)
    });
    *family == mapping.from.family && jumped && translated
}

/// A rule of the reference's is about one port.
fn singles(mapping: &PortMapping) -> Vec<PortMapping> {
    let ports = mapping.from.ports;
    (ports.first..=ports.last)
        .filter_map(|port| {
            let from = netstate::HostPorts { ports: netstate::PortRange::one(port), ..mapping.from };
            Some(PortMapping { from, to: mapping.target(port)? })
        })
        .collect()
}
