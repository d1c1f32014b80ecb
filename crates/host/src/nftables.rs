//! Packet rules over netlink (`nf_tables`), by no program: masquerade and the MAC guard of the plugins' containers,
//! here, and the agent's rules for all pods (see `routed.rs` and `forward.rs`).
//!
//! Tables, chains and rules are constant; what scales with the containers is an element of a map or set, and each
//! element's comment names the attachment that it belongs to:
//!
//! ```text
//! table inet trestle {
//!     map masquerade4 { type ipv4_addr : verdict; elements = { 10.1.0.2 comment "…" : jump outside-10.1.0.0/24 } }
//!     map masquerade6 { type ipv6_addr : verdict; }
//!     chain outside-10.1.0.0/24 { ip daddr 10.1.0.0/24 return; ip daddr 224.0.0.0/4 return; masquerade; }
//!     chain postrouting {
//!         type nat hook postrouting priority srcnat;
//!         ip saddr vmap @masquerade4
//!         ip6 saddr vmap @masquerade6
//!     }
//! }
//! table bridge trestle {
//!     set guarded { type ifname; }
//!     set permitted { type ifname . ether_addr; }
//!     chain prerouting {
//!         type filter hook prerouting priority -300;
//!         iifname @guarded iifname . ether saddr != @permitted drop
//!     }
//! }
//! ```
//!
//! The only verdicts are `drop` for a forged frame, and `masquerade`, which decides a connection's address but not
//! its fate: no packet that we let through is kept from other tables' rules.
//!
//! Every change is a look at what is there and then one batch that holds only if nothing changed meanwhile (see
//! `session.rs`), so two callers can't make a rule twice, and nobody removes what another has just made.

mod address;
mod answer;
mod blocked;
mod effect;
mod element;
mod error;
mod expression;
mod field;
pub(crate) mod firewall;
mod flanneld;
mod forward;
mod heard;
mod inventory;
mod legacy_forward;
mod legacy_table;
mod message;
mod owner;
mod pod_rules;
mod ports;
pub mod reference;
mod repair;
mod routed;
mod session;
mod set;
mod structure;
mod translation;
mod upkeep;
mod wanted;
mod wire;

use std::net::IpAddr;

use netlink_packet_netfilter::NetfilterProtoFamily;
use netstate::{Attachment, LinkName, MacGuard, Masquerade, Object, RuleKind};

pub use blocked::Blocked;
pub use element::{Element, Owned};
pub use error::Error;
pub use flanneld::LeftByFlanneld;
pub(crate) use legacy_forward::drops as legacy_drops;
pub(crate) use legacy_table::has_legacy_chain;
pub use owner::Owner;
pub use pod_rules::{DroppedTunnelPackets, RulesPass};
pub use ports::{Claim, Heirs, Judge, OwnedPort};
pub use repair::{Found, RuleDrift};

use element::SETS;
use pod_rules::Settled;
use session::Session;
use structure::TABLES;
use wanted::Wanted;

/// `nf_tables` of one network namespace.
///
/// The socket is opened when it is first needed, in the calling thread's namespace of that moment, and closed with
/// this value: keep it until the process ends, for a close soon after a deletion waits 10 ms for the kernel.
#[derive(Default)]
pub struct Nftables {
    session: Option<Session>,
    /// The kernel has answered once, and does not unlearn it.
    supported: bool,
    settled: Option<Settled>,
}

impl Nftables {
    /// Opens nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes sure that this kernel has `nf_tables`.
    ///
    /// # Errors
    /// [`Error::Unsupported`] where it has not; or what keeps us from asking.
    pub fn require(&mut self) -> Result<(), Error> {
        if !self.supported {
            self.session()?.generation()?;
            self.supported = true;
        }
        Ok(())
    }

    /// Does this kernel have `nf_tables`?
    ///
    /// # Errors
    /// What keeps us from asking; a kernel without it is `Ok(false)`.
    pub fn available(&mut self) -> Result<bool, Error> {
        match self.require() {
            Ok(()) => Ok(true),
            Err(Error::Unsupported(_)) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Makes all of it in one batch: what it rests on where that is missing or was changed, and the elements. One
    /// that is there already stays; one of another owner is replaced, for a predecessor that still had the address
    /// or the link is dead.
    ///
    /// # Errors
    /// [`Error`]; then nothing was changed.
    pub fn add(&mut self, masquerades: &[Masquerade], guards: &[MacGuard]) -> Result<(), Error> {
        if masquerades.is_empty() && guards.is_empty() {
            return Ok(());
        }
        let wanted = Wanted::of(masquerades, guards);
        self.session()?.change("add packet rules", |session| wanted.changes(session))
    }

    /// Which of these are not in the kernel as they must be: the element, its subnet's chain, or the rule that
    /// leads there is gone, or says something else, or belongs to somebody else.
    ///
    /// # Errors
    /// [`Error`].
    pub fn missing(&mut self, masquerades: &[Masquerade], guards: &[MacGuard]) -> Result<Vec<Object>, Error> {
        let session = self.session()?;
        let mut missing = Vec::new();
        for masquerade in masquerades {
            if !Wanted::of(std::slice::from_ref(masquerade), &[]).stands(session)? {
                missing.push(Object::Masquerade(masquerade.clone()));
            }
        }
        for guard in guards {
            if !Wanted::of(&[], std::slice::from_ref(guard)).stands(session)? {
                missing.push(Object::MacGuard(guard.clone()));
            }
        }
        Ok(missing)
    }

    /// Removes the owner's elements among these, in one batch. What is not there, or belongs to another, is
    /// nothing to do: a late DEL takes nothing of a later owner of the address.
    ///
    /// # Errors
    /// [`Error`]; then nothing was removed.
    pub fn remove(
        &mut self,
        owner: &Attachment,
        sources: &[IpAddr],
        guarded: Option<&LinkName>,
    ) -> Result<(), Error> {
        let owner = Owner::of(owner);
        let elements = sources
            .iter()
            .map(|source| Element::Masquerade(*source))
            .chain(guarded.map(|link| Element::Guarded(link.clone())));
        let theirs: Vec<Owned> = elements.map(|element| Owned { owner: owner.clone(), element }).collect();
        self.delete(&theirs)
    }

    /// Removes those of the elements that still belong to whom they are said to belong, a guarded link with its
    /// permit.
    ///
    /// # Errors
    /// [`Error`].
    pub fn delete(&mut self, owned: &[Owned]) -> Result<(), Error> {
        if owned.is_empty() || !self.available()? {
            return Ok(());
        }
        self.session()?.change("remove packet rules", |session| {
            Ok(element::deletions(&element::still_owned(session, owned)?))
        })
    }

    /// Everything in our tables that says whose it is.
    ///
    /// # Errors
    /// [`Error`].
    pub fn owned(&mut self) -> Result<Vec<Owned>, Error> {
        if !self.available()? {
            return Ok(Vec::new());
        }
        let session = self.session()?;
        let mut owned = Vec::new();
        for (table, set) in SETS {
            owned.extend(session.entries(table, set)?.iter().filter_map(|entry| Owned::parse(set, entry)));
        }
        Ok(owned)
    }

    /// Is each table there that holds rules of these kinds?
    ///
    /// # Errors
    /// [`Error`]; [`Error::Unsupported`] where there can't be any.
    pub fn has_tables(&mut self, kinds: &[RuleKind]) -> Result<bool, Error> {
        self.require()?;
        let session = self.session()?;
        for kind in kinds {
            if !session.has_table(structure::table(*kind))? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Is there a table of somebody else's, such as iptables-nft's `ip filter`? None where there is no `nf_tables`.
    ///
    /// # Errors
    /// [`Error`].
    pub(crate) fn has_foreign_table(
        &mut self,
        family: NetfilterProtoFamily,
        name: &'static str,
    ) -> Result<bool, Error> {
        Ok(self.available()? && self.session()?.has_table(message::Table { family, name })?)
    }

    /// Removes our tables and all that is in them.
    ///
    /// # Errors
    /// [`Error`]; then nothing was removed.
    pub fn remove_tables(&mut self) -> Result<(), Error> {
        if !self.available()? {
            return Ok(());
        }
        self.session()?.change("remove our tables", |session| {
            let mut changes = Vec::new();
            for table in TABLES {
                if session.has_table(table)? {
                    changes.push(table.delete());
                }
            }
            Ok(changes)
        })
    }

    fn session(&mut self) -> Result<&mut Session, Error> {
        match &mut self.session {
            Some(session) => Ok(session),
            none => Ok(none.insert(Session::open()?)),
        }
    }
}
