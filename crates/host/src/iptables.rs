//! The packet rules of iptables, by its own programs: for hosts where only a rule in iptables' own chains is heard.
//!
//! iptables has two variants: `nft` keeps its chains in `nf_tables`, `legacy` in the older `ip_tables`. A packet must
//! pass both, so a rule of ours belongs where the rules are that it is meant to come before.
//!
//! Every change is a look (`iptables-save`) and then one `iptables-restore --noflush --wait` with all of it, under a
//! lock that our own processes share: two of them can't make a chain twice. To remove what is not there is nothing
//! to do.
//!
//! ```no_run
//! use host::iptables::{Edit, Iptables, Place, Rule, Table, Variant};
//! use netstate::Family;
//!
//! let iptables = Iptables { family: Family::V4, variant: Variant::Nft };
//! let rule = Rule::new("FORWARD", "-s 10.1.0.2/32", "ACCEPT").commented("whose it is");
//! iptables.change(Table::Filter, |saved| {
//!     if saved.has(&rule) { Vec::new() } else { vec![Edit::Add(rule.clone(), Place::Last)] }
//! })?;
//! # Ok::<(), host::iptables::Error>(())
//! ```

mod edit;
mod error;
mod lock;
mod program;
mod saved;
mod variant;
mod wanted;

use std::fmt;

use netstate::Family;

pub use netstate::IptablesVariant as Variant;

pub use edit::{Edit, Place, Rule};
pub use error::Error;
pub use saved::{Saved, SavedRule};
pub use wanted::Wanted;

use lock::Lock;
use program::Tool;

/// Somebody who does not know our lock may change the rules between look and change so often.
const TRIES: u32 = 5;

/// A table of iptables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Table {
    /// `filter`
    Filter,
    /// `nat`
    Nat,
}

impl Table {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Filter => "filter",
            Self::Nat => "nat",
        }
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// iptables of one family and variant, in the calling thread's network namespace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Iptables {
    /// Whose packets.
    pub family: Family,
    /// Which of the two.
    pub variant: Variant,
}

impl Iptables {
    /// Both families, both variants.
    pub fn all() -> impl Iterator<Item = Self> {
        Family::ALL.into_iter().flat_map(|family| Variant::ALL.map(|variant| Self { family, variant }))
    }

    /// The rules of a table. To ask for a table that is not in use makes it in `ip_tables`: where that matters, ask
    /// [`Iptables::uses`] first.
    ///
    /// # Errors
    /// [`Error`]: there is no program, or it says no.
    pub fn save(self, table: Table) -> Result<Saved, Error> {
        let text = program::run(Tool::Save, self, &["-t", table.name()], "")?;
        match Saved::parse(&text) {
            Some(saved) => Ok(saved),
            None => Err(Error::Incompatible { iptables: self, table }),
        }
    }

    /// What its program says of itself.
    ///
    /// # Errors
    /// [`Error`]: there is no program.
    pub fn version(self) -> Result<String, Error> {
        program::run(Tool::Restore, self, &["--version"], "")
    }

    /// Looks, decides by what it saw what must change (`decide`), and changes that as a whole or not at all. Where a
    /// foreign change came in between, and the change is refused for it, we look again.
    ///
    /// # Errors
    /// [`Error`].
    pub fn change(self, table: Table, decide: impl FnMut(&Saved) -> Vec<Edit>) -> Result<(), Error> {
        self.change_under(&Lock::take()?, table, decide)
    }

    fn change_under(
        self,
        _: &Lock,
        table: Table,
        mut decide: impl FnMut(&Saved) -> Vec<Edit>,
    ) -> Result<(), Error> {
        let mut refused = None;
        for _ in 0..TRIES {
            let edits = decide(&self.save(table)?);
            if edits.is_empty() {
                return Ok(());
            }
            let script = edit::script(table, &edits);
            match refused.take() {
                Some((before, error)) if before == script => return Err(error),
                _ => {}
            }
            match program::run(Tool::Restore, self, &["--noflush", "--wait"], &script) {
                Err(error @ Error::Refused { .. }) => refused = Some((script, error)),
                done => return done.map(drop),
            }
        }
        refused.map_or(Ok(()), |(_, error)| Err(error))
    }

    /// [`Iptables::change`] in a table that may not be in use: then there is nothing to remove, and it is not made.
    ///
    /// # Errors
    /// [`Error`].
    pub fn remove(self, table: Table, decide: impl FnMut(&Saved) -> Vec<Edit>) -> Result<(), Error> {
        // Somebody may be making the table: a process of ours, or the program that a killed one left behind.
        let lock = Lock::take_if_there()?;
        if !self.uses(table)? {
            return Ok(());
        }
        match lock {
            Some(lock) => self.change_under(&lock, table, decide),
            None => self.change(table, decide),
        }
    }
}

/// As its program is called: `ip6tables-legacy`.
impl fmt::Display for Iptables {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(program::name(*self))
    }
}
