//! Packet rules again, after somebody flushed the ruleset (a reload of a distribution's firewall service does).

use crate::error::Error;
use crate::life::Life;
use crate::machine::Host;
use crate::record::Records;

impl Host {
    /// Brings back the rules of every attachment whose container is not known to be gone, in one transaction.
    /// Returns how many attachments have rules.
    ///
    /// # Errors
    /// What nftables says, or the disk.
    pub fn restore(&mut self, records: &Records) -> Result<usize, Error> {
        let mut all = records.all()?;
        all.retain(|record| {
            (!record.masquerades.is_empty() || !record.guards.is_empty())
                && records.life(record) != Life::Dead
        });
        let masquerades: Vec<_> = all.iter().flat_map(|record| record.masquerades.clone()).collect();
        let guards: Vec<_> = all.iter().flat_map(|record| record.guards.clone()).collect();
        self.nftables.add(&masquerades, &guards)?;
        Ok(all.len())
    }

    /// Removes our tables and all that is in them.
    ///
    /// # Errors
    /// What nftables says.
    pub fn remove_tables(&mut self) -> Result<(), Error> {
        Ok(self.nftables.remove_tables()?)
    }
}
