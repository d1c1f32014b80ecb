//! Telling the machines beyond the node who has an address now.
//!
//! The kernel announces a link's addresses when it comes up (`arp_notify`, `ndisc_notify`), but then the bridge does
//! not forward for the new port yet: it learns of the port's carrier a moment later. So the announcement is asked for
//! once more when the port forwards, by setting the MAC to what it is.

use std::thread;
use std::time::{Duration, Instant};

use netstate::{Announcement, LinkName};

use crate::error::{Context, Error};
use crate::link::{self, Socket};

/// A bridge without STP forwards within milliseconds. One with STP may take half a minute: nobody waits for that, and
/// the neighbours find out as they would without an announcement.
const PATIENCE: Duration = Duration::from_secs(1);

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(2);

/// Announces the addresses of the container's link. `host` and `container` are sockets of either side.
///
/// # Errors
/// The kernel's refusal.
pub(crate) fn announce(
    host: &mut Socket,
    container: &mut Socket,
    wanted: &Announcement,
) -> Result<(), Error> {
    let end = Instant::now() + PATIENCE;
    while !forwards(host, wanted.port.as_ref())? {
        if Instant::now() >= end {
            return Ok(());
        }
        thread::sleep(PAUSE);
    }
    let link = link::find(container, &wanted.link).context("find", &wanted.link)?;
    let link = link.ok_or_else(|| Error::NoLink(wanted.link.clone()))?;
    let Some(mac) = link.mac else { return Ok(()) };
    match container.request(link::set_mac(link.index, mac)) {
        // A link that has its MAC from another (ipvlan) can't be told it.
        Err(refusal) if refusal.is(libc::EOPNOTSUPP) => Ok(()),
        answer => answer.context("announce", &wanted.link).map(drop),
    }
}

fn forwards(host: &mut Socket, port: Option<&LinkName>) -> Result<bool, Error> {
    let Some(port) = port else { return Ok(true) };
    let seen = link::find(host, port).context("find", port)?;
    Ok(seen.ok_or_else(|| Error::NoLink(port.clone()))?.forwards)
}
