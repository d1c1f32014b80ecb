//! GC (section "GC"), and the little of it that every ADD does: objects of attachments whose container is gone.

use cni::{Failure, Request, ValidAttachments};
use host::life::Life;
use host::record::{Record, Records};
use host::{Error, Host};
use netstate::Attachment;

use crate::failure;
use crate::ipam::Ipam;

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

/// GC of one network. Without a list the runtime said nothing, and nothing is removed; `null` leaves what provably
/// lives (a runtime sends it for networks that it forgot, too).
pub(super) fn gc(request: &Request) -> Result<(), Failure> {
    let valid = request.config.valid_attachments()?;
    let mut failures: Vec<Failure> = match collect(&request.config.name, &valid) {
        Ok(errors) => errors.into_iter().map(failure::of).collect(),
        Err(error) => vec![failure::of(error)],
    };
    let forwarded = Ipam::of(request).and_then(|ipam| ipam.map_or(Ok(()), |ipam| ipam.gc(request)));
    failures.extend(forwarded.err());
    failure::of_all(failures)
}

/// Removes what belongs to no valid attachment: first what records tell of, then what only bears our mark.
fn collect(network: &str, valid: &ValidAttachments) -> Result<Vec<Error>, Error> {
    let Some(list) = valid.known() else { return Ok(Vec::new()) };
    let attachment = |container: &str, ifname: &str| Attachment {
        network: network.to_owned(),
        container: container.to_owned(),
        ifname: ifname.to_owned(),
    };
    let listed: Vec<_> = list.iter().map(|valid| attachment(&valid.container, &valid.ifname)).collect();
    let mut kept = listed.clone();
    let keeps = |records: &Records, record: &Record| match valid {
        ValidAttachments::Null => records.life(record) == Life::Alive,
        ValidAttachments::Absent | ValidAttachments::List(_) => listed.contains(&record.owner),
    };
    let swept = sweep(|records, record| {
        let stays = record.owner.network != network || keeps(records, record);
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
    let mut errors = swept.errors;
    errors.extend(host.remove_strays(network, &kept));
    Ok(errors)
}

/// Removes everything of the attachments that `dead` picks.
pub(crate) fn sweep(mut dead: impl FnMut(&Records, &Record) -> bool) -> Result<Swept, Error> {
    let records = Records::of_this_boot()?;
    records.forget_earlier_boots()?;
    records.forget_unfinished()?;
    let mut all = records.all()?;
    all.retain(|record| dead(&records, record));
    let mut host = Host::open()?;
    let mut swept = Swept::default();
    for record in all {
        match remove(&mut host, &records, &record) {
            errors if errors.is_empty() => swept.removed.push(record.owner),
            errors => swept.errors.extend(errors),
        }
    }
    Ok(swept)
}

/// What an ADD does for others. That it can't is no reason for the ADD to fail. Which ADDs do, and where each starts,
/// the digits of the attachment's own key tell: they are as good as random.
pub(super) fn sweep_some(host: &mut Host, owner: &Attachment) {
    let key = owner.key();
    let Some(start) = key.strip_prefix('0') else { return };
    let Ok(records) = Records::of_this_boot() else { return };
    let _ = records.forget_earlier_boots().and_then(|()| records.forget_unfinished());
    for record in records.starting_at(start, SWEEP).unwrap_or_default() {
        if records.life(&record) == Life::Dead {
            remove(host, &records, &record);
        }
    }
}

/// Everything of one attachment, its record last.
fn remove(host: &mut Host, records: &Records, record: &Record) -> Vec<Error> {
    let mut errors = host.remove(record);
    if errors.is_empty() {
        errors.extend(records.remove(&record.owner).err());
    }
    errors
}
