//! The plan: what must be there, in the order in which it can be made.

use std::fmt;

use crate::{
    Address, Adjustment, Announcement, Bridge, ContainerLink, Device, Family, LinkName, MacGuard, Masquerade,
    Route, RuleKind, Sysctl, Veth, VlanGateway,
};

/// In which network namespace an object lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Place {
    /// The runtime's, where the plugin was started.
    Host,
    /// The one that `CNI_NETNS` names.
    Container,
}

/// How long an object is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Lifetime {
    /// Shared by every attachment: made where it is missing, and never removed with one of them.
    Node,
    /// Made for one attachment and removed with it.
    Attachment,
}

/// Something the kernel keeps for us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Object {
    /// A bridge.
    Bridge(Bridge),
    /// The attachment's veth pair.
    Veth(Veth),
    /// A link that is the container's alone.
    ContainerLink(ContainerLink),
    /// A device of the host that is lent to the container.
    Device(Device),
    /// A VLAN's gateway interface on the host.
    VlanGateway(VlanGateway),
    /// A link that is up.
    Up(LinkName),
    /// An address on a link.
    Address(Address),
    /// A route.
    Route(Route),
    /// A kernel setting.
    Sysctl(Sysctl),
    /// Packets of this family pass from link to link. Uplinks that learn their default route from router
    /// advertisements keep doing so.
    Forwarding(Family),
    /// Source address translation.
    Masquerade(Masquerade),
    /// Protection against forged source MACs.
    MacGuard(MacGuard),
    /// A word to the neighbours, which nothing is left of.
    Announcement(Announcement),
    /// What a chained plugin changes about an attachment that stands.
    Adjustment(Adjustment),
}

impl Object {
    /// Is it a packet rule? All rules of a plan go into the kernel in one transaction.
    pub fn is_rule(&self) -> bool {
        self.rule_kind().is_some()
    }

    /// Which kind of packet rule it is.
    pub fn rule_kind(&self) -> Option<RuleKind> {
        match self {
            Self::Masquerade(_) => Some(RuleKind::Masquerade),
            Self::MacGuard(_) => Some(RuleKind::MacGuard),
            _ => None,
        }
    }
}

impl fmt::Display for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bridge(bridge) => bridge.fmt(f),
            Self::Veth(veth) => veth.fmt(f),
            Self::ContainerLink(link) => link.fmt(f),
            Self::Device(device) => device.fmt(f),
            Self::VlanGateway(gateway) => gateway.fmt(f),
            Self::Up(link) => write!(f, "link {link} up"),
            Self::Address(address) => address.fmt(f),
            Self::Route(route) => route.fmt(f),
            Self::Sysctl(sysctl) => sysctl.fmt(f),
            Self::Forwarding(family) => write!(f, "forwarding {family}"),
            Self::Masquerade(masquerade) => masquerade.fmt(f),
            Self::MacGuard(guard) => guard.fmt(f),
            Self::Announcement(announcement) => announcement.fmt(f),
            Self::Adjustment(adjustment) => adjustment.fmt(f),
        }
    }
}

/// One object of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Where it lives.
    pub place: Place,
    /// How long.
    pub lifetime: Lifetime,
    /// What it is.
    pub object: Object,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = match self.place {
            Place::Host => "host",
            Place::Container => "container",
        };
        write!(f, "{place:<9} {}", self.object)
    }
}

/// An ordered list of objects: each may rest on those before it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    steps: Vec<Step>,
}

impl Plan {
    /// Adds an object of the node, which outlives the attachment.
    pub fn node(&mut self, object: Object) {
        self.steps.push(Step { place: Place::Host, lifetime: Lifetime::Node, object });
    }

    /// Adds an object of the attachment on the host.
    pub fn host(&mut self, object: Object) {
        self.steps.push(Step { place: Place::Host, lifetime: Lifetime::Attachment, object });
    }

    /// Adds an object in the container, which is the attachment's always.
    pub fn container(&mut self, object: Object) {
        self.steps.push(Step { place: Place::Container, lifetime: Lifetime::Attachment, object });
    }

    /// The kinds of packet rules in it, each once.
    pub fn rule_kinds(&self) -> Vec<RuleKind> {
        let there = |kind: &RuleKind| self.steps.iter().any(|step| step.object.rule_kind() == Some(*kind));
        [RuleKind::Masquerade, RuleKind::MacGuard].into_iter().filter(there).collect()
    }

    /// The adjustments in their order.
    pub fn adjustments(&self) -> Vec<Adjustment> {
        let adjustment = |step: &Step| match &step.object {
            Object::Adjustment(adjustment) => Some(adjustment.clone()),
            _ => None,
        };
        self.steps.iter().filter_map(adjustment).collect()
    }

    /// What is in it and not in `first`, in its order.
    #[must_use]
    pub fn beyond(&self, first: &Self) -> Self {
        self.steps.iter().filter(|step| !first.steps.contains(step)).cloned().collect()
    }

    /// The objects in their order.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }
}

impl FromIterator<Step> for Plan {
    fn from_iter<T: IntoIterator<Item = Step>>(steps: T) -> Self {
        Self { steps: steps.into_iter().collect() }
    }
}

impl fmt::Display for Plan {
    /// One line an object.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.steps.iter().try_for_each(|step| writeln!(f, "{step}"))
    }
}
