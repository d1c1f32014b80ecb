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
    /// The own value of a link whose filter is strict; none where it is not, or where there is no such link.
    ///
    /// # Errors
    /// Where a setting can't be read.
    pub fn strict_reverse_path(&self, link: &LinkName) -> Result<Option<String>, Error> {
        strict(link)
    }

    /// Makes the filter of a link loose.
    ///
    /// # Errors
    /// Where the setting can't be written.
    pub fn loosen_reverse_path(&self, link: &LinkName) -> Result<(), Error> {
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

/// As [`Host::strict_reverse_path`].
pub(crate) fn strict(link: &LinkName) -> Result<Option<String>, Error> {
    let (Some(own), Some(all)) = (sysctl::read(&path(link.as_str()))?, sysctl::read(&path("all"))?) else {
        return Ok(None);
    };
    // The greater of the two counts.
    Ok((own.as_str().max(all.as_str()) == STRICT).then_some(own))
}

/// As [`Host::loosen_reverse_path`].
pub(crate) fn loosen(link: &LinkName) -> Result<(), Error> {
    sysctl::write(&Sysctl { path: path(link.as_str()), value: LOOSE.to_owned(), optional: false })
}

fn path(link: &str) -> String {
    format!("net/ipv4/conf/{link}/rp_filter")
}
