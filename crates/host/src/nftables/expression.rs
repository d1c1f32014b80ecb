//! The few `nf_tables` expressions that our rules are made of, in the form in which the kernel gives them back, and
//! how to tell whether a rule of the kernel's is the one that is wanted.

use netlink_packet_core::{DefaultNla, Emitable as _, Nla as _};
use netlink_packet_netfilter::nftables::{
    Bitwise, Cmp, DataAttribute, ExpressionAttribute, Expressions, Immediate, ListAttribute, Lookup, Meta,
    MetaKey, Operator, Register, Verdict, VerdictAttribute,
};
use netstate::SourcePort;

use super::message::NF_ACCEPT;
use super::translation;
use super::wire;

/// One expression of a rule.
pub(super) type Expression = ListAttribute<ExpressionAttribute>;

/// `NFT_LOOKUP_F_INV`.
const INVERTED: u32 = 1;

/// `NFTA_EXPR_NAME` and `NFTA_EXPR_DATA`.
const NAME: u16 = 1;
const DATA: u16 = 2;

/// `NF_DROP`.
pub(super) const NF_DROP: u32 = 0;

/// `NFTA_MASQ_FLAGS`, and `NF_NAT_RANGE_PROTO_RANDOM_FULLY` in it.
const MASQUERADE_FLAGS: u16 = 1;
const FULLY_RANDOM: u32 = 1 << 4;

/// `NFTA_DYNSET_*`, and `NFT_DYNSET_OP_UPDATE` among the operations.
const DYNSET_SET: u16 = 1;
const DYNSET_OPERATION: u16 = 3;
const DYNSET_KEY: u16 = 4;
const DYNSET_EXPRESSION: u16 = 7;
const UPDATE: u32 = 1;

/// The expression that counts packets and bytes.
pub(super) const COUNTER: &str = "counter";

/// Which attributes tell one expression from another of its name; of any other name all are alike.
const TELLING: [(&str, &[u16]); 4] = [
    ("masq", &[MASQUERADE_FLAGS]),
    ("dynset", &[DYNSET_SET, DYNSET_OPERATION, DYNSET_KEY]),
    ("fib", translation::FIB),
    ("nat", translation::NAT),
];

/// `[ meta load … => reg 1 ]`
pub(super) fn meta(key: MetaKey) -> Expression {
    meta_into(key, Register::Reg1)
}

/// `[ meta load … => reg … ]`
pub(super) fn meta_into(key: MetaKey, register: Register) -> Expression {
    Expressions::Meta(vec![Meta::DestinationRegister(register), Meta::Key(key)]).into()
}

/// `[ cmp eq reg 1 … ]`
pub(super) fn equals(value: Vec<u8>) -> Expression {
    compare(Operator::Equal, value)
}

/// `[ cmp … reg 1 … ]`
pub(super) fn compare(operator: Operator, value: Vec<u8>) -> Expression {
    Expressions::Cmp(vec![
        Cmp::SourceRegister(Register::Reg1),
        Cmp::Op(operator),
        Cmp::Data(DataAttribute::Value(value)),
    ])
    .into()
}

/// `[ bitwise reg 1 = ( reg 1 & mask ) ^ 0 ]`
pub(super) fn mask(mask: Vec<u8>) -> Expression {
    let zeros = vec![0; mask.len()];
    Expressions::Bitwise(vec![
        Bitwise::SourceRegister(Register::Reg1),
        Bitwise::DestinationRegister(Register::Reg1),
        Bitwise::Length(u32::try_from(mask.len()).unwrap_or(u32::MAX)),
        Bitwise::Mask(DataAttribute::Value(mask)),
        Bitwise::Xor(DataAttribute::Value(zeros)),
    ])
    .into()
}

/// `[ lookup reg 1 set … dreg 0 ]`: what the map's element says is done.
pub(super) fn verdict_of(map: &str) -> Expression {
    lookup(map, vec![Lookup::DestinationRegister(Register::Verdict), Lookup::Flags(0)])
}

/// `[ lookup reg 1 set … ]`: go on where the set holds it.
pub(super) fn is_in(set: &str) -> Expression {
    lookup(set, vec![Lookup::Flags(0)])
}

/// `[ lookup reg 1 set … 0x1 ]`: go on where the set lacks it.
pub(super) fn is_not_in(set: &str) -> Expression {
    lookup(set, vec![Lookup::Flags(INVERTED)])
}

fn lookup(set: &str, mut attributes: Vec<Lookup>) -> Expression {
    attributes.extend([Lookup::Set(set.to_owned()), Lookup::SourceRegister(Register::Reg1)]);
    Expressions::Lookup(attributes).into()
}

/// `[ immediate reg 0 return ]`
pub(super) fn leave_chain() -> Expression {
    immediate(vec![VerdictAttribute::Code(Verdict::Return)])
}

/// `[ immediate reg 0 drop ]`
pub(super) fn drop() -> Expression {
    immediate(vec![VerdictAttribute::Code(Verdict::Other(NF_DROP))])
}

/// `[ immediate reg 0 accept ]`
pub(super) fn accept() -> Expression {
    immediate(vec![VerdictAttribute::Code(Verdict::Other(NF_ACCEPT))])
}

/// `[ immediate reg 0 jump -> chain ]`
pub(super) fn jump_to(chain: &str) -> Expression {
    immediate(jump(chain))
}

/// `[ masq ]`, `[ masq flags 0x10 ]`
pub(super) fn masquerade(port: SourcePort) -> Expression {
    let attributes = match port {
        SourcePort::Kept => Vec::new(),
        SourcePort::Random => vec![number(MASQUERADE_FLAGS, FULLY_RANDOM)],
    };
    Expressions::Other { expression_type: "masq".to_owned(), attributes }.into()
}

/// `[ counter ]`
pub(super) fn counter() -> Expression {
    Expressions::Other { expression_type: COUNTER.to_owned(), attributes: Vec::new() }.into()
}

/// `[ dynset update reg_key 1 set … expr [ counter ] ]`: counts the packet by what is in register 1, if the set
/// still has room.
pub(super) fn count_in(set: &str) -> Expression {
    let attributes = vec![
        DefaultNla::new(DYNSET_SET, [set.as_bytes(), &[0]].concat()),
        number(DYNSET_OPERATION, UPDATE),
        number(DYNSET_KEY, Register::Reg1.into()),
        DefaultNla::new(DYNSET_EXPRESSION, nested(&counter())),
    ];
    Expressions::Other { expression_type: "dynset".to_owned(), attributes }.into()
}

/// An expression's own attributes, as they stand inside another expression.
fn nested(expression: &Expression) -> Vec<u8> {
    let ListAttribute::Element(attributes) = expression else { return Vec::new() };
    let mut bytes = vec![0; attributes.as_slice().buffer_len()];
    attributes.as_slice().emit(&mut bytes);
    bytes
}

/// An attribute that holds a number.
pub(super) fn number(kind: u16, value: u32) -> DefaultNla {
    DefaultNla::new(kind, value.to_be_bytes().to_vec())
}

/// `jump -> chain`, as the data of a verdict map's element.
pub(super) fn jump(chain: &str) -> Vec<VerdictAttribute> {
    vec![VerdictAttribute::Code(Verdict::Jump), VerdictAttribute::Chain(chain.to_owned())]
}

fn immediate(verdict: Vec<VerdictAttribute>) -> Expression {
    Expressions::Immediate(vec![
        Immediate::DestinationRegister(Register::Verdict),
        Immediate::Data(DataAttribute::Verdict(verdict)),
    ])
    .into()
}

/// Reads a rule's list of expressions.
pub(super) fn read(list: &[u8]) -> Vec<Expression> {
    wire::attributes(list).map(|expression| read_one(expression.value())).collect()
}

fn read_one(expression: &[u8]) -> Expression {
    let part = |kind| {
        wire::attributes(expression).find(|part| part.kind() == kind).map(|part| part.value().to_vec())
    };
    let name = String::from_utf8_lossy(&part(NAME).unwrap_or_default()).trim_end_matches('\0').to_owned();
    let data = part(DATA).unwrap_or_default();
    match name.as_str() {
        "bitwise" => Expressions::Bitwise(wire::read(&data)),
        "cmp" => Expressions::Cmp(wire::read(&data)),
        "immediate" => Expressions::Immediate(wire::read(&data)),
        "lookup" => Expressions::Lookup(wire::read(&data)),
        "meta" => Expressions::Meta(wire::read(&data)),
        "payload" => Expressions::Payload(wire::read(&data)),
        _ => Expressions::Other { expression_type: name, attributes: wire::read(&data) },
    }
    .into()
}

/// The chain that a verdict sends the packet to.
pub(super) fn verdict_chain(data: &DataAttribute) -> Option<&str> {
    let DataAttribute::Verdict(verdict) = data else { return None };
    verdict.iter().find_map(|attribute| match attribute {
        VerdictAttribute::Chain(chain) => Some(chain.as_str()),
        _ => None,
    })
}

/// The chain that the expression jumps or goes to.
pub(super) fn target(expression: &Expression) -> Option<&str> {
    let Some(Expressions::Immediate(attributes)) = data(expression) else { return None };
    attributes.iter().find_map(|attribute| match attribute {
        Immediate::Data(data) => verdict_chain(data),
        _ => None,
    })
}

/// The value that the expression compares with.
pub(super) fn compared(expression: &Expression) -> Option<&[u8]> {
    let Some(Expressions::Cmp(attributes)) = data(expression) else { return None };
    attributes.iter().find_map(|attribute| match attribute {
        Cmp::Data(DataAttribute::Value(value)) => Some(value.as_slice()),
        _ => None,
    })
}

/// The value that the expression loads into a register.
pub(super) fn loaded(expression: &Expression) -> Option<&[u8]> {
    let Some(Expressions::Immediate(attributes)) = data(expression) else { return None };
    attributes.iter().find_map(|attribute| match attribute {
        Immediate::Data(DataAttribute::Value(value)) => Some(value.as_slice()),
        _ => None,
    })
}

/// Does the kernel's rule do what is wanted? It may say more of each expression: newer kernels do.
pub(super) fn same(wanted: &[Expression], found: &[Expression]) -> bool {
    wanted.len() == found.len()
        && wanted.iter().zip(found).all(|(wanted, found)| match (data(wanted), data(found)) {
            (Some(Expressions::Bitwise(wanted)), Some(Expressions::Bitwise(found))) => holds(found, wanted),
            (Some(Expressions::Cmp(wanted)), Some(Expressions::Cmp(found))) => holds(found, wanted),
            (Some(Expressions::Immediate(wanted)), Some(Expressions::Immediate(found))) => {
                holds(found, wanted)
            }
            (Some(Expressions::Lookup(wanted)), Some(Expressions::Lookup(found))) => holds(found, wanted),
            (Some(Expressions::Meta(wanted)), Some(Expressions::Meta(found))) => holds(found, wanted),
            (Some(Expressions::Payload(wanted)), Some(Expressions::Payload(found))) => holds(found, wanted),
            (
                Some(Expressions::Other { expression_type: wanted, attributes: all }),
                Some(Expressions::Other { expression_type: found, attributes: those }),
            ) => wanted == found && told(wanted, all) == told(found, those),
            _ => false,
        })
}

/// What identifies an expression among its attributes: the kernel says more, such as what was counted.
fn told<'a>(name: &str, attributes: &'a [DefaultNla]) -> Vec<&'a DefaultNla> {
    let kinds = TELLING.iter().find(|(of, _)| *of == name).map_or(&[][..], |(_, kinds)| kinds);
    kinds.iter().filter_map(|kind| attributes.iter().find(|attribute| attribute.kind() == *kind)).collect()
}

fn holds<T: PartialEq>(found: &[T], wanted: &[T]) -> bool {
    wanted.iter().all(|attribute| found.contains(attribute))
}

/// What the expression says, whatever it is called.
pub(super) fn data(expression: &Expression) -> Option<&Expressions> {
    let ListAttribute::Element(attributes) = expression else { return None };
    attributes.iter().find_map(|attribute| match attribute {
        ExpressionAttribute::Data(data) => Some(data),
        _ => None,
    })
}
