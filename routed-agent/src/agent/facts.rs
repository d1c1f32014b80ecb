//! What the kernel says about links, in the words by which one of them is chosen.

use host::Host;
use host::uplink::{Interface, InterfaceAddress, Reach as Scope, State, Way};
use ipnetwork::IpNetwork;
use netstate::Family;

use crate::interface::{DefaultRoute, Facts, Link, LinkAddress, Reach, Standing, Wish};

/// The facts, and what else is known of the links.
pub(super) struct Seen {
    /// By which a link is chosen.
    pub(super) choice: Facts,
    interfaces: Vec<Interface>,
}

impl Seen {
    /// A link by its name.
    pub(super) fn interface(&self, name: &str) -> Option<&Interface> {
        self.interfaces.iter().find(|interface| interface.name == name)
    }

    /// The networks on a link itself.
    pub(super) fn networks_of(&self, link: &str) -> Vec<IpNetwork> {
        let chosen = self.interface(link);
        chosen
            .into_iter()
            .flat_map(|interface| &interface.addresses)
            .filter(|address| usable(address))
            .map(|address| address.network)
            .collect()
    }
}

/// Asks the kernel.
///
/// # Errors
/// Where it does not answer.
pub(super) fn of(host: &mut Host, wish: &Wish) -> Result<Seen, host::Error> {
    let interfaces = host.interfaces()?;
    let name = |index: u32| {
        let found = interfaces.iter().find(|interface| interface.index == index);
        found.map(|interface| interface.name.clone())
    };
    let mut default_routes = Vec::new();
    // They are among all the routes that there are, and count only where nothing else was asked for.
    let asked = !wish.interfaces.is_empty() || wish.can_reach.is_some() || !wish.public.is_empty();
    for family in Family::ALL.into_iter().filter(|_| !asked) {
        let Some(route) = host.default_route(family)? else { continue };
        default_routes.extend(name(route.link).map(|link| DefaultRoute {
            family,
            link,
            metric: route.metric,
        }));
    }
    let reach = match wish.can_reach {
        Some(target) => host.ways(&[target])?.pop().flatten(),
        None => None,
    };
    let reach = reach.and_then(|way| match way {
        Way::Neighbour(link) | Way::Beyond { link, .. } => Some(Reach { link: name(link)?, source: None }),
        Way::Local => None,
    });
    // A link that is down leads nowhere.
    let links = interfaces.iter().filter(|interface| interface.up).map(link).collect();
    Ok(Seen { choice: Facts { links, default_routes, reach }, interfaces })
}

fn link(interface: &Interface) -> Link {
    let addresses = interface.addresses.iter().filter(|address| usable(address));
    Link {
        name: interface.name.clone(),
        mtu: interface.mtu,
        addresses: addresses
            .map(|address| LinkAddress { address: address.network.ip(), standing: standing(address) })
            .collect(),
    }
}

fn usable(address: &InterfaceAddress) -> bool {
    address.state != State::Tentative && address.reach == Scope::Global
}

fn standing(address: &InterfaceAddress) -> Standing {
    match address {
        InterfaceAddress { state: State::Deprecated, .. } => Standing::Deprecated,
        InterfaceAddress { temporary: true, .. } => Standing::Temporary,
        InterfaceAddress { permanent: true, .. } => Standing::Permanent,
        _ => Standing::Dynamic,
    }
}
