//! Plugins whose link is the container's alone: what they have in common.

use cni::Interface;
use netstate::{ContainerLink, Detection, LinkKind, Object, Plan};

use crate::interface::flow::{Made, Wanted};
use crate::interface::inside::{self, Inside, Reach};
use crate::interface::told;
use crate::ipam::Turn;

/// The container's interface is the only one of a result.
pub(crate) const CONTAINER: usize = 0;

/// A link that machines beyond this node hear.
pub(crate) fn beyond(ipam: Turn) -> Inside<'static> {
    let reach = match ipam {
        Turn::Before => Reach::Beyond,
        Turn::After => Reach::Up,
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

/// The container's interface, and nothing else: with the MAC that the kernel says it has.
pub(crate) fn interfaces(wanted: &Wanted, made: &Made) -> Vec<Interface> {
    vec![told::inner(wanted, made.mac.or(Some(wanted.ends.container_mac)), made)]
}
