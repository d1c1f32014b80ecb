//! What was asked for, by flags and by the Node's own annotations.

use std::fmt;
use std::net::IpAddr;

use netstate::Family;
use regex_lite::Regex;

use crate::node::Annotations;

/// What was asked for about the interface towards the other nodes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Wish {
    /// Interfaces, the first that is there counts.
    pub(crate) interfaces: Vec<Selector>,
    /// An address, by whose way the interface is found.
    pub(crate) can_reach: Option<IpAddr>,
    /// The addresses that other nodes are told, one a family at most. Where nothing above is asked for, the
    /// interface is the one that has them.
    pub(crate) public: Vec<IpAddr>,
    /// What other nodes are told instead, one a family at most; no interface is found by it.
    pub(crate) overwrite: Vec<IpAddr>,
}

/// How an interface is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Selector {
    /// By name.
    Name(String),
    /// By an address that it has.
    Address(IpAddr),
    /// By a pattern for its addresses, or for its name.
    Pattern(Pattern),
}

impl Selector {
    /// An address where the text is one, else a name.
    pub(crate) fn named(text: &str) -> Self {
        text.parse().map_or_else(|_| Self::Name(text.to_owned()), Self::Address)
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Address(address) => address.fmt(f),
            Self::Pattern(Pattern(regex)) => write!(f, "/{regex}/"),
        }
    }
}

/// A regular expression. It matches anywhere in a text, as Go's does.
#[derive(Debug, Clone)]
pub(crate) struct Pattern(Regex);

impl Pattern {
    /// # Errors
    /// What is wrong with the expression.
    pub(crate) fn new(expression: &str) -> Result<Self, regex_lite::Error> {
        Regex::new(expression).map(Self)
    }

    /// It is found in a text.
    pub(super) fn matches(&self, text: &str) -> bool {
        self.0.is_match(text)
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_str() == other.0.as_str()
    }
}

impl Eq for Pattern {}

/// A Node's own annotation is no address of its family.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("annotation {name}: invalid value {value:?}: expected an {family} address")]
pub(crate) struct AnnotationError {
    /// Its name, without our prefix.
    pub(crate) name: &'static str,
    /// Its value.
    pub(crate) value: String,
    /// The family that it is about.
    pub(crate) family: Family,
}

/// What an annotation is about.
enum About {
    /// [`Wish::public`].
    Public,
    /// [`Wish::overwrite`].
    Overwrite,
}

/// The annotations by which a Node's administrator asks for addresses.
const ANNOTATIONS: &[(&str, About, Family)] = &[
    ("node-public-ip", About::Public, Family::V4),
    ("node-public-ipv6", About::Public, Family::V6),
    ("public-ip-overwrite", About::Overwrite, Family::V4),
    ("public-ipv6-overwrite", About::Overwrite, Family::V6),
];

impl Wish {
    /// The wish with what the Node's own annotations ask for; they go before flags. What is wrong among them has no
    /// effect and is told.
    pub(crate) fn with_annotations(&self, annotations: &Annotations) -> (Self, Vec<AnnotationError>) {
        let (mut wish, mut errors) = (self.clone(), Vec::new());
        for (name, about, family) in ANNOTATIONS {
            let Some(value) = annotations.get(name).filter(|value| !value.is_empty()) else { continue };
            match value.parse::<IpAddr>() {
                Ok(address) if Family::of(address) == *family => {
                    let list = match about {
                        About::Public => &mut wish.public,
                        About::Overwrite => &mut wish.overwrite,
                    };
                    list.retain(|other| Family::of(*other) != *family);
                    list.push(address);
                }
                _ => errors.push(AnnotationError { name, value: value.to_owned(), family: *family }),
            }
        }
        wish.public.sort();
        wish.overwrite.sort();
        (wish, errors)
    }
}
