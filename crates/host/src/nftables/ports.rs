//! Ports of the host that lead into containers. What is constant, a few chains and maps for each class of networks
//! (see `ports/class.rs`):
//!
//! ```text
//! table inet trestle {
//!     map ports4 { type inet_proto . inet_service : ipv4_addr . inet_service;
//!         elements = { tcp . 8080 comment "…" : 10.1.0.2 . 80 } }
//!     map ports-by-address4 { type ipv4_addr . inet_proto . inet_service : ipv4_addr . inet_service; }
//!     map port-ranges4 { type ipv4_addr . inet_proto . inet_service : ipv4_addr; flags interval; }
//!     map hairpins4 { type ipv4_addr : verdict; elements = { 10.1.0.2 comment "…" : jump inside-10.1.0.0/24 } }
//!     chain ports {
//!         dnat ip to ip daddr . meta l4proto . th dport map @ports-by-address4
//!         dnat ip to meta l4proto . th dport map @ports4
//!         dnat ip to ip daddr . meta l4proto . th dport map @port-ranges4
//!     }
//!     chain ports-prerouting { type nat hook prerouting priority dstnat + 1; fib daddr type local jump ports }
//!     chain ports-output { type nat hook output priority dstnat + 1; fib daddr type local jump ports }
//!     chain ports-postrouting { type nat hook postrouting priority srcnat;
//!         meta mark & 0x2000 == 0x2000 ip daddr vmap @hairpins4 }
//!     chain inside-10.1.0.0/24 { ip saddr 10.1.0.0/24 masquerade; ip saddr 127.0.0.0/8 masquerade }
//!     chain loopback { type filter hook prerouting priority raw;
//!         iif != lo ip daddr 127.0.0.0/8 drop; iif != lo ip saddr 127.0.0.0/8 drop }
//! }
//! ```
//!
//! Each map has its IPv6 sister. Every rule of `ports` sets the mark before it translates, and only if its map knew the
//! port. The chains come after those of kube-proxy, Docker and iptables (`dstnat`): a connection that they have
//! translated never reaches ours, so a Service's address and port are always the Service's (CVE-2019-9946).
//!
//! A range is one element where its ports keep their numbers; a range that is moved is an element a port.

mod class;
mod condition;
mod entry;
mod holding;
mod leaving;
mod loopback;

use netstate::{HostPorts, PortClass, Ports};

use super::Nftables;
use super::error::Error;
use super::owner::Owner;
use super::session::Session;
use super::structure::INET as TABLE;

use class::Class;
use entry::{PortEntry, Sharing};
use holding::{Holding, Holdings};

/// What is known of somebody who holds a port that another asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claim {
    /// It may be alive: the port stays its own.
    Stands,
    /// It is provably gone: the port is free.
    Void,
    /// It is the same container, by another interface: the port leads there already, and when that interface goes
    /// it leads to the other.
    Shared,
}

/// Says what is known of a holder.
pub type Judge<'a> = dyn FnMut(&Owner) -> Claim + 'a;

pub use leaving::Heirs;

/// A mapped port, or a hairpin of one, and whose it is.
#[derive(Debug, Clone)]
pub struct OwnedPort {
    /// Whose it is.
    pub owner: Owner,
    /// Which ports of the host; none for a hairpin.
    pub from: Option<HostPorts>,
    entry: PortEntry,
}

impl Nftables {
    /// Maps the ports in one batch, with all that they rest on. What is there already stays.
    ///
    /// # Errors
    /// [`Error::PortTaken`] where somebody else holds one of them and `judge` lets the claim stand; then, as with
    /// every other error, nothing was changed.
    pub fn add_ports(&mut self, ports: &Ports, judge: &mut Judge<'_>) -> Result<(), Error> {
        if ports.mappings.is_empty() {
            return Ok(());
        }
        let class = Class::of(&ports.class);
        self.session()?.change("map ports", |session| {
            let mut changes = class.broken(session, &ports.hairpins)?;
            let (old, new) = wanted(session, &class, ports, judge)?;
            changes.extend(entry::deletions(&old));
            changes.extend(entry::additions(&new));
            Ok(changes)
        })
    }

    /// Are these ports free here? They are mapped by somebody else's rules than ours, so nothing is changed.
    ///
    /// # Errors
    /// [`Error::PortTaken`], as [`Self::add_ports`].
    pub fn claim_ports(&mut self, ports: &Ports, judge: &mut Judge<'_>) -> Result<(), Error> {
        if !self.available()? {
            return Ok(());
        }
        let class = Class::of(&ports.class);
        wanted(self.session()?, &class, ports, judge).map(drop)
    }

    /// Drops what has an address of 127.0.0.0/8 and comes from another machine or a container.
    ///
    /// # Errors
    /// [`Error`].
    pub fn guard_loopback(&mut self) -> Result<(), Error> {
        self.session()?.change("guard 127.0.0.0/8", |session| {
            let (chain, rules) = (loopback::chain(), session.rules(TABLE, None)?);
            Ok(if chain.stands(&rules) { Vec::new() } else { chain.build(&rules) })
        })
    }

    /// Is that so?
    ///
    /// # Errors
    /// [`Error`].
    pub fn guards_loopback(&mut self) -> Result<bool, Error> {
        let rules = self.session()?.rules(TABLE, None)?;
        Ok(loopback::chain().stands(&rules))
    }

    /// What of this is not in the kernel as it must be, in words. A port that the same container holds by another
    /// interface is as it must be.
    ///
    /// # Errors
    /// [`Error`].
    pub fn missing_ports(&mut self, ports: &Ports, judge: &mut Judge<'_>) -> Result<Vec<String>, Error> {
        if ports.mappings.is_empty() {
            return Ok(Vec::new());
        }
        let class = Class::of(&ports.class);
        let session = self.session()?;
        if !class.broken(session, &ports.hairpins)?.is_empty() {
            return Ok(vec![format!("the rules of chain {TABLE} {}", class.anchor())]);
        }
        match wanted(session, &class, ports, judge) {
            Ok((_, new)) => {
                let own = new.iter().filter(|entry| entry.sharing == Sharing::Alone);
                Ok(own.map(ToString::to_string).collect())
            }
            Err(taken @ Error::PortTaken { .. }) => Ok(vec![taken.to_string()]),
            Err(error) => Err(error),
        }
    }

    /// Is the class's chain there? Where it is not, somebody flushed the ruleset.
    ///
    /// # Errors
    /// [`Error`].
    pub fn has_port_class(&mut self, class: &PortClass) -> Result<bool, Error> {
        self.require()?;
        self.session()?.has_chain(TABLE, &Class::of(class).anchor())
    }

    /// Every mapped port and hairpin that says whose it is.
    ///
    /// # Errors
    /// [`Error`].
    pub fn owned_ports(&mut self) -> Result<Vec<OwnedPort>, Error> {
        if !self.available()? {
            return Ok(Vec::new());
        }
        holding::all(self.session()?)
    }
}

/// What must go and what must come so that the ports lead where they should.
fn wanted(
    session: &mut Session,
    class: &Class,
    ports: &Ports,
    judge: &mut Judge<'_>,
) -> Result<(Vec<PortEntry>, Vec<PortEntry>), Error> {
    let holdings = Holdings::look(session, class, ports)?;
    let (mut old, mut new) = (Vec::new(), Vec::new());
    for entry in entry::of(class, ports) {
        let mut stands = false;
        for held in holdings.in_the_way(&entry) {
            if held.is(&entry) {
                stands = true;
                continue;
            }
            match verdict(held, &entry, judge) {
                Claim::Shared => {
                    stands = true;
                    if held.entry.sharing == Sharing::Alone {
                        old.push(held.entry.clone());
                        new.push(held.entry.shared());
                    }
                }
                Claim::Void => old.push(held.entry.clone()),
                Claim::Stands => return Err(taken(&entry, held)),
            }
        }
        if !stands {
            new.push(entry);
        }
    }
    old.dedup();
    Ok((old, new))
}

/// An address has one owner only, so whoever has a hairpin of it is a dead predecessor; what is our own but
/// different, too.
fn verdict(held: &Holding, wanted: &PortEntry, judge: &mut Judge<'_>) -> Claim {
    match &held.owner {
        Some(owner) if wanted.from.is_none() || owner.key() == wanted.owner.key() => Claim::Void,
        Some(owner) => judge(owner),
        None => Claim::Stands,
    }
}

fn taken(wanted: &PortEntry, held: &Holding) -> Error {
    let nobody = || "a rule of somebody's hand".to_owned();
    Error::PortTaken {
        port: wanted.to_string(),
        holder: held.owner.as_ref().map_or_else(nobody, ToString::to_string),
    }
}
