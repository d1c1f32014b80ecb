//! Expressions of destination translation: whether a packet is for the node itself, and where it goes instead.

use netlink_packet_core::DefaultNla;
use netlink_packet_netfilter::NetfilterProtoFamily;
use netlink_packet_netfilter::nftables::{
    Bitwise, DataAttribute, Expressions, Lookup, Meta, MetaKey, Register,
};
use netstate::MarkBit;

use super::expression::{Expression, equals, mask, meta, number};

/// `NFTA_FIB_DREG`, `NFTA_FIB_RESULT` and `NFTA_FIB_FLAGS`: what tells one `fib` from another.
pub(super) const FIB: &[u16] = &[1, 2, 3];

/// `NFTA_NAT_TYPE`, `NFTA_NAT_FAMILY`, `NFTA_NAT_REG_ADDR_MIN` and `NFTA_NAT_REG_PROTO_MIN`: what tells one `nat`
/// from another.
pub(super) const NAT: &[u16] = &[1, 2, 3, 5];

/// `NFT_FIB_RESULT_ADDRTYPE`, `NFTA_FIB_F_DADDR` and, as its answer, `RTN_LOCAL`.
const ADDRESS_TYPE: u32 = 3;
const DESTINATION: u32 = 1 << 1;
const LOCAL: u32 = 2;

/// `NFT_NAT_DNAT`.
const DNAT: u32 = 1;

/// `NFPROTO_IPV4` and `NFPROTO_IPV6`, in the order of [`netstate::Family::ALL`].
pub(super) const PROTOCOLS: [NetfilterProtoFamily; 2] =
    [NetfilterProtoFamily::IPv4, NetfilterProtoFamily::IPv6];

/// `fib daddr type local`
pub(super) fn is_for_the_node() -> [Expression; 2] {
    let attributes = [Register::Reg1.into(), ADDRESS_TYPE, DESTINATION];
    let attributes: Vec<DefaultNla> =
        FIB.iter().zip(attributes).map(|(kind, value)| number(*kind, value)).collect();
    [
        Expressions::Other { expression_type: "fib".to_owned(), attributes }.into(),
        equals(LOCAL.to_ne_bytes().to_vec()),
    ]
}

/// `meta … => reg …`
pub(super) fn meta_to(key: MetaKey, register: Register) -> Expression {
    Expressions::Meta(vec![Meta::DestinationRegister(register), Meta::Key(key)]).into()
}

/// `[ lookup reg 1 set … dreg 1 ]`: the value takes the place of the key; go on where the map has one.
pub(super) fn value_of(map: &str) -> Expression {
    Expressions::Lookup(vec![
        Lookup::DestinationRegister(Register::Reg1),
        Lookup::Flags(0),
        Lookup::Set(map.to_owned()),
        Lookup::SourceRegister(Register::Reg1),
    ])
    .into()
}

/// `meta mark set meta mark or …`, by register 4, which leaves the others alone.
pub(super) fn set_mark(bit: MarkBit) -> [Expression; 3] {
    let register = Register::Reg4;
    let value = |bits: u32| DataAttribute::Value(bits.to_ne_bytes().to_vec());
    [
        meta_to(MetaKey::Mark, register),
        Expressions::Bitwise(vec![
            Bitwise::SourceRegister(register),
            Bitwise::DestinationRegister(register),
            Bitwise::Length(4),
            Bitwise::Mask(value(!bit.mark())),
            Bitwise::Xor(value(bit.mark())),
        ])
        .into(),
        Expressions::Meta(vec![Meta::SourceRegister(register), Meta::Key(MetaKey::Mark)]).into(),
    ]
}

/// `meta mark and … == …`
pub(super) fn mark_has(bit: MarkBit) -> [Expression; 3] {
    let bits = bit.mark().to_ne_bytes().to_vec();
    [meta(MetaKey::Mark), mask(bits.clone()), equals(bits)]
}

/// `dnat to` the address in register 1 and, where a register is named, to the port in it.
pub(super) fn send_to(protocol: NetfilterProtoFamily, port: Option<Register>) -> Expression {
    let mut attributes = vec![
        number(NAT[0], DNAT),
        number(NAT[1], u8::from(protocol).into()),
        number(NAT[2], Register::Reg1.into()),
    ];
    attributes.extend(port.map(|register| number(NAT[3], register.into())));
    Expressions::Other { expression_type: "nat".to_owned(), attributes }.into()
}
