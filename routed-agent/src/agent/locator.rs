//! Where this node stands: its link to the others, its addresses there, its tunnels' MACs.

use host::Host;
use host::uplink::Interface;
use ipnetwork::IpNetwork;
use netstate::{Family, LinkName, Mac};

use super::facts;
use crate::cluster::{Unannotated, keys, read_vtep};
use crate::conflist::BRIDGE;
use crate::duties::{Decisions, Site, device};
use crate::interface::{self, UplinkError, Wish};
use crate::net_conf::Backend;
use crate::node::Node;

/// Why it can't be told.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LocatorError {
    /// The kernel can't be asked.
    #[error(transparent)]
    Host(#[from] host::Error),
    /// What there is does not fit.
    #[error(transparent)]
    Uplink(#[from] UplinkError),
    /// A name that the kernel would not take.
    #[error("interface {0:?}: {1}")]
    Name(String, netstate::LinkNameError),
}

/// What was found.
#[derive(Clone)]
pub(crate) struct Found {
    /// Where the node stands.
    pub(crate) site: Site,
    /// The pods' bridge, where there is one yet.
    pub(crate) bridge: Option<Interface>,
    /// What is wrong with its own annotations, as text.
    pub(crate) wrong: Vec<String>,
}

/// Tells where this node stands, from the kernel as it is.
pub(crate) struct Locator {
    wish: Wish,
    unannotated: Unannotated,
    /// MACs that others know already: one a family at most.
    macs: Vec<(Family, Mac)>,
}

impl Locator {
    /// A locator that knows of no tunnel.
    pub(crate) fn new(wish: Wish, unannotated: Unannotated) -> Self {
        Self { wish, unannotated, macs: Vec::new() }
    }

    /// Where the node stands now; `own` is its Node, `subnets` its pods'.
    ///
    /// # Errors
    /// [`LocatorError`].
    pub(crate) fn find(
        &mut self,
        host: &mut Host,
        own: Option<&Node>,
        subnets: &[IpNetwork],
        decisions: &Decisions,
    ) -> Result<Found, LocatorError> {
        let (wish, wrong) = match own {
            Some(own) => self.wish.with_annotations(&own.annotations),
            None => (self.wish.clone(), Vec::new()),
        };
        let facts = facts::of(host, &wish)?;
        let uplink = interface::choose(&wish, &facts.choice, &decisions.networks)?;
        let link =
            LinkName::new(&uplink.link).map_err(|error| LocatorError::Name(uplink.link.clone(), error))?;
        let site = Site {
            mtu: uplink.mtu,
            addresses: uplink.addresses.iter().map(|own| own.local).collect(),
            advertised: uplink.addresses.iter().map(|own| own.public).collect(),
            networks: facts.networks_of(&uplink.link),
            macs: self.macs(host, own, subnets, decisions)?,
            link,
        };
        let bridge = facts.interface(BRIDGE).cloned();
        Ok(Found { site, bridge, wrong: wrong.iter().map(ToString::to_string).collect() })
    }

    /// The MACs of this node's tunnels. Once known they stay: others send to them.
    fn macs(
        &mut self,
        host: &mut Host,
        own: Option<&Node>,
        subnets: &[IpNetwork],
        decisions: &Decisions,
    ) -> Result<Vec<(Family, Mac)>, host::Error> {
        let Backend::Vxlan(conf) = &decisions.backend else { return Ok(Vec::new()) };
        if self.unannotated == Unannotated::Derives {
            return Ok(subnets
                .iter()
                .map(|subnet| (Family::of(subnet.ip()), Mac::of_subnet(*subnet)))
                .collect());
        }
        for family in decisions.networks.iter().map(|network| Family::of(network.ip())) {
            if self.macs.iter().any(|(known, _)| *known == family) {
                continue;
            }
            let annotated = own.and_then(|own| read_vtep(own.annotations.get(keys(family).data)?));
            let mac = match (annotated, device(family, conf.vni)) {
                (Some((vni, mac)), _) if vni == conf.vni => Some(mac),
                (_, Some(name)) => host.find(&name)?.and_then(|link| link.mac),
                _ => None,
            };
            // A node that was never announced: any MAC that is no other's will do, and its name is no other's.
            let mac = mac.or_else(|| own.map(|own| invent(own, family)));
            self.macs.extend(mac.map(|mac| (family, mac)));
        }
        Ok(self.macs.clone())
    }
}

fn invent(own: &Node, family: Family) -> Mac {
    Mac::derived_from(format!("{}/{}/{family}", own.name, own.uid).as_bytes())
}
