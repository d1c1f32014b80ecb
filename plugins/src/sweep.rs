//! What GC, `cni gc` and a little of every ADD have in common: records of attachments that are no more.

use cni::ValidAttachments;
use host::life::Life;
use host::record::{Record, Records};
use host::{Error, Host};
use netstate::Attachment;

/// One ADD in sixteen looks after others, and then after this many: work that does not grow with the node.
const SWEEP: usize = 32;

/// What a sweep did.
#[derive(Debug, Default)]
pub(crate) struct Swept {
    /// Attachments of which nothing is left.
    pub(crate) removed: Vec<Attachment>,
    /// What could not be removed.
    pub(crate) errors: Vec<Error>,
}

/// What [`collect`] did, and what is left for those who look for marks.
pub(crate) struct Collected {
    /// The host.
    pub(crate) host: Host,
    /// Attachments that nothing may be taken from.
    pub(crate) kept: Vec<Attachment>,
    /// What could not be removed.
    pub(crate) errors: Vec<Error>,
}

/// GC of a network's records: removes what belongs to no valid attachment. Without a list the runtime said nothing, and
/// nothing is removed (`None`); `null` leaves what provably lives, for a runtime sends it for networks that it forgot, too.
///
/// # Errors
/// Where the records or the kernel can't be read.
pub(crate) fn collect(
    records: &Records,
    network: &str,
    valid: &ValidAttachments,
) -> Result<Option<Collected>, Error> {
    let Some(list) = valid.known() else { return Ok(None) };
    let attachment = |container: &str, ifname: &str| Attachment {
        network: network.to_owned(),
        container: container.to_owned(),
        ifname: ifname.to_owned(),
    };
    let listed: Vec<_> = list.iter().map(|valid| attachment(&valid.container, &valid.ifname)).collect();
    let mut kept = listed.clone();
    let keeps = |record: &Record| match valid {
        ValidAttachments::Null => records.life(record) == Life::Alive,
        ValidAttachments::Absent | ValidAttachments::List(_) => listed.contains(&record.owner),
    };
    let swept = sweep(records, |record| {
        let stays = record.owner.network != network || keeps(record);
        if stays {
            kept.push(record.owner.clone());
        }
        !stays
    })?;
    let mut host = Host::open()?;
    if *valid == ValidAttachments::Null {
        // A veth pair dies with its container.
        kept.extend(host.linked(network)?);
    }
    Ok(Some(Collected { host, kept, errors: swept.errors }))
}

/// Removes everything of the attachments that `dead` picks.
///
/// # Errors
/// Where the records can't be read.
pub(crate) fn sweep(records: &Records, mut dead: impl FnMut(&Record) -> bool) -> Result<Swept, Error> {
    records.forget_earlier_boots()?;
    records.forget_unfinished()?;
    let mut all = records.all()?;
    all.retain(|record| dead(record));
    let mut host = Host::open()?;
    let mut swept = Swept::default();
    for record in all {
        match host.clear_away(records, &record) {
            errors if errors.is_empty() => swept.removed.push(record.owner),
            errors => swept.errors.extend(errors),
        }
    }
    Ok(swept)
}

/// What an ADD does for others. That it can't is no reason for the ADD to fail. Which ADDs do, and where each starts,
/// the digits of the attachment's own key tell: they are as good as random.
pub(crate) fn some(host: &mut Host, records: &Records, owner: &Attachment) {
    let key = owner.key();
    let Some(start) = key.strip_prefix('0') else { return };
    let _ = records.forget_earlier_boots().and_then(|()| records.forget_unfinished());
    for record in records.starting_at(start, SWEEP).unwrap_or_default() {
        if records.life(&record) == Life::Dead {
            host.clear_away(records, &record);
        }
    }
}
