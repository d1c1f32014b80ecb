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

/// GC of one network. Without a list the runtime said nothing, and nothing is removed; `null` leaves what provably
/// lives (a runtime sends it for networks that it forgot, too).
pub(super) fn gc(request: &Request) -> Result<(), Failure> {
    let valid = request.config.valid_attachments()?;
    let keeps = |records: &Records, record: &Record| match &valid {
        ValidAttachments::Absent => true,
        ValidAttachments::Null => records.life(record) == Life::Alive,
        ValidAttachments::List(list) => {
            let owner = &record.owner;
            list.iter().any(|valid| valid.container == owner.container && valid.ifname == owner.ifname)
        }
    };
    let network = &request.config.name;
    let mut failures: Vec<Failure> =
        match sweep(|records, record| record.owner.network == *network && !keeps(records, record)) {
            Ok(errors) => errors.into_iter().map(failure::of).collect(),
            Err(error) => vec![failure::of(error)],
        };
    let forwarded = Ipam::of(request).and_then(|ipam| ipam.map_or(Ok(()), |ipam| ipam.gc(request)));
    failures.extend(forwarded.err());
    failure::of_all(failures)
}

/// Removes everything of the attachments that `dead` picks.
pub(crate) fn sweep(dead: impl Fn(&Records, &Record) -> bool) -> Result<Vec<Error>, Error> {
    let records = Records::of_this_boot()?;
    records.forget_earlier_boots()?;
    let all = records.all()?;
    let mut host = Host::open()?;
    Ok(all
        .iter()
        .filter(|record| dead(&records, record))
        .flat_map(|record| remove(&mut host, &records, record))
        .collect())
}

/// What an ADD does for others. That it can't is no reason for the ADD to fail.
pub(super) fn sweep_some(host: &mut Host, owner: &Attachment) {
    if !owner.key().starts_with('0') {
        return;
    }
    let Ok(records) = Records::of_this_boot() else { return };
    let _ = records.forget_earlier_boots();
    for record in records.after(owner, SWEEP).unwrap_or_default() {
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
