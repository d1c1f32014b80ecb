//! Telling the machines beyond a bridge who has an address now.
//!
//! The kernel announces a link's addresses when it comes up (`arp_notify`, `ndisc_notify`), but then the bridge does
//! not forward for the new port yet: it learns of the port's carrier a moment later. So the announcement is asked for
//! once more when the port forwards, by setting the MAC to what it is.

use std::thread;
use std::time::{Duration, Instant};

use netstate::Announcement;

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
    while !forwards(host, wanted)? {
        if Instant::now() >= end {
            return Ok(());
        }
        thread::sleep(PAUSE);
    }
    let link = link::find(container, &wanted.link).context("find", &wanted.link)?;
    let index = link.ok_or_else(|| Error::NoLink(wanted.link.clone()))?.index;
    container.request(link::set_mac(index, wanted.mac)).context("announce", &wanted.link).map(drop)
}

fn forwards(host: &mut Socket, wanted: &Announcement) -> Result<bool, Error> {
    let port = link::find(host, &wanted.port).context("find", &wanted.port)?;
    Ok(port.ok_or_else(|| Error::NoLink(wanted.port.clone()))?.forwards)
}
