//! What a rule needs in the sets.

use std::fmt;
use std::net::IpAddr;

use netstate::{AcceptKeeper, Attachment, Family, FirewallRule, LinkName, Separation, SeparationKeeper};

use super::structure::{ACCEPTED, BRIDGE, INET, ISOLATED, SAME_BRIDGE, SEPARATED, WITHIN};
use crate::nftables::address;
use crate::nftables::element::name;
use crate::nftables::message::Table;
use crate::nftables::owner::Owner;

/// An element of an owner's, and what goes without saying while it is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Part {
    /// What it is.
    pub(super) element: Element,
    /// Whose.
    pub(super) owner: Owner,
}

/// One element of the firewall's sets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Element {
    /// This address's packets are let through.
    Accepted(IpAddr),
    /// An attachment, by its key, that wants the bridge separated.
    Separated(LinkName, Separation, Vec<u8>),
    /// A port that is kept apart from the other isolated ones.
    IsolatedPort(LinkName),
}

impl Part {
    /// What `nf_tables` has to hold for a rule: nothing, if another keeps it.
    pub(super) fn of(rule: &FirewallRule, owner: &Attachment) -> Vec<Self> {
        let elements = match rule {
            FirewallRule::Accept { address, keeper: AcceptKeeper::Nftables } => {
                vec![Element::Accepted(*address)]
            }
            FirewallRule::Separate { bridge, ingress, keeper: SeparationKeeper::Nftables { port } } => {
                let mut elements = vec![Element::Separated(bridge.clone(), *ingress, key(owner))];
                if let (Separation::Isolated, Some(port)) = (ingress, port) {
                    elements.push(Element::IsolatedPort(port.clone()));
                }
                elements
            }
            FirewallRule::Accept { .. } | FirewallRule::Separate { .. } => Vec::new(),
        };
        let owner = Owner::of(owner);
        elements.into_iter().map(|element| Self { element, owner: owner.clone() }).collect()
    }
}

impl Element {
    /// The table and the set that hold it.
    pub(super) fn set(&self) -> (Table, &'static str) {
        match self {
            Self::Accepted(address) => (INET, ACCEPTED[Family::of(*address) as usize]),
            Self::Separated(_, Separation::SameBridge, _) => (INET, SAME_BRIDGE),
            Self::Separated(_, Separation::Isolated, _) => (INET, ISOLATED),
            Self::IsolatedPort(_) => (BRIDGE, ISOLATED),
        }
    }

    /// The key.
    pub(super) fn key(&self) -> Vec<u8> {
        match self {
            Self::Accepted(address) => address::bytes(*address),
            Self::Separated(bridge, _, key) => [name(bridge), key.clone()].concat(),
            Self::IsolatedPort(port) => name(port),
        }
    }

    /// What must be in other sets as long as anybody has this element: set and key.
    pub(super) fn implied(&self) -> Vec<(&'static str, Vec<u8>)> {
        match self {
            Self::Separated(bridge, ingress, _) => implied(&name(bridge), *ingress),
            Self::Accepted(_) | Self::IsolatedPort(_) => Vec::new(),
        }
    }
}

/// What must be in other sets as long as anybody wants the bridge separated.
pub(super) fn implied(bridge: &[u8], ingress: Separation) -> Vec<(&'static str, Vec<u8>)> {
    let mut implied = vec![(SEPARATED, bridge.to_vec())];
    if ingress == Separation::SameBridge {
        implied.push((WITHIN, [bridge, bridge].concat()));
    }
    implied
}

/// [`Attachment::key`], as 16 bytes.
fn key(owner: &Attachment) -> Vec<u8> {
    let digits = owner.key();
    let byte = |at: usize| digits.get(at..at + 2).and_then(|two| u8::from_str_radix(two, 16).ok());
    (0..digits.len()).step_by(2).filter_map(byte).collect()
}

impl fmt::Display for Element {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Accepted(address) => address.fmt(f),
            Self::Separated(link, ..) | Self::IsolatedPort(link) => link.fmt(f),
        }
    }
}
