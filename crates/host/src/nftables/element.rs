//! What scales with the containers: elements of constant maps and sets.

use std::fmt;
use std::net::IpAddr;

use netstate::{LinkName, Mac};

use super::address;
use super::answer::Entry;
use super::error::Error;
use super::message::{Change, Table};
use super::owner::Owner;
use super::session::Session;
use super::structure::{self, BRIDGE, INET};

/// One element of our tables.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Element {
    /// Traffic of this address is masqueraded.
    Masquerade(IpAddr),
    /// Frames that come in by this link need a permit.
    Guarded(LinkName),
    /// The permit.
    Permitted(LinkName, Mac),
}

/// An element and whose it is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Owned {
    /// Whose it is.
    pub owner: Owner,
    /// What it is.
    pub element: Element,
}

/// The sets and maps that hold elements.
pub(super) const SETS: [(Table, &str); 4] = [
    (INET, address::ROWS[0].map),
    (INET, address::ROWS[1].map),
    (BRIDGE, structure::GUARDED),
    (BRIDGE, structure::PERMITTED),
];

/// `IFNAMSIZ`: an `ifname` key is filled up with zeros.
const NAME: usize = 16;

impl Element {
    /// The table and the set, or map, that hold it.
    pub(super) fn set(&self) -> (Table, &'static str) {
        match self {
            Self::Masquerade(source) => (INET, address::row(*source).map),
            Self::Guarded(_) => (BRIDGE, structure::GUARDED),
            Self::Permitted(..) => (BRIDGE, structure::PERMITTED),
        }
    }

    /// The key: big-endian addresses, each part filled up to a multiple of 4 bytes.
    pub(super) fn key(&self) -> Vec<u8> {
        match self {
            Self::Masquerade(source) => address::bytes(*source),
            Self::Guarded(link) => name(link),
            Self::Permitted(link, mac) => [name(link).as_slice(), &mac.0, &[0, 0]].concat(),
        }
    }

    /// Reads a key of the set back.
    pub(super) fn parse(set: &str, key: &[u8]) -> Option<Self> {
        let link = || {
            let name = key.get(..NAME)?.split(|byte| *byte == 0).next()?;
            LinkName::new(std::str::from_utf8(name).ok()?).ok()
        };
        match set {
            structure::GUARDED => Some(Self::Guarded(link()?)),
            structure::PERMITTED => {
                Some(Self::Permitted(link()?, Mac(key.get(NAME..NAME + 6)?.try_into().ok()?)))
            }
            _ => match key.len() {
                4 => Some(Self::Masquerade(<[u8; 4]>::try_from(key).ok()?.into())),
                16 => Some(Self::Masquerade(<[u8; 16]>::try_from(key).ok()?.into())),
                _ => None,
            },
        }
    }
}

impl Owned {
    /// An entry of one of our sets, if its comment is ours.
    pub(super) fn parse(set: &str, entry: &Entry) -> Option<Self> {
        let (owner, _) = Owner::parse(entry.comment.as_deref()?)?;
        Some(Self { owner, element: Element::parse(set, &entry.key)? })
    }
}

/// Those of the elements that are there, whoever owns them.
///
/// # Errors
/// What looking meets.
pub(super) fn present(session: &mut Session, elements: Vec<Element>) -> Result<Vec<Element>, Error> {
    let found = session.find(&elements)?;
    Ok(elements.into_iter().zip(found).filter_map(|(element, found)| found.map(|_| element)).collect())
}

/// Those of the elements that are there and belong to whom they are said to belong. A guarded link brings its
/// permit along.
///
/// # Errors
/// What looking meets.
pub(super) fn still_owned(session: &mut Session, wanted: &[Owned]) -> Result<Vec<Element>, Error> {
    let (mut elements, mut permits) = (Vec::new(), Vec::new());
    for (owned, found) in wanted.iter().zip(session.find(wanted.iter().map(|owned| &owned.element))?) {
        let Some((owner, mac)) = found.and_then(|found| Owner::parse(found.comment.as_deref()?)) else {
            continue;
        };
        if owner.key() != owned.owner.key() {
            continue;
        }
        if let (Element::Guarded(link), Some(mac)) = (&owned.element, mac) {
            permits.push(Owned { owner, element: Element::Permitted(link.clone(), mac) });
        }
        elements.push(owned.element.clone());
    }
    if !permits.is_empty() {
        elements.extend(still_owned(session, &permits)?);
    }
    elements.sort();
    elements.dedup();
    Ok(elements)
}

/// Deletes elements that are there.
pub(super) fn deletions(elements: &[Element]) -> Vec<Change> {
    let mut changes = Vec::new();
    for (table, set) in SETS {
        let keys: Vec<Vec<u8>> =
            elements.iter().filter(|element| element.set() == (table, set)).map(Element::key).collect();
        changes.extend(table.delete_elements(set, &keys));
    }
    changes
}

/// An `ifname` key.
pub(super) fn name(link: &LinkName) -> Vec<u8> {
    let mut bytes = link.as_str().as_bytes().to_vec();
    bytes.resize(NAME, 0);
    bytes
}

impl fmt::Display for Element {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Masquerade(source) => source.fmt(f),
            Self::Guarded(link) => link.fmt(f),
            Self::Permitted(link, mac) => write!(f, "{link} . {mac}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_back_as_it_was_written() {
        let link = LinkName::new("veth12345678901").unwrap();
        for element in [
            Element::Masquerade("10.1.0.2".parse().unwrap()),
            Element::Masquerade("fd00:1::2".parse().unwrap()),
            Element::Guarded(link.clone()),
            Element::Permitted(link, Mac::local([1, 2, 3, 4, 5])),
        ] {
            let (_, set) = element.set();
            assert_eq!(Element::parse(set, &element.key()), Some(element));
        }
    }
}
