//! What `nf_tables` answers: rules and elements.

use netlink_packet_netfilter::nftables::{
    DataAttribute, GenAttribute, ListAttribute, NfTablesMessage, RuleAttribute, SetElementAttribute,
    SetElementList,
};
use netlink_packet_netfilter::{NetfilterMessage, NetfilterMessageInner};

use super::expression::{self, Expression};
use super::message::COMMENT;

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
    /// Its key.
    pub(super) key: Vec<u8>,
    /// The chain that a verdict map's element leads to.
    pub(super) chain: Option<String>,
    /// Its comment.
    pub(super) comment: Option<String>,
}

/// The generation that the kernel sent: it changes with every change of any table of the namespace.
pub(super) fn generation(message: NetfilterMessage) -> Option<u32> {
    let NetfilterMessageInner::NfTables(NfTablesMessage::NewGen(answer)) = message.inner else { return None };
    answer.attributes.into_iter().find_map(|attribute| match attribute {
        GenAttribute::Id(generation) => Some(generation),
        _ => None,
    })
}

impl Rule {
    /// Reads a rule that the kernel sent.
    pub(super) fn parse(message: NetfilterMessage) -> Option<Self> {
        let NetfilterMessageInner::NfTables(NfTablesMessage::NewRule(rule)) = message.inner else {
            return None;
        };
        let mut read = Self { chain: String::new(), handle: 0, expressions: Vec::new(), comment: None };
        for attribute in rule.attributes {
            match attribute {
                RuleAttribute::Chain(chain) => read.chain = chain,
                RuleAttribute::Handle(handle) => read.handle = handle,
                RuleAttribute::Expressions(expressions) => read.expressions = expressions,
                RuleAttribute::UserData(data) => read.comment = comment(&data),
                _ => {}
            }
        }
        Some(read)
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
    pub(super) fn parse(message: NetfilterMessage) -> Vec<Self> {
        let NetfilterMessageInner::NfTables(NfTablesMessage::NewSetElement(list)) = message.inner else {
            return Vec::new();
        };
        let lists = list.attributes.into_iter().filter_map(|attribute| match attribute {
            SetElementList::Elements(elements) => Some(elements),
            _ => None,
        });
        lists
            .flatten()
            .filter_map(|element| match element {
                ListAttribute::Element(attributes) => Some(Self::read(attributes)),
                _ => None,
            })
            .collect()
    }

    fn read(attributes: Vec<SetElementAttribute>) -> Self {
        let mut read = Self { key: Vec::new(), chain: None, comment: None };
        for attribute in attributes {
            match attribute {
                SetElementAttribute::Key(DataAttribute::Value(key)) => read.key = key,
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
