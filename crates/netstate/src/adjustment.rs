//! Adjustments: what a chained plugin changes about an attachment that stands (CNI specification, section "ADD": a
//! plugin creates the interface, or "adjusts" it).

use std::fmt;

use crate::{Firewall, PortChains, Ports, RouteChange, Setting, Shaping, SourceRule, Tuned, VrfMember};

/// One adjustment of one attachment. It is made by the attachment's ADD, told of by its record, and taken away by its
/// DEL. `host::adjustment` has for each kind what the kernel must be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Adjustment {
    /// A kernel setting of the container.
    Setting(Setting),
    /// A property of the container's link.
    Tuned(Tuned),
    /// A rule of the firewall.
    Firewall(Firewall),
    /// A limit of what passes.
    Shaping(Shaping),
    /// Ports of the host that lead into the container.
    Ports(Ports),
    /// The same by chains of iptables.
    PortChains(PortChains),
    /// A routing rule of the container by source address.
    SourceRule(SourceRule),
    /// A route of the container that is added or taken away.
    RouteChange(RouteChange),
    /// A link of the container in a VRF.
    VrfMember(VrfMember),
}

impl fmt::Display for Adjustment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Setting(setting) => setting.fmt(f),
            Self::Tuned(tuned) => tuned.fmt(f),
            Self::Firewall(firewall) => firewall.fmt(f),
            Self::Shaping(shaping) => shaping.fmt(f),
            Self::Ports(ports) => ports.fmt(f),
            Self::PortChains(chains) => chains.fmt(f),
            Self::SourceRule(rule) => rule.fmt(f),
            Self::RouteChange(change) => change.fmt(f),
            Self::VrfMember(member) => member.fmt(f),
        }
    }
}
