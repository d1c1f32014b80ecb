//! GC: what belongs to no valid attachment is given back.

use cni::{Failure, Request, ValidAttachment, ValidAttachments};
use host::life::{Life, Witness};

use super::config::Place;
use super::directory::Contents;
use super::error::StoreError;
use super::owner::Owner;
use super::store::Store;
use super::verdict::Judge;

/// Goes on after errors and returns the first. Where the runtime's list is `null` it names no attachment because it
/// knows none, not because it asked; whoever is provably alive stays then.
pub(crate) fn gc(request: &Request) -> Result<(), Failure> {
    let valid = request.config.valid_attachments()?;
    if valid == ValidAttachments::Absent {
        return Ok(());
    }
    let Some(store) = Store::existing(&Place::of(request)?)? else { return Ok(()) };
    let witness = Witness::default();
    let mut result = Ok(());
    for (owner, addresses) in store.holdings()? {
        let stays = match &valid {
            ValidAttachments::Absent => Ok(true),
            ValidAttachments::List(list) => Ok(list.iter().any(|attachment| names(attachment, &owner))),
            ValidAttachments::Null => lives(&store, &witness, &owner),
        };
        let released = match stays {
            Ok(true) => Ok(()),
            Ok(false) => store.release(&owner, &addresses).map(drop),
            Err(error) => Err(error),
        };
        result = result.and(released);
    }
    result?;
    store.seal();
    Ok(())
}

/// An old file names its container only.
fn names(attachment: &ValidAttachment, owner: &Owner) -> bool {
    attachment.container == owner.container
        && owner.ifname.as_ref().is_none_or(|ifname| *ifname == attachment.ifname)
}

fn lives(store: &Store, witness: &Witness, owner: &Owner) -> Result<bool, StoreError> {
    let judge = Judge { directory: &store.directory, index: &store.index, witness };
    for address in store.held_by(owner)? {
        if let Contents::Held(holder, mark) = store.directory.contents(address)?
            && holder == *owner
            && judge.life(owner, mark)? == Life::Alive
        {
            return Ok(true);
        }
    }
    Ok(false)
}
