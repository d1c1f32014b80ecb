//! DHCP messages in IPv4 packets (RFC 2131, section 2). The formats are smoltcp's.

use std::net::Ipv4Addr;

use netstate::Mac;
use smoltcp::phy::ChecksumCapabilities;
use smoltcp::wire::{
    DHCP_CLIENT_PORT, DHCP_SERVER_PORT, DhcpFlags, DhcpMessageType, DhcpOpCode, DhcpOption, DhcpPacket,
    EthernetAddress, IpProtocol, Ipv4Packet, Ipv4Repr, UdpPacket, UdpRepr,
};

use super::option;

/// How a DHCP message begins (RFC 2131, section 3).
const MAGIC: u32 = 0x6382_5363;

/// Where its options begin, in bytes.
const OPTIONS: usize = 240;

/// The shortest that every relay takes, in bytes (RFC 951).
const SHORTEST: usize = 300;

/// What a client says.
#[derive(Debug, Clone)]
pub(super) struct Said<'a> {
    pub(super) kind: DhcpMessageType,
    /// The exchange's number.
    pub(super) exchange: u32,
    /// Since the exchange began.
    pub(super) seconds: u16,
    pub(super) mac: Mac,
    /// The answers are to be broadcast.
    pub(super) broadcast: bool,
    /// The address that the client has.
    pub(super) own: Ipv4Addr,
    pub(super) options: &'a [(u8, Vec<u8>)],
}

/// What a server answered.
#[derive(Debug, Clone)]
pub(super) struct Heard {
    pub(super) kind: DhcpMessageType,
    pub(super) exchange: u32,
    pub(super) mac: Mac,
    pub(super) address: Ipv4Addr,
    options: Vec<(u8, Vec<u8>)>,
}

impl Heard {
    /// An option's value. One that is given in pieces is put together (RFC 3396).
    pub(super) fn option(&self, number: u8) -> Option<&[u8]> {
        self.options.iter().find(|(other, _)| *other == number).map(|(_, value)| value.as_slice())
    }

    /// An option that is a number of four bytes.
    pub(super) fn number(&self, number: u8) -> Option<u32> {
        self.option(number)?.try_into().ok().map(u32::from_be_bytes)
    }

    /// An option that is an address, or begins with one.
    pub(super) fn address(&self, number: u8) -> Option<Ipv4Addr> {
        self.option(number)?.first_chunk().map(|bytes: &[u8; 4]| Ipv4Addr::from(*bytes))
    }
}

/// Where a message goes from and to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Way {
    pub(super) source: Ipv4Addr,
    pub(super) destination: Ipv4Addr,
}

/// The message alone, as UDP carries it.
pub(super) fn message(said: &Said) -> Vec<u8> {
    let options: usize = said.options.iter().map(|(_, value)| 2 + value.len()).sum();
    let mut bytes = vec![0; (OPTIONS + 3 + options + 1).max(SHORTEST)];
    let mut packet = DhcpPacket::new_unchecked(&mut bytes);
    packet.set_opcode(DhcpOpCode::Request);
    packet.set_hardware_type(smoltcp::wire::ArpHardware::Ethernet);
    packet.set_hardware_len(6);
    packet.set_transaction_id(said.exchange);
    packet.set_secs(said.seconds);
    packet.set_flags(if said.broadcast { DhcpFlags::BROADCAST } else { DhcpFlags::empty() });
    packet.set_client_ip(said.own);
    packet.set_client_hardware_address(EthernetAddress(said.mac.0));
    packet.set_magic_number(MAGIC);
    let kind = [u8::from(said.kind)];
    let first = [(option::MESSAGE_TYPE, kind.as_slice())];
    let rest = said.options.iter().map(|(number, value)| (*number, value.as_slice()));
    let mut writer = packet.options_mut();
    for (kind, data) in first.into_iter().chain(rest) {
        // There is room for each, and none is longer than its length says: `config` looks after that.
        let _ = writer.emit(DhcpOption { kind, data });
    }
    let _ = writer.end();
    bytes
}

/// The message in an IPv4 packet.
pub(super) fn packet(said: &Said, way: Way) -> Vec<u8> {
    let message = message(said);
    let udp = UdpRepr { src_port: DHCP_CLIENT_PORT, dst_port: DHCP_SERVER_PORT };
    let ip = Ipv4Repr {
        src_addr: way.source,
        dst_addr: way.destination,
        next_header: IpProtocol::Udp,
        payload_len: udp.header_len() + message.len(),
        hop_limit: 64,
    };
    let mut bytes = vec![0; ip.buffer_len() + ip.payload_len];
    let sums = ChecksumCapabilities::default();
    let mut packet = Ipv4Packet::new_unchecked(&mut bytes);
    ip.emit(&mut packet, &sums);
    udp.emit(
        &mut UdpPacket::new_unchecked(packet.payload_mut()),
        &way.source.into(),
        &way.destination.into(),
        message.len(),
        |payload| payload.copy_from_slice(&message),
        &sums,
    );
    bytes
}

/// The answer of a server in an IPv4 packet; none where it is anything else. The sum of its bytes is not looked at:
/// the kernel leaves that to the hardware, and between containers there is none.
pub(super) fn heard(packet: &[u8]) -> Option<Heard> {
    let packet = Ipv4Packet::new_checked(packet).ok()?;
    let udp = UdpPacket::new_checked(packet.payload()).ok()?;
    if (udp.src_port(), udp.dst_port()) != (DHCP_SERVER_PORT, DHCP_CLIENT_PORT) {
        return None;
    }
    let message = DhcpPacket::new_checked(udp.payload()).ok()?;
    if message.opcode() != DhcpOpCode::Reply || message.magic_number() != MAGIC {
        return None;
    }
    let mut options: Vec<(u8, Vec<u8>)> = Vec::new();
    for DhcpOption { kind, data } in message.options() {
        match options.iter_mut().find(|(other, _)| *other == kind) {
            Some((_, value)) => value.extend(data),
            None => options.push((kind, data.to_vec())),
        }
    }
    let kind = options.iter().find(|(kind, _)| *kind == option::MESSAGE_TYPE)?.1.first().copied()?;
    Some(Heard {
        kind: DhcpMessageType::from(kind),
        exchange: message.transaction_id(),
        mac: Mac(message.client_hardware_address().0),
        address: message.your_ip(),
        options,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    // B-25
    #[test]
    fn a_client_that_wants_broadcasts_says_so() {
        for (broadcast, flags) in [(true, [0x80, 0]), (false, [0, 0])] {
            let said = Said {
                kind: DhcpMessageType::Discover,
                exchange: 7,
                seconds: 0,
                mac: Mac([2, 0, 0, 0, 0, 1]),
                broadcast,
                own: Ipv4Addr::UNSPECIFIED,
                options: &[(option::CLIENT_IDENTIFIER, vec![0, 1])],
            };
            let bytes = message(&said);
            assert_eq!((bytes.len(), &bytes[10..12]), (SHORTEST, &flags[..]));
            assert_eq!(bytes[240..248], [53, 1, 1, 61, 2, 0, 1, 255]);
        }
    }

    #[test]
    fn what_a_client_says_is_no_answer() {
        let said = Said {
            kind: DhcpMessageType::Request,
            exchange: 7,
            seconds: 0,
            mac: Mac([2, 0, 0, 0, 0, 1]),
            broadcast: false,
            own: Ipv4Addr::UNSPECIFIED,
            options: &[],
        };
        let way = Way { source: Ipv4Addr::UNSPECIFIED, destination: Ipv4Addr::BROADCAST };
        let bytes = packet(&said, way);
        assert!(heard(&bytes).is_none());
        for length in 0..bytes.len() {
            assert!(heard(&bytes[..length]).is_none());
        }
    }
}
