//! Is whoever holds an address alive?

use host::life::{Life, Witness};

use super::directory::{Contents, Directory};
use super::error::StoreError;
use super::index::Index;
use super::mark::Mark;
use super::owner::Owner;

/// Judges the holders of a network's addresses.
pub(crate) struct Judge<'a> {
    pub(crate) directory: &'a Directory,
    pub(crate) index: &'a Index,
    pub(crate) witness: &'a Witness,
}

impl Judge<'_> {
    /// What is known of the owner, whose address's file bears `mark`. A proof speaks of the files that bear its mark,
    /// and of an attachment only where all of its files do: another may have been made under the same name.
    pub(crate) fn life(&self, owner: &Owner, mark: Mark) -> Result<Life, StoreError> {
        let Some((record, file)) = self.index.record(owner)? else { return Ok(Life::Unknown) };
        let Some(evidence) = record.evidence.filter(|evidence| evidence.mark == mark) else {
            return Ok(Life::Unknown);
        };
        for address in record.addresses {
            if let Contents::Held(holder, other) = self.directory.contents(address)?
                && holder == *owner
                && other != mark
            {
                return Ok(Life::Unknown);
            }
        }
        Ok(self.witness.life(&evidence.proof, &file))
    }
}
