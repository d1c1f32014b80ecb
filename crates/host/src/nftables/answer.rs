//! What `nf_tables` answers: rules and elements.

use netlink_packet_core::{DefaultNla, Nla as _};
use netlink_packet_netfilter::nftables::{
    DataAttribute, GenAttribute, ListAttribute, RuleAttribute, SetElementAttribute,
};

use super::expression::{self, Expression};
use super::message::COMMENT;
use super::wire::{self, Message};

/// `NFTA_RULE_EXPRESSIONS`.
const RULE_EXPRESSIONS: u16 = 4;

/// `NFTA_SET_ELEM_LIST_ELEMENTS`.
const ELEMENTS: u16 = 3;

/// A rule of the kernel's.
#[derive(Debug, Clone)]
pub(super) struct Rule {
    /// The chain that it is in.
    pub(super) chain: String,
    /// Its name for deletions.
    pub(super) handle: u64,
    /// Its expressions.
    pub(super) expressions: Vec<Expression>,
    /// Its comment.
    pub(super) comment: Option<String>,
}

/// An element of a set of the kernel's.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    /// Its key, or the lowest of its range.
    pub(super) key: Vec<u8>,
    /// The highest of its range.
    pub(super) last: Option<Vec<u8>>,
    /// What a map's element leads to, if that is no verdict.
    pub(super) value: Vec<u8>,
    /// The chain that a verdict map's element leads to.
    pub(super) chain: Option<String>,
    /// Its comment.
    pub(super) comment: Option<String>,
}

/// The generation that the kernel sent: it changes with every change of any table of the namespace.
pub(super) fn generation(message: &Message) -> Option<u32> {
    message.attributes().find_map(|attribute| match wire::parsed(&attribute)? {
        GenAttribute::Id(generation) => Some(generation),
        _ => None,
    })
}

impl Rule {
    /// Reads a rule that the kernel sent.
    pub(super) fn parse(message: &Message) -> Self {
        let mut read = Self { chain: String::new(), handle: 0, expressions: Vec::new(), comment: None };
        for attribute in message.attributes() {
            if attribute.kind() == RULE_EXPRESSIONS {
                read.expressions = expression::read(attribute.value());
                continue;
            }
            match wire::parsed(&attribute) {
                Some(RuleAttribute::Chain(chain)) => read.chain = chain,
                Some(RuleAttribute::Handle(handle)) => read.handle = handle,
                Some(RuleAttribute::UserData(data)) => read.comment = comment(&data),
                _ => {}
            }
        }
        read
    }

    /// Does it consist of these expressions?
    pub(super) fn says(&self, wanted: &[Expression]) -> bool {
        expression::same(wanted, &self.expressions)
    }

    /// Does it send packets to the chain?
    pub(super) fn leads_to(&self, chain: &str) -> bool {
        self.expressions.iter().any(|expression| expression::target(expression) == Some(chain))
    }
}

impl Entry {
    /// Reads the elements that the kernel sent in one message.
    pub(super) fn parse(message: &Message) -> Vec<Self> {
        let lists = message.attributes().filter(|attribute| attribute.kind() == ELEMENTS);
        let elements = lists.flat_map(|list| wire::read(list.value()));
        elements
            .filter_map(|element| match element {
                ListAttribute::Element(attributes) => Some(Self::read(attributes)),
                _ => None,
            })
            .collect()
    }

    fn read(attributes: Vec<SetElementAttribute>) -> Self {
        let mut read = Self { key: Vec::new(), last: None, value: Vec::new(), chain: None, comment: None };
        for attribute in attributes {
            match attribute {
                SetElementAttribute::Key(DataAttribute::Value(key)) => read.key = key,
                SetElementAttribute::KeyEnd(last) => read.last = last.first().map(emitted),
                SetElementAttribute::Data(DataAttribute::Value(value)) => read.value = value,
                SetElementAttribute::Data(data) => {
                    read.chain = expression::verdict_chain(&data).map(str::to_owned);
                }
                SetElementAttribute::UserData(data) => read.comment = comment(&data),
                _ => {}
            }
        }
        read
    }
}

/// An attribute's value.
fn emitted(attribute: &DefaultNla) -> Vec<u8> {
    let mut bytes = vec![0; attribute.value_len()];
    attribute.emit_value(&mut bytes);
    bytes
}

/// The comment among user data.
fn comment(mut data: &[u8]) -> Option<String> {
    while let [kind, length, ..] = *data {
        let value = data.get(2..2 + usize::from(length))?;
        if kind == COMMENT {
            return Some(String::from_utf8_lossy(value).trim_end_matches('\0').to_owned());
        }
        data = &data[2 + usize::from(length)..];
    }
    None
}
