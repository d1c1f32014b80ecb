//! The bytes of a packet that rules look at.

use netlink_packet_netfilter::nftables::{Expressions, Payload, Register};

use super::expression::{Expression, data};

/// `NFT_PAYLOAD_LL_HEADER`.
const LINK_HEADER: u32 = 0;

/// `NFT_PAYLOAD_NETWORK_HEADER`.
const NETWORK_HEADER: u32 = 1;

/// `NFT_PAYLOAD_TRANSPORT_HEADER`.
const TRANSPORT_HEADER: u32 = 2;

/// Some bytes of a packet.
#[derive(Clone, Copy)]
pub(super) struct Field {
    base: u32,
    offset: u32,
    length: u32,
}

impl Field {
    /// Bytes of the IP header.
    pub(super) const fn ip(offset: u32, length: u32) -> Self {
        Self { base: NETWORK_HEADER, offset, length }
    }

    /// `udp dport`.
    pub(super) const UDP_DESTINATION: Self = Self { base: TRANSPORT_HEADER, offset: 2, length: 2 };

    /// `th dport`: of TCP, UDP and SCTP alike.
    pub(super) const DESTINATION_PORT: Self = Self::UDP_DESTINATION;

    /// `ether saddr`.
    pub(super) const ETHER_SOURCE: Self = Self { base: LINK_HEADER, offset: 6, length: 6 };

    /// Its length in bytes.
    pub(super) const fn length(self) -> u32 {
        self.length
    }

    /// `[ payload load … => reg … ]`
    pub(super) fn load(self, register: Register) -> Expression {
        Expressions::Payload(vec![
            Payload::DestinationRegister(register),
            Payload::Base(self.base),
            Payload::Offset(self.offset),
            Payload::Len(self.length),
        ])
        .into()
    }

    /// Is this field loaded by the expression?
    pub(super) fn is_loaded_by(self, expression: &Expression) -> bool {
        self.loaded_by(expression) == Some(self.length)
    }

    /// How many bytes the expression loads from where this field begins.
    pub(super) fn loaded_by(self, expression: &Expression) -> Option<u32> {
        let Some(Expressions::Payload(load)) = data(expression) else { return None };
        let here = load.contains(&Payload::Base(self.base)) && load.contains(&Payload::Offset(self.offset));
        let length = load.iter().find_map(|attribute| match attribute {
            Payload::Len(length) => Some(*length),
            _ => None,
        });
        length.filter(|_| here)
    }
}
