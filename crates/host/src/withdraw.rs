//! DEL and GC by record, whoever keeps it: an interface plugin's record tells of the attachment itself, a chained
//! plugin's of what it adjusted.

use netstate::{Adjustment, Attachment};

use crate::adjustment::{Site, in_order};
use crate::error::Error;
use crate::machine::Host;
use crate::namespace::Namespace;
use crate::record::{Keeper, Record, Records};

impl Host {
    /// Takes adjustments of an attachment away, the last made first. `container` is absent where it is gone, or not
    /// to be found: what was inside went with it.
    pub fn withdraw(
        &mut self,
        container: Option<&Namespace>,
        owner: &Attachment,
        adjustments: &[Adjustment],
    ) -> Vec<Error> {
        let mut site = Site { host: self, container };
        let runs = in_order(adjustments).into_iter().rev();
        runs.filter_map(|(kind, made)| kind.remove(&mut site, owner, &made).err()).collect()
    }

    /// Takes away everything that the record tells of, and then the record; one that waits for a device stays.
    pub fn clear_away(&mut self, records: &Records, record: &Record) -> Vec<Error> {
        let mut errors = match records.keeper() {
            Keeper::Attachments => self.remove(record, None),
            _ => self.withdraw(None, &record.owner, &record.adjustments),
        };
        if errors.is_empty() {
            match self.awaits(record) {
                Ok(false) => errors.extend(records.remove(&record.owner).err()),
                Ok(true) => {}
                Err(error) => errors.push(error),
            }
        }
        errors
    }
}
