//! Plugins whose link is the container's alone: what they have in common.

use cni::{Interface, Request};
use netstate::{ContainerLink, Detection, LinkKind, Object, Plan};

use crate::interface::flow::{Made, Wanted};
use crate::interface::inside::{self, Inside, Reach};

/// The container's interface is the only one of a result.
pub(crate) const CONTAINER: usize = 0;

/// When IPAM knows the addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ipam {
    /// Before the link is there, or never.
    Before,
    /// When the link is up: it asks by the link.
    After,
}

impl Ipam {
    /// That of the configuration.
    pub(crate) fn of(request: &Request) -> Self {
        match request.config.ipam_kind() {
            Some(kind) if crate::ipam::Ipam::kind_asks_by_the_link(&kind) => Self::After,
            _ => Self::Before,
        }
    }
}

/// A link that machines beyond this node hear.
pub(crate) fn beyond(ipam: Ipam) -> Inside<'static> {
    let reach = match ipam {
        Ipam::Before => Reach::Beyond,
        Ipam::After => Reach::Up,
    };
    Inside { detection: Detection::On, reach }
}

/// The link of an attachment, with its own MAC.
pub(crate) fn link(kind: LinkKind, mtu: Option<u32>, wanted: &Wanted) -> ContainerLink {
    ContainerLink {
        name: wanted.ends.container.clone(),
        mac: Some(wanted.ends.container_mac),
        mtu,
        kind,
        owner: wanted.owner.clone(),
    }
}

/// The link, and how it is configured.
pub(crate) fn plan(link: ContainerLink, how: Inside<'_>, wanted: &Wanted) -> Plan {
    let mut plan = Plan::default();
    plan.container(Object::ContainerLink(link));
    inside::plan(how, wanted, &mut plan);
    plan
}

/// The container's interface.
pub(crate) fn interfaces(wanted: &Wanted, made: &Made) -> Vec<Interface> {
    let mac = made.mac.unwrap_or(wanted.ends.container_mac);
    vec![Interface {
        name: wanted.ends.container.to_string(),
        mac: mac.to_string(),
        mtu: made.mtu,
        sandbox: wanted.sandbox.clone(),
        ..Interface::default()
    }]
}
