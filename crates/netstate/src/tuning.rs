//! What `tuning` changes in a container: kernel settings, and properties of a link.

use std::fmt;
use std::str::FromStr;

use crate::{LinkName, Mac};

/// A kernel setting of the container's network namespace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// The path below `/proc/sys`, with slashes.
    pub path: String,
    /// The value that is written.
    pub value: String,
    /// The value that was there, and comes back; absent where the kernel has no such setting.
    pub before: Option<String>,
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sysctl {} = {}", self.path, self.value)
    }
}

/// A property of a link, and its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Property {
    /// Its MAC.
    Mac(Mac),
    /// Its MTU in bytes.
    Mtu(u32),
    /// It takes in every frame (`IFF_PROMISC`).
    Promiscuous(bool),
    /// It takes in every multicast frame (`IFF_ALLMULTI`).
    AllMulticast(bool),
    /// The length of its transmit queue, in packets.
    QueueLength(u32),
}

impl fmt::Display for Property {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let switch = |on: bool| if on { "on" } else { "off" };
        match self {
            Self::Mac(mac) => write!(f, "address {mac}"),
            Self::Mtu(mtu) => write!(f, "mtu {mtu}"),
            Self::Promiscuous(on) => write!(f, "promisc {}", switch(*on)),
            Self::AllMulticast(on) => write!(f, "allmulticast {}", switch(*on)),
            Self::QueueLength(length) => write!(f, "txqueuelen {length}"),
        }
    }
}

/// The text is no property as it is written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no property of a link")]
pub struct PropertyError(pub String);

impl FromStr for Property {
    type Err = PropertyError;

    fn from_str(text: &str) -> Result<Self, PropertyError> {
        let invalid = || PropertyError(text.to_owned());
        let (word, value) = text.split_once(' ').ok_or_else(invalid)?;
        let switch = match value {
            "on" => Some(true),
            "off" => Some(false),
            _ => None,
        };
        let number = value.parse().ok();
        let property = match word {
            "address" => value.parse().ok().map(Self::Mac),
            "mtu" => number.map(Self::Mtu),
            "promisc" => switch.map(Self::Promiscuous),
            "allmulticast" => switch.map(Self::AllMulticast),
            "txqueuelen" => number.map(Self::QueueLength),
            _ => None,
        };
        property.ok_or_else(invalid)
    }
}

/// A property that a link of the container gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tuned {
    /// The link.
    pub link: LinkName,
    /// The property and the value that it gets.
    pub wanted: Property,
    /// The same property as it was, and comes back.
    pub before: Property,
}

impl fmt::Display for Tuned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "link {} {}", self.link, self.wanted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_property_is_read_as_it_is_written() {
        for property in [
            Property::Mac(Mac::local([1, 2, 3, 4, 5])),
            Property::Mtu(1400),
            Property::Promiscuous(true),
            Property::AllMulticast(false),
            Property::QueueLength(0),
        ] {
            assert_eq!(property.to_string().parse(), Ok(property));
        }
        for text in ["", "mtu", "mtu x", "promisc 1", "speed 10"] {
            assert_eq!(text.parse::<Property>(), Err(PropertyError(text.to_owned())));
        }
    }
}
