//! What each attachment owns on this node, on disk, so that DEL, GC and a restore need neither the container's
//! namespace nor the runtime's cache.
//!
//! ```text
//! /var/lib/cni/trestle/
//!     attachments/             what the interface plugins made; beside it a folder for each chained plugin
//!         <boot id>/           containers of another boot are gone: their folder is proof enough
//!             <key>            one attachment: lines of a word and its value
//! ```
//!
//! A record is written before the first object is made and removed after the last one is gone. So whatever a kill
//! leaves behind has a record, and an attachment without a record owns nothing.

mod keeper;
mod store;
pub(crate) mod word;

use std::fmt::Write as _;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use ipnetwork::IpNetwork;
use netstate::{Adjustment, Attachment, LinkName, Mac, MacGuard, Masquerade, Object, Place, Plan};

use crate::adjustment;
use crate::apply::rules;
use crate::away::Away;
use crate::life::Proof;

pub use keeper::Keeper;
pub use store::{Held, Records};

/// An attachment and what it owns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Whose.
    pub owner: Attachment,
    /// Under what its container may be declared gone.
    pub proof: Proof,
    /// What it has in its container alone.
    pub away: Option<Away>,
    /// Where its container's namespace was, for a link that is in there alone.
    pub netns: Option<PathBuf>,
    /// The bridge that the host end is a port of.
    pub bridge: Option<LinkName>,
    /// The container's addresses.
    pub addresses: Vec<IpAddr>,
    /// The MAC of the container's end.
    pub mac: Option<Mac>,
    /// Its masquerade rules.
    pub masquerades: Vec<Masquerade>,
    /// Its MAC guards.
    pub guards: Vec<MacGuard>,
    /// Its adjustments, in the order in which they were made.
    pub adjustments: Vec<Adjustment>,
}

impl Record {
    /// The record of what a plan makes for its attachment.
    pub fn new(owner: &Attachment, proof: Proof, plan: &Plan) -> Self {
        let (masquerades, guards) = rules(plan);
        let mut record = Self {
            owner: owner.clone(),
            proof,
            away: Away::of(plan),
            netns: None,
            bridge: None,
            addresses: Vec::new(),
            mac: None,
            masquerades,
            guards,
            adjustments: plan.adjustments(),
        };
        for step in plan.steps() {
            match (step.place, &step.object) {
                (Place::Host, Object::Veth(veth)) => {
                    record.bridge = veth.port.as_ref().map(|port| port.bridge.clone());
                    record.mac = Some(veth.peer.mac);
                }
                (Place::Container, Object::Address(address)) => record.addresses.push(address.network.ip()),
                _ => {}
            }
        }
        record
    }

    /// The same, of a container whose namespace is at `netns`.
    #[must_use]
    pub fn at(self, netns: &Path) -> Self {
        Self { netns: self.away.is_some().then(|| netns.to_owned()), ..self }
    }

    fn text(&self) -> String {
        let Attachment { network, container, ifname } = &self.owner;
        let mut text = format!("network {network}\ncontainer {container}\nifname {ifname}\n");
        // Writing to a String can't fail.
        if let Some(away) = &self.away {
            let _ = writeln!(text, "away {away}");
        }
        if let Some(netns) = &self.netns {
            let _ = writeln!(text, "netns {}", netns.display());
        }
        if let Some(bridge) = &self.bridge {
            let _ = writeln!(text, "bridge {bridge}");
        }
        for address in &self.addresses {
            let _ = writeln!(text, "address {address}");
        }
        if let Some(mac) = &self.mac {
            let _ = writeln!(text, "mac {mac}");
        }
        for Masquerade { source, subnet, .. } in &self.masquerades {
            let _ = writeln!(text, "masquerade {source} {subnet}");
        }
        for MacGuard { link, mac, .. } in &self.guards {
            let _ = writeln!(text, "guard {link} {mac}");
        }
        for adjustment in &self.adjustments {
            let _ = writeln!(text, "{}", adjustment::line(adjustment));
        }
        let _ = write!(text, "\n{}", self.proof);
        text
    }

    /// The attachment's lines, an empty one, and the proof's.
    fn parse(text: &str) -> Option<Self> {
        let (text, proof) = text.split_once("\n\n")?;
        let value = |word: &str| text.lines().find_map(|line| line.strip_prefix(word)?.strip_prefix(' '));
        let values = |word: &'static str| {
            text.lines().filter_map(move |line| line.strip_prefix(word)?.strip_prefix(' '))
        };
        let owner = Attachment {
            network: value("network")?.to_owned(),
            container: value("container")?.to_owned(),
            ifname: value("ifname")?.to_owned(),
        };
        let masquerades = values("masquerade").map(|value| {
            let (source, subnet) = value.split_once(' ')?;
            Some(Masquerade {
                source: source.parse().ok()?,
                subnet: subnet.parse::<IpNetwork>().ok()?,
                owner: owner.clone(),
            })
        });
        let guards = values("guard").map(|value| {
            let (link, mac) = value.split_once(' ')?;
            Some(MacGuard { link: link.parse().ok()?, mac: mac.parse::<Mac>().ok()?, owner: owner.clone() })
        });
        let adjustments = text.lines().filter_map(|line| adjustment::parse(line, &owner));
        Some(Self {
            adjustments: adjustments.collect::<Option<_>>()?,
            masquerades: masquerades.collect::<Option<_>>()?,
            guards: guards.collect::<Option<_>>()?,
            addresses: values("address").map(|ip| ip.parse().ok()).collect::<Option<_>>()?,
            away: value("away").map(str::parse).transpose().ok()?,
            netns: value("netns").map(PathBuf::from),
            bridge: value("bridge").and_then(|name| name.parse().ok()),
            mac: value("mac").and_then(|mac| mac.parse().ok()),
            proof: proof.parse().ok()?,
            owner,
        })
    }
}
