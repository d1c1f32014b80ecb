//! Messages about sets and maps, and about what is in them.

use netlink_packet_core::{DefaultNla, NLM_F_CREATE};
use netlink_packet_netfilter::NetfilterMessage;
use netlink_packet_netfilter::nftables::{
    DataAttribute, ListAttribute, NfTablesMessage, SetAttribute, SetDescription, SetElementAttribute,
    SetElementList, SetElementMessage, SetFlags, SetMessage,
};

use super::expression;
use super::message::{Change, Table, user_data};

/// A message's list of elements has a 16-bit length, which leaves room for this many.
pub(super) const ELEMENTS: usize = 500;

/// The same for elements with comments.
const COMMENTED: usize = 200;

/// `NFTA_SET_FIELD_LEN`, `NFTA_LIST_ELEM` and `NFTA_DATA_VALUE`.
const FIELD_LENGTH: u16 = 1;
const FIELD: u16 = 1 | NESTED;
const VALUE: u16 = 1;

/// `NLA_F_NESTED`.
const NESTED: u16 = 1 << 15;

/// `NFTNL_UDATA_SET_KEYBYTEORDER`.
const KEY_BYTE_ORDER: u8 = 0;

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
    /// What its elements are beside keys.
    pub(super) holds: Holds,
}

/// What the elements of a set are beside keys.
#[derive(Clone, Copy)]
pub(super) enum Holds {
    /// Nothing: a set that we fill.
    Keys,
    /// A verdict, by nft's number for its type: a map.
    Verdicts(u32),
    /// Bytes: a map.
    Values(Values),
    /// Nothing, but rules add them as packets come.
    Seen(Bounds),
}

/// What a map leads to.
#[derive(Clone, Copy)]
pub(super) struct Values {
    /// nft's number for the type of the value.
    pub(super) kind: u32,
    /// The value's length in bytes.
    pub(super) length: u32,
    /// Where a key may stand for a range of keys, the lengths of its parts in bytes; else nothing.
    pub(super) parts: &'static [u32],
}

/// How large a set may grow by what comes.
#[derive(Clone, Copy)]
pub(super) struct Bounds {
    /// Elements at most.
    pub(super) size: u32,
    /// Milliseconds for which an element stays after its last packet.
    pub(super) timeout: u64,
}

/// An element to be added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NewEntry {
    /// What it is, for errors.
    pub(super) name: String,
    /// Its key.
    pub(super) key: Key,
    /// Where a map's element leads to.
    pub(super) leads: Leads,
    /// Its comment.
    pub(super) comment: String,
}

/// The key of an element.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Key {
    /// The key, or the lowest of its range.
    pub(super) first: Vec<u8>,
    /// The highest, in a map of ranges.
    pub(super) last: Option<Vec<u8>>,
}

/// Where an element leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Leads {
    /// It is a set's.
    Nowhere,
    /// To a chain, by a verdict.
    Chain(String),
    /// To these bytes.
    Value(Vec<u8>),
}

impl From<Vec<u8>> for Key {
    fn from(first: Vec<u8>) -> Self {
        Self { first, last: None }
    }
}

impl Holds {
    /// `NFT_SET_*`.
    pub(super) fn flags(self) -> SetFlags {
        match self {
            Self::Keys => SetFlags::empty(),
            Self::Verdicts(_) | Self::Values(Values { parts: [], .. }) => SetFlags::Map,
            Self::Values(_) => SetFlags::Map | SetFlags::Interval | SetFlags::Concat,
            Self::Seen(_) => SetFlags::Eval | SetFlags::Timeout,
        }
    }
}

impl Table {
    /// Asks, as a dump, for the table's sets and maps.
    pub(super) fn get_sets(self) -> NetfilterMessage {
        let attributes = vec![SetAttribute::Table(self.name.to_owned())];
        self.message(NfTablesMessage::GetSet(SetMessage { attributes }))
    }

    /// Asks for one element.
    pub(super) fn get_element(self, set: &str, key: &[u8]) -> NetfilterMessage {
        self.message(NfTablesMessage::GetSetElement(self.elements(set, vec![element_key(key)])))
    }

    /// Asks, as a dump, for all elements of a set.
    pub(super) fn get_elements(self, set: &str) -> NetfilterMessage {
        self.message(NfTablesMessage::GetSetElement(SetElementMessage { attributes: self.set_named(set) }))
    }

    /// `add set` or `add map`
    pub(super) fn create_set(self, set: &str, kind: &SetType) -> Change {
        let mut attributes = vec![
            SetAttribute::Table(self.name.to_owned()),
            SetAttribute::Name(set.to_owned()),
            SetAttribute::Flags(kind.holds.flags()),
            SetAttribute::KeyType(kind.key),
            SetAttribute::KeyLen(kind.length),
            // The kernel wants a number, but looks for it only where a rule names no set.
            SetAttribute::Id(kind.key),
            SetAttribute::UserData([&[KEY_BYTE_ORDER, 4], &(kind.order as u32).to_ne_bytes()[..]].concat()),
        ];
        match kind.holds {
            Holds::Keys => {}
            Holds::Verdicts(data) => {
                attributes.extend([SetAttribute::DataType(data), SetAttribute::DataLen(0)]);
            }
            Holds::Values(values) => {
                attributes
                    .extend([SetAttribute::DataType(values.kind), SetAttribute::DataLen(values.length)]);
                attributes.extend(parts(values.parts));
            }
            Holds::Seen(bounds) => attributes.extend([
                SetAttribute::Timeout(bounds.timeout),
                SetAttribute::Description(vec![SetDescription::Size(bounds.size)]),
            ]),
        }
        let message = NfTablesMessage::NewSet(SetMessage { attributes });
        self.change(format!("add set {self} {set}"), message, NLM_F_CREATE)
    }

    /// `delete set`
    pub(super) fn delete_set(self, set: &str) -> Change {
        let attributes = vec![SetAttribute::Table(self.name.to_owned()), SetAttribute::Name(set.to_owned())];
        let message = NfTablesMessage::DeleteSet(SetMessage { attributes });
        self.change(format!("delete set {self} {set}"), message, 0)
    }

    /// `add element`
    pub(super) fn add_element(self, set: &str, entry: NewEntry) -> Change {
        let what = format!("add element {} to {self} {set}", entry.name);
        let message = NfTablesMessage::NewSetElement(self.elements(set, vec![entry.into()]));
        self.change(what, message, NLM_F_CREATE)
    }

    /// `add element`, of any number, each with a comment
    pub(super) fn add_entries(self, set: &str, entries: Vec<NewEntry>) -> Vec<Change> {
        let mut entries = entries.into_iter().peekable();
        let mut changes = Vec::new();
        while let Some(first) = entries.peek() {
            let what = format!("add element {} and others to {self} {set}", first.name);
            let some = entries.by_ref().take(COMMENTED).map(ListAttribute::from).collect();
            let message = NfTablesMessage::NewSetElement(self.elements(set, some));
            changes.push(self.change(what, message, NLM_F_CREATE));
        }
        changes
    }

    /// `add element`, of any number of keys
    pub(super) fn add_elements(self, set: &str, keys: &[Vec<u8>]) -> Vec<Change> {
        let what = format!("add elements to {self} {set}");
        let some = |keys: &[Vec<u8>]| {
            let message = NfTablesMessage::NewSetElement(self.keys(set, keys));
            self.change(what.clone(), message, NLM_F_CREATE)
        };
        keys.chunks(ELEMENTS).map(some).collect()
    }

    /// `delete element`, of any number of keys
    pub(super) fn delete_elements(self, set: &str, keys: &[Vec<u8>]) -> Vec<Change> {
        let what = format!("delete elements of {self} {set}");
        let some = |keys: &[Vec<u8>]| {
            let message = NfTablesMessage::DeleteSetElement(self.keys(set, keys));
            self.change(what.clone(), message, 0)
        };
        keys.chunks(ELEMENTS).map(some).collect()
    }

    /// `delete element`, of any number of keys that may be ranges
    pub(super) fn delete_ranges(self, set: &str, keys: &[Key]) -> Vec<Change> {
        let what = format!("delete elements of {self} {set}");
        let some = |keys: &[Key]| {
            let keys = keys.iter().map(|key| ListAttribute::Element(key.clone().attributes())).collect();
            let message = NfTablesMessage::DeleteSetElement(self.elements(set, keys));
            self.change(what.clone(), message, 0)
        };
        keys.chunks(ELEMENTS).map(some).collect()
    }

    fn keys(self, set: &str, keys: &[Vec<u8>]) -> SetElementMessage {
        self.elements(set, keys.iter().map(|key| element_key(key)).collect())
    }

    fn set_named(self, set: &str) -> Vec<SetElementList> {
        vec![SetElementList::Table(self.name.to_owned()), SetElementList::Set(set.to_owned())]
    }

    fn elements(self, set: &str, elements: Vec<ListAttribute<SetElementAttribute>>) -> SetElementMessage {
        let mut attributes = self.set_named(set);
        attributes.push(SetElementList::Elements(elements));
        SetElementMessage { attributes }
    }
}

impl Key {
    fn attributes(self) -> Vec<SetElementAttribute> {
        let mut attributes = vec![SetElementAttribute::Key(DataAttribute::Value(self.first))];
        attributes
            .extend(self.last.map(|last| SetElementAttribute::KeyEnd(vec![DefaultNla::new(VALUE, last)])));
        attributes
    }
}

impl From<NewEntry> for ListAttribute<SetElementAttribute> {
    fn from(entry: NewEntry) -> Self {
        let mut element = entry.key.attributes();
        element.extend(
            match entry.leads {
                Leads::Nowhere => None,
                Leads::Chain(chain) => Some(DataAttribute::Verdict(expression::jump(&chain))),
                Leads::Value(value) => Some(DataAttribute::Value(value)),
            }
            .map(SetElementAttribute::Data),
        );
        element.push(SetElementAttribute::UserData(user_data(&entry.comment)));
        Self::Element(element)
    }
}

/// What the kernel must know of a key that stands for a range of keys in each of its parts.
fn parts(lengths: &[u32]) -> Option<SetAttribute> {
    let part = |length: &u32| {
        let bytes = [&8_u16.to_ne_bytes()[..], &FIELD_LENGTH.to_ne_bytes(), &length.to_be_bytes()].concat();
        DefaultNla::new(FIELD, bytes)
    };
    let parts: Vec<DefaultNla> = lengths.iter().map(part).collect();
    (!parts.is_empty()).then(|| SetAttribute::Description(vec![SetDescription::Concat(parts)]))
}

fn element_key(key: &[u8]) -> ListAttribute<SetElementAttribute> {
    ListAttribute::Element(vec![SetElementAttribute::Key(DataAttribute::Value(key.to_vec()))])
}
