//! Conditions as expressions. A rule's expressions must all hold, so values of which one is enough are rules of their
//! own; there are never many.

use netlink_packet_netfilter::nftables::{MetaKey, Operator};
use netstate::{Answer, Condition, Family, LinkPattern, Part, Test};

use crate::nftables::address::{ROWS, Row, address_compares, protocol_is};
use crate::nftables::expression::{Expression, compare, mask, meta};

/// `IFNAMSIZ`: a whole name is compared with the zeros after it.
const NAME: usize = 16;

/// What packets must meet, one way or another: no more than nothing where no family has conditions.
pub(super) fn gates(conditions: &[Vec<Condition>; 2]) -> Vec<Vec<Expression>> {
    if conditions.iter().all(Vec::is_empty) {
        return vec![Vec::new()];
    }
    let of_family = |family: Family| {
        let row = &ROWS[family as usize];
        let mut gates = vec![protocol_is(row.protocol).to_vec()];
        for condition in &conditions[family as usize] {
            let ways = ways(condition, row);
            gates = gates
                .iter()
                .flat_map(|gate| ways.iter().map(move |way| [gate.as_slice(), way].concat()))
                .collect();
        }
        gates
    };
    Family::ALL.into_iter().flat_map(of_family).collect()
}

/// The ways in which a condition may hold.
fn ways(condition: &Condition, row: &Row) -> Vec<Vec<Expression>> {
    let operator = match condition.answer {
        Answer::Is => Operator::Equal,
        Answer::IsNot => Operator::NotEqual,
    };
    // ip saddr 10.0.0.0/8, ip daddr != 192.0.2.1, iifname "eth*", meta mark & 0xff == 1
    let each: Vec<Vec<Expression>> = match &condition.test {
        Test::Source(networks) => {
            networks.iter().map(|network| address_compares(row.source, operator, *network)).collect()
        }
        Test::Destination(networks) => {
            networks.iter().map(|network| address_compares(row.destination, operator, *network)).collect()
        }
        Test::InLink(names) => {
            names.iter().map(|name| vec![meta(MetaKey::Iifname), compare(operator, bytes(name))]).collect()
        }
        Test::Mark { mask: bits, values } => values
            .iter()
            .map(|value| {
                let mut way = vec![meta(MetaKey::Mark)];
                if *bits != u32::MAX {
                    way.push(mask(bits.to_ne_bytes().to_vec()));
                }
                way.push(compare(operator, value.to_ne_bytes().to_vec()));
                way
            })
            .collect(),
    };
    match condition.answer {
        Answer::Is => each,
        Answer::IsNot => vec![each.concat()],
    }
}

fn bytes(pattern: &LinkPattern) -> Vec<u8> {
    let mut bytes = pattern.name.as_bytes().to_vec();
    if pattern.part == Part::Whole {
        bytes.resize(NAME, 0);
    }
    bytes
}
