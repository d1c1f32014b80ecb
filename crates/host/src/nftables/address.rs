//! Addresses, as `nf_tables` sees them: what differs between the families, and how a rule compares an address with a
//! network.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnetwork::{IpNetwork, Ipv4Network, Ipv6Network};
use netlink_packet_netfilter::nftables::{MetaKey, Operator, Register};
use netstate::Family;

use super::expression::{Expression, compare, equals, mask, meta};
use super::field::Field;

/// What differs between the families, as `nf_tables` sees them.
pub(super) struct Row {
    /// The map of pod addresses.
    pub(super) map: &'static str,
    /// `NFPROTO_IPV4` or `NFPROTO_IPV6`.
    pub(super) protocol: u8,
    /// nft's data type of an address.
    pub(super) address_type: u32,
    /// The source address in the header.
    pub(super) source: Field,
    /// The destination address in the header.
    pub(super) destination: Field,
    /// Multicast is never masqueraded.
    pub(super) multicast: IpNetwork,
}

/// One row a family, in the order of [`Family::ALL`].
pub(super) const ROWS: [Row; 2] = [
    Row {
        map: "masquerade4",
        protocol: 2,
        address_type: 7,
        source: Field::ip(12, 4),
        destination: Field::ip(16, 4),
        multicast: IpNetwork::V4(
            Ipv4Network::new_checked(Ipv4Addr::new(224, 0, 0, 0), 4).expect("4 is below 32"),
        ),
    },
    Row {
        map: "masquerade6",
        protocol: 10,
        address_type: 8,
        source: Field::ip(8, 16),
        destination: Field::ip(24, 16),
        multicast: IpNetwork::V6(
            Ipv6Network::new_checked(Ipv6Addr::new(0xff00, 0, 0, 0, 0, 0, 0, 0), 8).expect("8 is below 128"),
        ),
    },
];

/// The row of an address's family.
pub(super) fn row(address: IpAddr) -> &'static Row {
    &ROWS[Family::of(address) as usize]
}

/// `meta nfproto ipv4`
pub(super) fn protocol_is(protocol: u8) -> [Expression; 2] {
    [meta(MetaKey::Nfproto), equals(vec![protocol])]
}

/// `ip saddr network`, `ip daddr != network`
pub(super) fn address_compares(field: Field, operator: Operator, network: IpNetwork) -> Vec<Expression> {
    let address = bytes(network.network());
    let mut condition = vec![field.load(Register::Reg1)];
    if usize::from(network.prefix()) < address.len() * 8 {
        condition.push(mask(netmask(network.prefix(), address.len())));
    }
    condition.push(compare(operator, address));
    condition
}

/// `prefix` bits of ones in `length` bytes.
fn netmask(prefix: u8, length: usize) -> Vec<u8> {
    (0..length)
        .map(|byte| {
            let ones = usize::from(prefix).saturating_sub(byte * 8).min(8);
            !0xff_u8.checked_shr(u32::try_from(ones).unwrap_or(8)).unwrap_or(0)
        })
        .collect()
}

/// The bytes of an address, as packets have them.
pub(super) fn bytes(address: IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets().to_vec(),
    }
}

/// The network of an address's bytes and a prefix length.
pub(super) fn network(address: &[u8], prefix: u8) -> Option<IpNetwork> {
    let address = match address.len() {
        4 => IpAddr::from(<[u8; 4]>::try_from(address).ok()?),
        _ => IpAddr::from(<[u8; 16]>::try_from(address).ok()?),
    };
    IpNetwork::new(address, prefix).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mask_has_as_many_ones_as_the_prefix_says() {
        for (prefix, mask) in [
            (0, [0, 0, 0, 0]),
            (4, [0xf0, 0, 0, 0]),
            (8, [0xff, 0, 0, 0]),
            (23, [0xff, 0xff, 0xfe, 0]),
            (32, [0xff; 4]),
        ] {
            assert_eq!(netmask(prefix, 4), mask);
        }
    }
}
