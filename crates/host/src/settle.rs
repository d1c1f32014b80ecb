//! Waiting for duplicate address detection (RFC 4862, 5.4): an ADD that asked for it ends with its answer.

use std::thread;
use std::time::{Duration, Instant};

use netstate::{Address, Detection, Family};

use crate::address::{self, Standing};
use crate::error::{Context, Error};
use crate::link::Socket;

/// The kernel asks once, after up to a second, and waits another.
const PATIENCE: Duration = Duration::from_secs(5);

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(20);

/// Waits until an address with detection, on the link `index`, can be used. At once where there is nothing to wait
/// for. An answer that never comes (the link has no carrier) is no failure.
///
/// # Errors
/// [`Error::Duplicate`] where somebody has the address.
pub(crate) fn settle(socket: &mut Socket, index: u32, wanted: &Address) -> Result<(), Error> {
    if wanted.detection == Detection::Off || !wanted.network.is_ipv6() {
        return Ok(());
    }
    let end = Instant::now() + PATIENCE;
    loop {
        let seen = address::of_link(socket, index, Some(Family::V6))
            .context("read the addresses of", &wanted.link)?;
        match seen.iter().find(|seen| seen.network == wanted.network).map(|seen| seen.standing) {
            Some(Standing::Duplicate) => return Err(Error::Duplicate(wanted.network)),
            Some(Standing::Tentative) if Instant::now() < end => thread::sleep(PAUSE),
            _ => return Ok(()),
        }
    }
}
