//! GC (section "GC"): the delegate's, and then the files of attachments that are nobody's.

use cni::{Failure, Request, ValidAttachments};
use host::life::Life;
use host::record::{Record, Records};

use super::calling::{Called, of_this_call};
use super::conf::data_dir;
use super::rendered;
use super::saved::Saved;
use crate::failure;

/// GC. A file stays until the delegate has taken its attachment away.
pub(super) fn gc(request: &Request) -> Result<(), Failure> {
    let valid = request.config.valid_attachments()?;
    let saved = Saved::of_network(&request.config.name, &data_dir(request)?)?;
    // Without the node's subnet, what an ADD was given says which delegate it was.
    let conf = match (rendered(request), saved.first()) {
        (Ok(conf), _) => conf,
        (Err(_), Some(file)) => file.text.clone(),
        (Err(failure), None) => return Err(failure),
    };
    Called::find(request, of_this_call(request, &conf))?.gc()?;
    let kept = Kept::of(request, valid)?;
    let nobodys = saved.iter().filter(|file| !kept.has(&file.container, file.ifname.as_deref()));
    failure::of_all(nobodys.filter_map(|file| file.remove().err()).map(Failure::from).collect())
}

/// Whose files stay.
enum Kept {
    /// Everybody's: the runtime did not say who exists.
    All,
    /// Those of these attachments, by container and interface.
    These(Vec<(String, String)>),
}

impl Kept {
    /// Where the runtime sends `null`, as it does for networks that it forgot, too, what lives by our own records
    /// stays.
    fn of(request: &Request, valid: ValidAttachments) -> Result<Self, Failure> {
        Ok(match valid {
            ValidAttachments::Absent => Self::All,
            ValidAttachments::List(list) => {
                Self::These(list.into_iter().map(|valid| (valid.container, valid.ifname)).collect())
            }
            ValidAttachments::Null => {
                let records = Records::of_this_boot().map_err(failure::of)?;
                let all = records.all().map_err(failure::of)?;
                let lives = |record: &Record| {
                    record.owner.network == request.config.name && records.life(record) == Life::Alive
                };
                let owners = all.into_iter().filter(lives).map(|record| record.owner);
                Self::These(owners.map(|owner| (owner.container, owner.ifname)).collect())
            }
        })
    }

    /// A file of flannel's name is that of any interface.
    fn has(&self, container: &str, ifname: Option<&str>) -> bool {
        match self {
            Self::All => true,
            Self::These(list) => list.iter().any(|(kept_container, kept_ifname)| {
                kept_container == container && ifname.is_none_or(|ifname| ifname == kept_ifname)
            }),
        }
    }
}
