//! What a dead attachment left in the kernel goes before its addresses do.

use std::net::IpAddr;

use cni::Failure;
use host::life::Life;
use host::record::Records;
use netstate::Attachment;

use super::delegator::Delegator;

/// Why an attachment's addresses stay reserved although its container is gone.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReapError {
    /// The records can't be read.
    #[error(transparent)]
    Records(#[from] host::Error),
    /// Two records contradict each other.
    #[error("the record of {0} says that its container lives")]
    Lives(Box<Attachment>),
    /// Something could not be removed.
    #[error("what {attachment} left can't be removed: {source}")]
    Left {
        /// Whose it is.
        attachment: Box<Attachment>,
        /// The delegator's failure.
        source: Failure,
    },
}

/// Has the delegator take away what the attachment left, unless that is another's by now: an interface's name is unique
/// in its container, whatever network it is on.
pub(crate) fn reap(
    delegator: &mut dyn Delegator,
    attachment: &Attachment,
    addresses: &[IpAddr],
) -> Result<(), ReapError> {
    let records = Records::of_this_boot()?;
    if let Some(record) = records.read(attachment)? {
        if record.owner != *attachment {
            return Ok(());
        }
        if records.life(&record) == Life::Alive {
            return Err(ReapError::Lives(Box::new(record.owner)));
        }
    }
    delegator
        .reap(attachment, addresses)
        .map_err(|source| ReapError::Left { attachment: Box::new(attachment.clone()), source })
}
