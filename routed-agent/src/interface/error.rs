//! Why no interface leads to the other nodes.

use std::fmt::Display;
use std::net::IpAddr;

use netstate::Family;

/// What was looked for and what there is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum UplinkError {
    /// None of those asked for by name, address or pattern.
    #[error(
        "no interface is {}; name one that is there by --iface, or none for that of the default route; there is {there}",
        list(asked, " or ")
    )]
    NoInterface {
        /// What was asked for.
        asked: Vec<String>,
        /// What there is.
        there: String,
    },
    /// The kernel has no way to the address of `--iface-can-reach`.
    #[error("no interface reaches {target}; there is {there}")]
    Unreachable {
        /// The address.
        target: IpAddr,
        /// What there is.
        there: String,
    },
    /// No interface has the public address, and nothing else says which interface is meant.
    #[error(
        "no interface has {}, and neither --iface nor --iface-can-reach says which one is meant; there is {there}",
        list(public, " or ")
    )]
    NotLocal {
        /// The public addresses.
        public: Vec<IpAddr>,
        /// What there is.
        there: String,
    },
    /// Nothing was asked for, and there is nothing to go by.
    #[error("no default route tells the interface towards the other nodes (see --iface); there is {there}")]
    NoDefaultRoute {
        /// What there is.
        there: String,
    },
    /// The interface is there, but has no address that other nodes could use.
    #[error("{} has no {} address; there is {there}", list(links, " or "), list(families, " or "))]
    NoAddress {
        /// The interfaces that would do.
        links: Vec<String>,
        /// The families in use.
        families: Vec<Family>,
        /// What there is.
        there: String,
    },
}

fn list<T: Display>(items: &[T], or: &str) -> String {
    items.iter().map(T::to_string).collect::<Vec<_>>().join(or)
}
