//! Ethernet addresses.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use ipnetwork::IpNetwork;
use sha2::{Digest, Sha256};

/// A 48-bit MAC address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Mac(pub [u8; 6]);

/// The text is not six bytes in hexadecimal.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("address {0}: invalid MAC address")]
pub struct MacError(pub String);

impl Mac {
    /// `0a:58` and the four bytes of the address: who gets the address next has the same MAC, so no neighbour on
    /// the bridge ever holds a stale one.
    pub fn from_ipv4(address: Ipv4Addr) -> Self {
        let mut mac = [0x0a, 0x58, 0, 0, 0, 0];
        mac[2..].copy_from_slice(&address.octets());
        Self(mac)
    }

    /// A locally administered unicast address that ends in `bytes`.
    pub fn local(bytes: [u8; 5]) -> Self {
        let mut mac = [0x0e, 0, 0, 0, 0, 0];
        mac[1..].copy_from_slice(&bytes);
        Self(mac)
    }

    /// A locally administered address that is the same for the same bytes, on whichever machine.
    pub fn derived_from(bytes: &[u8]) -> Self {
        let hash = Sha256::digest(bytes);
        let mut tail = [0; 5];
        tail.copy_from_slice(&hash[..5]);
        Self::local(tail)
    }

    /// The MAC of a tunnel that nobody announces: everybody knows it from its pods' subnet.
    pub fn of_subnet(subnet: IpNetwork) -> Self {
        Self::derived_from(format!("{}/{}", subnet.network(), subnet.prefix()).as_bytes())
    }

    /// The address that a link of this MAC gives itself (RFC 4291, appendix A).
    pub fn link_local(self) -> Ipv6Addr {
        let mut address = [0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xfe, 0, 0, 0];
        address[8..11].copy_from_slice(&self.0[..3]);
        address[13..].copy_from_slice(&self.0[3..]);
        // "Universal" and "local" are the other way round.
        address[8] ^= 0b10;
        address.into()
    }
}

impl fmt::Display for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [first, rest @ ..] = self.0;
        write!(f, "{first:02x}")?;
        rest.iter().try_for_each(|byte| write!(f, ":{byte:02x}"))
    }
}

impl FromStr for Mac {
    type Err = MacError;

    /// Takes `:` and `-` between the bytes and either case, as Go's `net.ParseMAC` does.
    fn from_str(text: &str) -> Result<Self, MacError> {
        let invalid = || MacError(text.to_owned());
        let separator = if text.contains('-') { '-' } else { ':' };
        let mut bytes = [0; 6];
        let mut parts = text.split(separator);
        for byte in &mut bytes {
            let part = parts
                .next()
                .filter(|part| part.len() == 2 && part.bytes().all(|b| b.is_ascii_hexdigit()))
                .ok_or_else(invalid)?;
            *byte = u8::from_str_radix(part, 16).map_err(|_| invalid())?;
        }
        if parts.next().is_some() { Err(invalid()) } else { Ok(Self(bytes)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_read_as_go_reads_it_and_written_in_lower_case() {
        for text in ["0A:58:0a:01:00:02", "0a-58-0a-01-00-02"] {
            assert_eq!(text.parse::<Mac>().unwrap().to_string(), "0a:58:0a:01:00:02");
        }
        assert_eq!(Mac::from_ipv4(Ipv4Addr::new(10, 1, 0, 2)).to_string(), "0a:58:0a:01:00:02");
    }

    #[test]
    fn anything_but_six_bytes_is_refused() {
        for text in ["", "0a:58:0a:01:00", "0a:58:0a:01:00:02:03", "0g:58:0a:01:00:02", "+a:58:0a:01:00:02"] {
            assert_eq!(text.parse::<Mac>(), Err(MacError(text.to_owned())));
        }
    }
}
