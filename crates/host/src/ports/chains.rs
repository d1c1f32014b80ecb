//! Mapped ports by chains of iptables, in the reference's shape:
//!
//! ```text
//! *nat
//! -A PREROUTING -m addrtype --dst-type LOCAL -j CNI-HOSTPORT-DNAT          last: kube-proxy comes first
//! -A OUTPUT -m addrtype --dst-type LOCAL -j CNI-HOSTPORT-DNAT
//! -A POSTROUTING -m comment --comment "CNI portfwd requiring masquerade" -j CNI-HOSTPORT-MASQ     first
//! -A CNI-HOSTPORT-MASQ -m mark --mark 0x2000/0x2000 -j MASQUERADE
//! -A CNI-HOSTPORT-DNAT -p tcp -m comment --comment OWNER -m multiport --dports 80,443 CONDITIONS -j CNI-DN-KEY
//! -A CNI-DN-KEY -s 10.1.0.0/24 -p tcp -m tcp --dport 80 -j MARK --set-xmark 0x2000/0x2000
//! -A CNI-DN-KEY -s 127.0.0.1/32 -p tcp -m tcp --dport 80 -j MARK --set-xmark 0x2000/0x2000
//! -A CNI-DN-KEY -p tcp -m comment --comment OWNER -m tcp --dport 80 -j DNAT --to-destination 10.1.0.2:80
//! ```

mod rules;

use std::net::IpAddr;

use netstate::{Attachment, Family, HostPorts, PortChains, PortRange, Ports, Transport};

use super::claims::claim;
use crate::error::Error;
use crate::iptables::{Iptables, Saved, SavedRule, Table};
use crate::machine::Host;
use crate::nftables::{self, Claim, Owner, reference};
use crate::record::{Keeper, Records};

use rules::{MASQUERADE, edits, jumps_of, pieces, rules_of, shared};

/// The chain that leads to containers' chains.
pub(super) const DNAT: &str = "CNI-HOSTPORT-DNAT";

/// The beginning of the names of containers' chains, ours and the reference's.
const OF_CONTAINER: &str = "CNI-DN-";

/// A chain's name has 28 bytes at most.
const DIGITS: usize = 21;

impl Host {
    /// Maps ports that nobody living holds in iptables.
    ///
    /// # Errors
    /// [`nftables::Error::PortTaken`], which says who holds one; and what iptables says.
    pub(crate) fn map_chains(&mut self, chains: &PortChains) -> Result<(), Error> {
        let records = Records::of(Keeper::Portmap)?;
        self.claim_in_nftables(&chains.ports, &records)?;
        for family in families(&chains.ports) {
            let mut taken = None;
            iptables(family)?.change(Table::Nat, |saved| {
                match in_the_way(saved, &chains.ports, family, &records) {
                    Err(error) => {
                        taken = Some(error);
                        Vec::new()
                    }
                    Ok(void) => edits(saved, chains, family, &void),
                }
            })?;
            if let Some(error) = taken {
                return Err(error.into());
            }
        }
        // Somebody may have got one meanwhile: it sees our chains, or we its elements.
        self.claim_in_nftables(&chains.ports, &records)?;
        if self.wants_guard(chains)? {
            self.nftables.guard_loopback()?;
        }
        self.let_loopback_through(&chains.ports)?;
        self.forget_flows(&chains.ports)
    }

    /// What is missing of mapped ports, in words.
    ///
    /// # Errors
    /// What iptables or the kernel says.
    pub(crate) fn missing_chains(&mut self, chains: &PortChains) -> Result<Vec<String>, Error> {
        let mut missing = Vec::new();
        for family in families(&chains.ports) {
            missing.extend(missing_rules(&iptables(family)?.save(Table::Nat)?, chains, family));
        }
        if self.wants_guard(chains)? && !self.nftables.guards_loopback()? {
            missing.push("the rules that guard 127.0.0.0/8".to_owned());
        }
        missing.extend(self.missing_loopback_setting(&chains.ports)?);
        Ok(missing)
    }

    /// Do packets of 127.0.0.0/8 reach the container, and can `nf_tables` keep those of others out?
    fn wants_guard(&mut self, chains: &PortChains) -> Result<bool, Error> {
        Ok(chains.ports.from_loopback().is_some() && self.nftables.available()?)
    }

    /// Is the attachment's chain there, in each family, and what guards 127.0.0.0/8?
    ///
    /// # Errors
    /// What `nf_tables` says, or iptables.
    pub(crate) fn has_chains(&mut self, chains: &PortChains) -> Result<bool, Error> {
        let chain = chain(&chains.ports.owner);
        for family in families(&chains.ports) {
            if reference::ports::has_chain(&mut self.nftables, family, &chain)? {
                continue;
            }
            let iptables = iptables(family)?;
            if !(iptables.uses(Table::Nat)? && iptables.save(Table::Nat)?.has_chain(&chain)) {
                return Ok(false);
            }
        }
        Ok(!self.wants_guard(chains)? || self.nftables.guards_loopback()?)
    }

    /// Removes an attachment's chain, wherever it is.
    ///
    /// # Errors
    /// What `nf_tables` says, or iptables.
    pub(crate) fn unmap_chain(&mut self, owner: &Attachment) -> Result<(), Error> {
        reference::ports::remove_chain(&mut self.nftables, &chain(owner))
    }

    /// Removes the chains of the owners that `which` picks.
    ///
    /// # Errors
    /// What `nf_tables` says, or iptables.
    pub(crate) fn remove_marked_chains(&mut self, which: impl Fn(&Owner) -> bool) -> Result<(), Error> {
        for iptables in Iptables::all() {
            let holds = match iptables.variant {
                crate::iptables::Variant::Nft => {
                    reference::ports::has_chain(&mut self.nftables, iptables.family, DNAT)?
                }
                crate::iptables::Variant::Legacy => iptables.uses(Table::Nat)?,
            };
            if !holds {
                continue;
            }
            match iptables.change(Table::Nat, |saved| {
                let marked = held(saved, iptables.family).into_iter();
                let stray = marked.filter(|held| held.owner.as_ref().is_some_and(&which));
                let mut chains: Vec<String> = stray.map(|held| held.chain).collect();
                chains.dedup();
                saved.without_chains(&chains.iter().map(String::as_str).collect::<Vec<_>>())
            }) {
                Err(crate::iptables::Error::NoProgram(_)) => {}
                changed => changed?,
            }
        }
        Ok(())
    }
}

/// What is missing of a family's rules, in words. A rule that others wrote conditions for is told by its target alone:
/// iptables has its own words for them.
fn missing_rules(saved: &Saved, chains: &PortChains, family: Family) -> Vec<String> {
    let mut missing = Vec::new();
    if !shared(&chains.marking).stands(saved) {
        missing.push(format!("the jumps of {family} to {DNAT} and {MASQUERADE}"));
    }
    let rules = rules_of(chains, family).into_iter().filter(|rule| !saved.has(rule));
    missing.extend(rules.map(|rule| format!("rule {rule}")));
    let chain = chain(&chains.ports.owner);
    let jumps = saved.rules().iter().filter(|rule| rule.target() == Some(&chain)).count();
    if jumps < jumps_of(chains, family).len() {
        missing.push(format!("a jump to {chain}"));
    }
    missing
}

/// The iptables that a family's rules belong in.
fn iptables(family: Family) -> Result<Iptables, Error> {
    let holding = Iptables::holding(family, Table::Nat)?;
    let nft = Iptables { family, variant: crate::iptables::Variant::Nft };
    Ok(holding.first().copied().unwrap_or(nft))
}

/// The families of the ports.
pub(super) fn families(ports: &Ports) -> Vec<Family> {
    let mapped = |family: &Family| ports.mappings.iter().any(|mapping| mapping.from.family == *family);
    Family::ALL.into_iter().filter(mapped).collect()
}

/// The attachment's chain.
fn chain(owner: &Attachment) -> String {
    format!("{OF_CONTAINER}{}", &owner.key()[..DIGITS])
}

/// A port that a chain leads away.
struct Held {
    chain: String,
    from: HostPorts,
    owner: Option<Owner>,
    /// Whose it is, in the words of the rules.
    comment: String,
}

/// The ports of all containers' chains.
fn held(saved: &Saved, family: Family) -> Vec<Held> {
    let read = |rule: &SavedRule| {
        let told = |rule: &SavedRule| rule.comment().map(str::to_owned);
        let jump = || saved.rules().iter().find(|jump| jump.target() == Some(&rule.chain)).and_then(told);
        let comment = told(rule).or_else(jump).unwrap_or_default();
        Some(Held {
            chain: rule.chain.clone(),
            from: from(rule, family)?,
            owner: Owner::parse(&comment).map(|(owner, _)| owner),
            comment,
        })
    };
    let translating =
        |rule: &&SavedRule| rule.chain.starts_with(OF_CONTAINER) && rule.target() == Some("DNAT");
    saved.rules().iter().filter(translating).filter_map(read).collect()
}

fn from(rule: &SavedRule, family: Family) -> Option<HostPorts> {
    let protocol: Transport = rule.value("-p")?.parse().ok()?;
    let ports = rule.value("--dport")?;
    let (first, last) = ports.split_once(':').unwrap_or((ports, ports));
    let address: Option<IpAddr> = match rule.value("-d") {
        Some(network) => Some(network.split('/').next()?.parse().ok()?),
        None => None,
    };
    let ports = PortRange { first: first.parse().ok()?, last: last.parse().ok()? };
    Some(HostPorts { family, address, protocol, ports })
}

/// The chains of dead holders that are in the way of these ports, and the chain of their owner.
///
/// # Errors
/// [`nftables::Error::PortTaken`].
pub(super) fn in_the_way(
    saved: &Saved,
    ports: &Ports,
    family: Family,
    records: &Records,
) -> Result<Vec<String>, nftables::Error> {
    let own = chain(&ports.owner);
    let its_own = format!(" id: \"{}\"", ports.owner.container);
    let mut void = vec![own.clone()];
    for piece in pieces(ports, family) {
        for held in held(saved, family) {
            if held.chain == own || !held.from.overlaps(&piece.from) {
                continue;
            }
            let claim = match &held.owner {
                Some(owner) => claim(records, owner, &ports.owner),
                // The reference's comment: dnat name: "net" id: "one"
                None if held.comment.ends_with(&its_own) => Claim::Shared,
                None => Claim::Stands,
            };
            match claim {
                Claim::Void => void.push(held.chain),
                Claim::Shared => {}
                Claim::Stands => {
                    let (port, holder) = (format!("port {}", piece.from), held.comment);
                    let holder = held.owner.map_or(holder, |owner| owner.to_string());
                    return Err(nftables::Error::PortTaken { port, holder });
                }
            }
        }
    }
    void.dedup();
    Ok(void)
}
