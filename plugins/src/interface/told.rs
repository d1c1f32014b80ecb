//! Interfaces as a result tells of them.

use cni::Interface;
use netstate::{LinkName, Mac};

use crate::interface::flow::{Made, Wanted};

/// The container's: its MAC, where it has one, and its MTU.
pub(crate) fn inner(wanted: &Wanted, mac: Option<Mac>, made: &Made) -> Interface {
    Interface { sandbox: wanted.sandbox.clone(), mtu: made.mtu, ..on_host(&wanted.ends.container, mac) }
}

/// The host end of the container's pair.
pub(crate) fn outer(wanted: &Wanted, made: &Made) -> Interface {
    Interface { mtu: made.mtu, ..on_host(&wanted.ends.host, Some(wanted.ends.host_mac)) }
}

/// A link of the host.
pub(crate) fn on_host(name: &LinkName, mac: Option<Mac>) -> Interface {
    Interface {
        name: name.to_string(),
        mac: mac.map(|mac| mac.to_string()).unwrap_or_default(),
        ..Interface::default()
    }
}
