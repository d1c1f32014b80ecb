//! What `nf_tables` answers: chains, sets, and addresses in sets.

use std::fmt;
use std::net::IpAddr;

use netlink_packet_core::{NLA_HEADER_SIZE, NlaBuffer};
use netlink_packet_netfilter::NetfilterProtoFamily;
use netlink_packet_netfilter::nftables::{ChainAttribute, Hook, SetAttribute, SetDescription, SetFlags};

use super::expression::COUNTER;
use super::message::{BaseChain, NF_ACCEPT, family_name};
use super::set::{Holds, SetType};
use super::wire::{self, Message};

/// `NFTA_SET_ELEM_LIST_ELEMENTS`, and `NFTA_LIST_ELEM` in it and in every other list.
const ELEMENTS: u16 = 3;
const ELEMENT: u16 = 1;

/// `NFTA_SET_ELEM_*`.
const KEY: u16 = 1;
const EXPRESSION: u16 = 7;
const EXPRESSIONS: u16 = 11;

/// `NFTA_DATA_VALUE`.
const VALUE: u16 = 1;

/// `NFTA_EXPR_NAME` and `NFTA_EXPR_DATA`.
const NAME: u16 = 1;
const DATA: u16 = 2;

/// `NFTA_COUNTER_PACKETS`.
const PACKETS: u16 = 2;

/// A chain of the kernel's.
#[derive(Debug, Clone)]
pub(super) struct SeenChain {
    /// Its table's family.
    pub(super) family: NetfilterProtoFamily,
    /// Its table.
    pub(super) table: String,
    /// Its name.
    pub(super) name: String,
    /// Where packets come into it, if it is a base chain.
    base: Vec<Hook>,
    /// `filter`, `nat`, …, of a base chain.
    pub(super) kind: String,
    /// What becomes of packets that no rule of a base chain decides on.
    policy: Option<u32>,
}

/// A set or map of the kernel's.
#[derive(Debug, Clone)]
pub(super) struct SeenSet {
    /// Its name.
    pub(super) name: String,
    flags: SetFlags,
    key: u32,
    length: u32,
    timeout: u64,
    size: Option<u32>,
}

/// An address in a set.
#[derive(Debug, Clone, Copy)]
pub(super) struct Member {
    /// The address.
    pub(super) address: IpAddr,
    /// Packets that its counter counted.
    pub(super) packets: u64,
}

impl SeenChain {
    /// Reads a chain that the kernel sent.
    pub(super) fn parse(message: &Message) -> Self {
        let mut read = Self {
            family: message.family(),
            table: String::new(),
            name: String::new(),
            base: Vec::new(),
            kind: String::new(),
            policy: None,
        };
        for attribute in message.attributes() {
            match wire::parsed(&attribute) {
                Some(ChainAttribute::Table(table)) => read.table = table,
                Some(ChainAttribute::Name(name)) => read.name = name,
                Some(ChainAttribute::Hook(hook)) => read.base = hook,
                Some(ChainAttribute::Type(kind)) => read.kind = kind,
                Some(ChainAttribute::Policy(policy)) => read.policy = Some(policy),
                _ => {}
            }
        }
        read
    }

    /// A chain of the same table, of which only the name is known.
    pub(super) fn sibling(&self, name: String) -> Self {
        Self { name, ..self.clone() }
    }

    /// Do packets come into it here?
    pub(super) fn is_at(&self, hook: &Hook) -> bool {
        self.base.contains(hook)
    }

    /// Do packets come into it where they come into the other?
    pub(super) fn is_hooked_as(&self, wanted: Option<&BaseChain>) -> bool {
        match wanted {
            Some(wanted) => self.kind == wanted.kind && wanted.hook.iter().all(|hook| self.is_at(hook)),
            None => self.base.is_empty(),
        }
    }

    /// Does it let packets through that no rule decides on?
    pub(super) fn lets_through(&self) -> bool {
        self.policy.is_none_or(|policy| policy == NF_ACCEPT)
    }
}

/// As `nft` names it: `inet firewalld filter_FORWARD`.
impl fmt::Display for SeenChain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", family_name(self.family), self.table, self.name)
    }
}

impl SeenSet {
    /// Reads a set that the kernel sent.
    pub(super) fn parse(message: &Message) -> Self {
        let mut read =
            Self { name: String::new(), flags: SetFlags::empty(), key: 0, length: 0, timeout: 0, size: None };
        for attribute in message.attributes() {
            match wire::parsed(&attribute) {
                Some(SetAttribute::Name(name)) => read.name = name,
                Some(SetAttribute::Flags(flags)) => read.flags = flags,
                Some(SetAttribute::KeyType(key)) => read.key = key,
                Some(SetAttribute::KeyLen(length)) => read.length = length,
                Some(SetAttribute::Timeout(timeout)) => read.timeout = timeout,
                Some(SetAttribute::Description(description)) => {
                    read.size = description.iter().find_map(|attribute| match attribute {
                        SetDescription::Size(size) => Some(*size),
                        _ => None,
                    });
                }
                _ => {}
            }
        }
        read
    }

    /// Does it come and go with a rule (`ip saddr { … }`)?
    pub(super) fn is_of_a_rule(&self) -> bool {
        self.flags.contains(SetFlags::Anonymous)
    }

    /// Is it of this kind?
    pub(super) fn is(&self, wanted: &SetType) -> bool {
        let bounded = match wanted.holds {
            Holds::Seen(bounds) => self.timeout == bounds.timeout && self.size == Some(bounds.size),
            Holds::Keys | Holds::Verdicts(_) | Holds::Values(_) => true,
        };
        bounded
            && self.flags == wanted.holds.flags()
            && (self.key, self.length) == (wanted.key, wanted.length)
    }
}

impl Member {
    /// Reads the elements that the kernel sent in one message; what is no address is left out.
    pub(super) fn parse(message: &Message) -> Vec<Self> {
        let lists = message.attributes().filter(|attribute| attribute.kind() == ELEMENTS).map(value);
        lists.flat_map(|list| all(list, ELEMENT)).filter_map(Self::read).collect()
    }

    fn read(element: &[u8]) -> Option<Self> {
        let key = first(first(element, KEY)?, VALUE)?;
        let address = match key.len() {
            4 => IpAddr::from(<[u8; 4]>::try_from(key).ok()?),
            _ => IpAddr::from(<[u8; 16]>::try_from(key).ok()?),
        };
        Some(Self { address, packets: counted(element).unwrap_or(0) })
    }
}

/// What the counter of an element says.
fn counted(element: &[u8]) -> Option<u64> {
    let several = all(element, EXPRESSIONS).flat_map(|list| all(list, ELEMENT));
    let counter = all(element, EXPRESSION).chain(several).find(|expression| {
        first(expression, NAME).is_some_and(|name| name.strip_suffix(&[0]) == Some(COUNTER.as_bytes()))
    })?;
    first(first(counter, DATA)?, PACKETS)?.try_into().ok().map(u64::from_be_bytes)
}

/// The values of all attributes of a kind.
fn all(attributes: &[u8], kind: u16) -> impl Iterator<Item = &[u8]> {
    wire::attributes(attributes).filter(move |attribute| attribute.kind() == kind).map(value)
}

fn first(attributes: &[u8], kind: u16) -> Option<&[u8]> {
    all(attributes, kind).next()
}

/// An attribute's value, for as long as the message lives.
fn value(attribute: NlaBuffer<&[u8]>) -> &[u8] {
    let length = attribute.value_length();
    let value = attribute.into_inner().get(NLA_HEADER_SIZE..).unwrap_or_default();
    value.get(..length).unwrap_or_default()
}
