//! The reverse path filter of IPv4 (`rp_filter`, `Documentation/networking/ip-sysctl.rst`): where it is strict, a packet
//! that comes in by another link than an answer would leave by is dropped. IPv6 has none.

use netstate::{LinkName, Sysctl};

use crate::error::Error;
use crate::machine::Host;
use crate::sysctl;

/// An answer has to leave by the link that the packet came by; and: by any link.
const STRICT: &str = "1";
const LOOSE: &str = "2";

impl Host {
    /// Makes the filter of a link loose where it is strict. Tells the link's own value before; none where nothing had to
    /// be changed.
    ///
    /// # Errors
    /// Where a setting can't be read or written.
    pub fn loosen_reverse_path(&self, link: &LinkName) -> Result<Option<String>, Error> {
        loosen(link)
    }

    /// Gives the filter of a link its value back. A link that is gone has none.
    ///
    /// # Errors
    /// Where a setting can't be read or written.
    pub fn restore_reverse_path(&self, link: &LinkName, value: &str) -> Result<(), Error> {
        sysctl::ensure(&Sysctl { path: path(link.as_str()), value: value.to_owned(), optional: true })
    }
}

/// As [`Host::loosen_reverse_path`].
///
/// # Errors
/// Where a setting can't be read or written.
pub(crate) fn loosen(link: &LinkName) -> Result<Option<String>, Error> {
    let own = path(link.as_str());
    let (Some(before), Some(all)) = (sysctl::read(&own)?, sysctl::read(&path("all"))?) else {
        return Ok(None);
    };
    // The greater of the two counts.
    if before.as_str().max(all.as_str()) != STRICT {
        return Ok(None);
    }
    sysctl::write(&Sysctl { path: own, value: LOOSE.to_owned(), optional: false })?;
    Ok(Some(before))
}

fn path(link: &str) -> String {
    format!("net/ipv4/conf/{link}/rp_filter")
}
