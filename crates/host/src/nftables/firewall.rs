//! `firewall` by `nf_tables`: two tables, whose chains are constant. What scales with the containers is an element,
//! and its comment says whose it is:
//!
//! ```text
//! table inet trestle-firewall {
//!     set accepted4 { type ipv4_addr; elements = { 10.1.0.2 comment "…" } }
//!     set accepted6 { type ipv6_addr; }
//!     set same-bridge { type ifname . ipv6_addr; elements = { "cni0" . <key> comment "…" } }
//!     set isolated { type ifname . ipv6_addr; }
//!     set separated { type ifname; elements = { "cni0" } }
//!     set within { type ifname . ifname; elements = { "cni0" . "cni0" } }
//!     chain forward {
//!         type filter hook forward priority filter;
//!         iifname . oifname @within accept
//!         iifname @separated oifname @separated drop
//!         ip saddr @accepted4 accept
//!         ip6 saddr @accepted6 accept
//!     }
//! }
//! table bridge trestle-firewall {
//!     set isolated { type ifname; elements = { "veth1" comment "…" } }
//!     chain forward {
//!         type filter hook forward priority filter;
//!         meta protocol != arp iifname @isolated oifname @isolated drop
//!     }
//! }
//! ```
//!
//! `same-bridge` and `isolated` count: a bridge stays separated as long as an attachment is there that asked for it,
//! written down beside the bridge by the 16 bytes of its key. No rule reads them. Ports of one bridge are kept apart in
//! the bridge itself, so that needs no `br_netfilter`.
//!
//! An accept of ours ends our own chain and no other: against a chain of iptables that drops, only a rule in iptables
//! helps (see [`crate::iptables`]). A drop of ours is final, whatever others accept.

mod part;
mod seen;
mod structure;

use netstate::{Attachment, FirewallRule};

use super::Nftables;
use super::error::Error;
use super::owner::Owner;
use part::Part;
use seen::Seen;

/// What both tables are called.
pub(super) const NAME: &str = "trestle-firewall";

/// A rule and whose it is.
pub(crate) type Owned<'a> = (&'a FirewallRule, &'a Attachment);

impl Nftables {
    /// Makes those of the rules that `nf_tables` keeps, in one batch. What is there already stays; an address or port
    /// of another owner becomes this one's, for the predecessor is dead.
    ///
    /// # Errors
    /// [`Error`]; then nothing was changed.
    pub(crate) fn add_firewall(&mut self, rules: &[Owned<'_>]) -> Result<(), Error> {
        let wanted: Vec<Part> = rules.iter().flat_map(|(rule, owner)| Part::of(rule, owner)).collect();
        if wanted.is_empty() {
            return Ok(());
        }
        self.session()?
            .change("add firewall rules", |session| Ok(Seen::look_for(session, &wanted)?.additions(&wanted)))
    }

    /// Which of the rules that `nf_tables` keeps are not there as they must be.
    ///
    /// # Errors
    /// [`Error`].
    pub(crate) fn missing_firewall(&mut self, rules: &[Owned<'_>]) -> Result<Vec<FirewallRule>, Error> {
        let parts: Vec<Part> = rules.iter().flat_map(|(rule, owner)| Part::of(rule, owner)).collect();
        let seen = self.session()?.look(|session| Seen::look_for(session, &parts))?;
        let missing = |(rule, owner): &&Owned<'_>| !seen.has(&Part::of(rule, owner));
        Ok(rules.iter().filter(missing).map(|(rule, _)| (*rule).clone()).collect())
    }

    /// Removes all that is an owner's whom `gone` picks, and what no other needs then.
    ///
    /// # Errors
    /// [`Error`]; then nothing was removed.
    pub(crate) fn remove_firewall(&mut self, gone: impl Fn(&Owner) -> bool) -> Result<(), Error> {
        if !self.available()? {
            return Ok(());
        }
        self.session()?.change("remove firewall rules", |session| Ok(Seen::look(session)?.removals(&gone)))
    }

    /// Are the tables there?
    ///
    /// # Errors
    /// [`Error`]; [`Error::Unsupported`] where there can't be any.
    pub(crate) fn has_firewall(&mut self) -> Result<bool, Error> {
        self.require()?;
        let session = self.session()?;
        Ok(session.has_table(structure::INET)? && session.has_table(structure::BRIDGE)?)
    }

    /// Removes the tables and all that is in them.
    ///
    /// # Errors
    /// [`Error`]; then nothing was removed.
    pub(crate) fn remove_firewall_tables(&mut self) -> Result<(), Error> {
        if !self.available()? {
            return Ok(());
        }
        self.session()?.change("remove the firewall's tables", |session| {
            let mut changes = Vec::new();
            for table in [structure::INET, structure::BRIDGE] {
                if session.has_table(table)? {
                    changes.push(table.delete());
                }
            }
            Ok(changes)
        })
    }
}
