//! SCTP packets (RFC 9260), by a raw socket: what is translated on a packet's way needs no SCTP in the kernel at its ends.

use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};

use socket2::{Domain, Protocol, Socket, Type};

use crate::{PATIENCE, Place};

/// `IPPROTO_SCTP`.
const SCTP: i32 = 132;

/// The common header, and an INIT or INIT ACK without parameters.
const LENGTH: usize = 12 + 20;

/// An IPv4 header without options, which a raw socket of IPv4 shows.
const IPV4_HEADER: usize = 20;

/// The first or second packet of an association.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SctpPacket {
    /// The sender's port.
    pub from: u16,
    /// The receiver's.
    pub to: u16,
    /// 0, and in the answer what the other said.
    pub tag: u32,
    /// What the other is to say.
    pub initiate: u32,
}

/// An end of an association, in a place.
pub struct Sctp(Socket);

impl Sctp {
    /// An end that sees all packets of a family.
    ///
    /// # Panics
    /// Where no raw socket can be had.
    pub fn open(place: &impl Place, address: IpAddr) -> Self {
        let domain = Domain::for_address(SocketAddr::new(address, 0));
        let open = || Socket::new(domain, Type::RAW, Some(Protocol::from(SCTP)));
        let socket = place.within(open).unwrap_or_else(|error| panic!("a raw socket: {error}"));
        socket.set_read_timeout(Some(PATIENCE)).unwrap_or_else(|error| panic!("a timeout: {error}"));
        Self(socket)
    }

    /// Sends a packet: an INIT, or where its tag says so an INIT ACK.
    ///
    /// # Panics
    /// Where it can't be sent.
    pub fn send(&self, packet: SctpPacket, to: IpAddr) {
        let sent = self.0.send_to(&packet.bytes(), &SocketAddr::new(to, 0).into());
        assert!(matches!(sent, Ok(LENGTH)), "{packet:?} to {to}: {sent:?}");
    }

    /// The next packet.
    ///
    /// # Errors
    /// None comes in time, or one that is not whole.
    pub fn receive(&self) -> io::Result<SctpPacket> {
        self.receive_from().map(|(packet, _)| packet)
    }

    /// The next packet, and the address that it comes from.
    ///
    /// # Errors
    /// None comes in time, or one that is not whole.
    pub fn receive_from(&self) -> io::Result<(SctpPacket, IpAddr)> {
        let mut buffer = [0; 256];
        let (length, peer) = UdpSocket::from(self.0.try_clone()?).recv_from(&mut buffer)?;
        // `LENGTH` is a multiple of 4, and the first byte of a packet is no length of a header.
        let start = if length == IPV4_HEADER + LENGTH { IPV4_HEADER } else { 0 };
        let packet = SctpPacket::read(&buffer[start..length]).ok_or(io::ErrorKind::InvalidData)?;
        Ok((packet, peer.ip()))
    }
}

impl SctpPacket {
    fn bytes(self) -> Vec<u8> {
        let chunk = if self.tag == 0 { 1 } else { 2 };
        let mut bytes = [self.from.to_be_bytes(), self.to.to_be_bytes()].concat();
        bytes.extend(self.tag.to_be_bytes());
        bytes.extend([0; 4]);
        bytes.extend([chunk, 0, 0, 20]);
        bytes.extend(self.initiate.to_be_bytes());
        // The receiver's window, one stream each way, the first number of a transmission.
        bytes.extend([0, 0, 0x10, 0, 0, 1, 0, 1, 0, 0, 0, 1]);
        let sum = checksum(&bytes).to_le_bytes();
        bytes[8..12].copy_from_slice(&sum);
        bytes
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let word = |at: usize| Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
        let port = |at: usize| Some(u16::from_be_bytes(bytes.get(at..at + 2)?.try_into().ok()?));
        let packet = Self { from: port(0)?, to: port(2)?, tag: word(4)?, initiate: word(16)? };
        (packet.bytes() == bytes).then_some(packet)
    }
}

/// `CRC32c` (RFC 9260, appendix A).
fn checksum(bytes: &[u8]) -> u32 {
    let step = |sum: u32| if sum & 1 == 1 { sum >> 1 ^ 0x82f6_3b78 } else { sum >> 1 };
    let all =
        bytes.iter().fold(u32::MAX, |sum, byte| (0..8).fold(sum ^ u32::from(*byte), |sum, _| step(sum)));
    !all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_castagnolis() {
        assert_eq!(checksum(b"123456789"), 0xe306_9283);
    }
}
