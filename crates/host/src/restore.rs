//! Packet rules again, after somebody flushed the ruleset (a reload of a distribution's firewall service does).

use std::collections::BTreeSet;

use crate::adjustment::by_kind;
use crate::error::Error;
use crate::life::Life;
use crate::machine::Host;
use crate::record::{Record, Records};

impl Host {
    /// Brings back the rules of every attachment whose container is not known to be gone, whichever plugin made them:
    /// those of a kind in one transaction. Returns how many attachments have rules.
    ///
    /// # Errors
    /// The disk's, or the first of what could not be brought back, after all that could was.
    pub fn restore(&mut self) -> Result<usize, Error> {
        let mut all = Vec::new();
        for records in Records::of_all()?.into_iter().filter(|records| records.keeper().has_rules()) {
            let mut live = records.all()?;
            live.retain(|record| record.has_rules() && records.life(record) != Life::Dead);
            all.extend(live);
        }
        let masquerades: Vec<_> = all.iter().flat_map(|record| record.masquerades.clone()).collect();
        let guards: Vec<_> = all.iter().flat_map(|record| record.guards.clone()).collect();
        let mut restored = self.nftables.add(&masquerades, &guards).map_err(Error::from);
        let adjustments: Vec<_> = all.iter().flat_map(|record| record.adjustments.clone()).collect();
        for (kind, group) in by_kind(&adjustments) {
            restored = restored.and(kind.restore(self, &group));
        }
        restored?;
        Ok(all.iter().map(|record| &record.owner).collect::<BTreeSet<_>>().len())
    }

    /// Removes our tables and all that is in them, and whatever else adjustments rest on.
    pub fn remove_tables(&mut self) -> Vec<Error> {
        let mut errors = self.dismantle();
        errors.extend(self.nftables.remove_tables().err().map(Error::from));
        errors
    }
}

impl Record {
    /// Does it tell of anything that a restore may have to bring back?
    pub fn has_rules(&self) -> bool {
        !self.masquerades.is_empty() || !self.guards.is_empty() || !self.adjustments.is_empty()
    }
}
