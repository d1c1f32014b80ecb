//! `nf_tables` messages (`linux/netfilter/nf_tables.h`): what is asked for, what is changed, and what comes back.

use std::fmt;

use netlink_packet_core::{NLM_F_APPEND, NLM_F_CREATE};
use netlink_packet_netfilter::nftables::{
    ChainAttribute, ChainMessage, DataAttribute, GenMessage, Hook, ListAttribute, NfTablesMessage,
    RuleAttribute, RuleMessage, SetAttribute, SetElementAttribute, SetElementList, SetElementMessage,
    SetFlags, SetMessage, TableAttribute, TableMessage,
};
use netlink_packet_netfilter::{NetfilterHeader, NetfilterMessage, NetfilterProtoFamily};

use super::expression::{self, Expression};

/// `NFT_NAME_MAXLEN` and the rest of a batch leave room for this many deletions in one message, whose list of
/// elements has a 16-bit length.
pub(super) const ELEMENTS: usize = 500;

/// `NFTNL_UDATA_*_COMMENT`: the same number for tables, rules and elements.
pub(super) const COMMENT: u8 = 0;

/// `NFTNL_UDATA_SET_KEYBYTEORDER`.
const KEY_BYTE_ORDER: u8 = 0;

/// A table, ours or another's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Table {
    /// Its family.
    pub(super) family: NetfilterProtoFamily,
    /// Its name.
    pub(super) name: &'static str,
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let family = match self.family {
            NetfilterProtoFamily::Inet => "inet",
            NetfilterProtoFamily::IPv6 => "ip6",
            NetfilterProtoFamily::Bridge => "bridge",
            _ => "ip",
        };
        write!(f, "{family} {}", self.name)
    }
}

/// One message of a batch.
#[derive(Debug, Clone)]
pub(super) struct Change {
    /// What it does, for errors.
    pub(super) what: String,
    /// The message.
    pub(super) message: NetfilterMessage,
    /// `NLM_F_*`.
    pub(super) flags: u16,
}

/// The kernel doesn't care, but `nft` lists a name in the wrong order as nothing.
#[derive(Clone, Copy)]
pub(super) enum ByteOrder {
    /// Each part of a concatenation has its own.
    Mixed = 0,
    /// Link names.
    Host = 1,
    /// Addresses.
    Network = 2,
}

/// What a set or map holds.
pub(super) struct SetType {
    /// nft's number for the type of the key.
    pub(super) key: u32,
    /// The key's length in bytes.
    pub(super) length: u32,
    /// How `nft` reads the key.
    pub(super) order: ByteOrder,
    /// nft's number for the type of what a map's key leads to.
    pub(super) data: Option<u32>,
}

/// Where packets come into a base chain.
pub(super) struct BaseChain {
    /// `filter` or `nat`.
    pub(super) kind: &'static str,
    /// Hook and priority.
    pub(super) hook: Vec<Hook>,
}

/// An element to be added.
pub(super) struct NewEntry<'a> {
    /// What it is, for errors.
    pub(super) name: &'a dyn fmt::Display,
    /// Its key.
    pub(super) key: Vec<u8>,
    /// The chain that a verdict map's element leads to.
    pub(super) chain: Option<&'a str>,
    /// Its comment.
    pub(super) comment: String,
}

/// `nft list ruleset`'s generation.
pub(super) fn get_generation() -> NetfilterMessage {
    message(NetfilterProtoFamily::Unspec, NfTablesMessage::GetGen(GenMessage { attributes: Vec::new() }))
}

impl Table {
    /// Asks for the table.
    pub(super) fn get(self) -> NetfilterMessage {
        self.message(NfTablesMessage::GetTable(self.naming()))
    }

    /// Asks for a chain.
    pub(super) fn get_chain(self, chain: &str) -> NetfilterMessage {
        self.message(NfTablesMessage::GetChain(self.chain(chain)))
    }

    /// Asks, as a dump, for the rules of all chains or of one.
    pub(super) fn get_rules(self, chain: Option<&str>) -> NetfilterMessage {
        self.message(NfTablesMessage::GetRule(self.rule(chain, Vec::new())))
    }

    /// Asks for one element.
    pub(super) fn get_element(self, set: &str, key: &[u8]) -> NetfilterMessage {
        self.message(NfTablesMessage::GetSetElement(self.elements(set, vec![element_key(key)])))
    }

    /// Asks, as a dump, for all elements of a set.
    pub(super) fn get_elements(self, set: &str) -> NetfilterMessage {
        self.message(NfTablesMessage::GetSetElement(SetElementMessage { attributes: self.set_named(set) }))
    }

    /// `add table`
    pub(super) fn create(self, comment: &str) -> Change {
        let mut table = self.naming();
        table.attributes.push(TableAttribute::UserData(user_data(comment)));
        self.change(format!("add table {self}"), NfTablesMessage::NewTable(table), NLM_F_CREATE)
    }

    /// `delete table`
    pub(super) fn delete(self) -> Change {
        self.change(format!("delete table {self}"), NfTablesMessage::DeleteTable(self.naming()), 0)
    }

    /// `add set` or `add map`
    pub(super) fn create_set(self, set: &str, kind: &SetType) -> Change {
        let mut attributes = vec![
            SetAttribute::Table(self.name.to_owned()),
            SetAttribute::Name(set.to_owned()),
            SetAttribute::Flags(if kind.data.is_some() { SetFlags::Map } else { SetFlags::empty() }),
            SetAttribute::KeyType(kind.key),
            SetAttribute::KeyLen(kind.length),
            // Any number that no other set of the batch has.
            SetAttribute::Id(kind.key),
            SetAttribute::UserData([&[KEY_BYTE_ORDER, 4], &(kind.order as u32).to_ne_bytes()[..]].concat()),
        ];
        if let Some(data) = kind.data {
            attributes.extend([SetAttribute::DataType(data), SetAttribute::DataLen(0)]);
        }
        let message = NfTablesMessage::NewSet(SetMessage { attributes });
        self.change(format!("add set {self} {set}"), message, NLM_F_CREATE)
    }

    /// `add chain`
    pub(super) fn create_chain(self, chain: &str, base: Option<&BaseChain>) -> Change {
        let mut message = self.chain(chain);
        if let Some(base) = base {
            message.attributes.extend([
                ChainAttribute::Type(base.kind.to_owned()),
                ChainAttribute::Hook(base.hook.clone()),
            ]);
        }
        self.change(format!("add chain {self} {chain}"), NfTablesMessage::NewChain(message), NLM_F_CREATE)
    }

    /// `delete chain`
    pub(super) fn delete_chain(self, chain: &str) -> Change {
        self.change(
            format!("delete chain {self} {chain}"),
            NfTablesMessage::DeleteChain(self.chain(chain)),
            0,
        )
    }

    /// `flush chain`
    pub(super) fn flush_chain(self, chain: &str) -> Change {
        let message = NfTablesMessage::DeleteRule(self.rule(Some(chain), Vec::new()));
        self.change(format!("flush chain {self} {chain}"), message, 0)
    }

    /// `add rule`
    pub(super) fn append_rule(self, chain: &str, rule: &[Expression]) -> Change {
        let rule = self.rule(Some(chain), vec![RuleAttribute::Expressions(rule.to_vec())]);
        let what = format!("add rule {self} {chain}");
        self.change(what, NfTablesMessage::NewRule(rule), NLM_F_CREATE | NLM_F_APPEND)
    }

    /// `delete rule … handle`
    pub(super) fn delete_rule(self, chain: &str, handle: u64) -> Change {
        let rule = self.rule(Some(chain), vec![RuleAttribute::Handle(handle)]);
        let what = format!("delete rule {self} {chain} handle {handle}");
        self.change(what, NfTablesMessage::DeleteRule(rule), 0)
    }

    /// `add element`
    pub(super) fn add_element(self, set: &str, entry: NewEntry<'_>) -> Change {
        let mut element = vec![SetElementAttribute::Key(DataAttribute::Value(entry.key))];
        if let Some(chain) = entry.chain {
            element.push(SetElementAttribute::Data(DataAttribute::Verdict(expression::jump(chain))));
        }
        element.push(SetElementAttribute::UserData(user_data(&entry.comment)));
        let message =
            NfTablesMessage::NewSetElement(self.elements(set, vec![ListAttribute::Element(element)]));
        self.change(format!("add element {} to {self} {set}", entry.name), message, NLM_F_CREATE)
    }

    /// `delete element`, of up to [`ELEMENTS`] at once
    pub(super) fn delete_elements(self, set: &str, keys: &[Vec<u8>]) -> Change {
        let elements = keys.iter().map(|key| element_key(key)).collect();
        let message = NfTablesMessage::DeleteSetElement(self.elements(set, elements));
        self.change(format!("delete elements of {self} {set}"), message, 0)
    }

    fn naming(self) -> TableMessage {
        TableMessage { attributes: vec![TableAttribute::Name(self.name.to_owned())] }
    }

    fn chain(self, chain: &str) -> ChainMessage {
        let attributes =
            vec![ChainAttribute::Table(self.name.to_owned()), ChainAttribute::Name(chain.to_owned())];
        ChainMessage { attributes }
    }

    fn rule(self, chain: Option<&str>, more: Vec<RuleAttribute>) -> RuleMessage {
        let mut attributes = vec![RuleAttribute::Table(self.name.to_owned())];
        attributes.extend(chain.map(|chain| RuleAttribute::Chain(chain.to_owned())));
        attributes.extend(more);
        RuleMessage { attributes }
    }

    fn set_named(self, set: &str) -> Vec<SetElementList> {
        vec![SetElementList::Table(self.name.to_owned()), SetElementList::Set(set.to_owned())]
    }

    fn elements(self, set: &str, elements: Vec<ListAttribute<SetElementAttribute>>) -> SetElementMessage {
        let mut attributes = self.set_named(set);
        attributes.push(SetElementList::Elements(elements));
        SetElementMessage { attributes }
    }

    fn message(self, inner: NfTablesMessage) -> NetfilterMessage {
        message(self.family, inner)
    }

    fn change(self, what: String, inner: NfTablesMessage, flags: u16) -> Change {
        Change { what, message: self.message(inner), flags }
    }
}

fn message(family: NetfilterProtoFamily, inner: NfTablesMessage) -> NetfilterMessage {
    NetfilterMessage::new(NetfilterHeader::new(family, 0, 0), inner)
}

fn element_key(key: &[u8]) -> ListAttribute<SetElementAttribute> {
    ListAttribute::Element(vec![SetElementAttribute::Key(DataAttribute::Value(key.to_vec()))])
}

/// libnftnl's user data: a kind, a length, and the comment with a closing zero. Comments have 128 bytes at most.
fn user_data(comment: &str) -> Vec<u8> {
    let length = u8::try_from(comment.len() + 1).unwrap_or(u8::MAX);
    [&[COMMENT, length], comment.as_bytes(), &[0]].concat()
}
