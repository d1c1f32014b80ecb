//! Rules to ask for.

use netstate::{Attachment, LinkName, MacGuard, Masquerade};

/// An attachment of the network `net` by `eth0`.
pub(crate) fn owner(container: &str) -> Attachment {
    Attachment { network: "net".into(), container: container.into(), ifname: "eth0".into() }
}

/// A masquerade rule of the container's.
pub(crate) fn masquerade(source: &str, subnet: &str, container: &str) -> Masquerade {
    Masquerade {
        source: source.parse().expect("an address"),
        subnet: subnet.parse().expect("a network"),
        owner: owner(container),
    }
}

/// A link's name.
pub(crate) fn link(name: &str) -> LinkName {
    LinkName::new(name).expect("a link's name")
}

/// A guard of the container's.
pub(crate) fn guard(name: &str, mac: &str, container: &str) -> MacGuard {
    MacGuard { link: link(name), mac: mac.parse().expect("a MAC"), owner: owner(container) }
}
