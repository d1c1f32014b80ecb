//! From configuration and prevResult to the plan.

use std::net::IpAddr;

use cni::{Failure, Ip};
use ipnetwork::IpNetwork;
use netstate::{Adjustment, Family, Hairpin, Marking, Object, Plan, PortChains, PortClass, Ports};

use super::conf::{Backend, Conf, Hidden};
use super::mappings::mappings;
use crate::chained::flow::Wanted;

/// What of the machine decides by which rules ports are mapped, where the configuration does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Services {
    /// Addresses of Services are on no link.
    Elsewhere,
    /// kube-proxy in its mode `ipvs` keeps them on a link, where they look like the node's own. It lets packets to them
    /// pass iptables' chains untranslated, and whoever comes after it there.
    OnALink,
}

/// The plan of an attachment: its ports, or nothing where no address of the container has the family that is asked for.
pub(super) fn plan(conf: &Conf, wanted: &Wanted, services: Services) -> Result<Plan, Failure> {
    let ports = ports(conf, wanted)?;
    let mut plan = Plan::default();
    if ports.mappings.is_empty() {
        return Ok(plan);
    }
    plan.host(Object::Adjustment(match (&conf.backend, services) {
        (Backend::Nftables(_), _) | (Backend::Either(_), Services::Elsewhere) => Adjustment::Ports(ports),
        (Backend::Either(bit), Services::OnALink) => {
            let class = PortClass::default();
            let (ports, marking) = (Ports { class, ..ports }, Marking::Bit(*bit));
            Adjustment::PortChains(PortChains { ports, marking, conditions: [Vec::new(), Vec::new()] })
        }
        (Backend::Iptables { marking, conditions }, _) => {
            let (marking, conditions) = (marking.clone(), conditions.clone());
            Adjustment::PortChains(PortChains { ports, marking, conditions })
        }
    }));
    Ok(plan)
}

/// The ports.
///
/// # Errors
/// Code 7, where one port would lead to two places.
pub(super) fn ports(conf: &Conf, wanted: &Wanted) -> Result<Ports, Failure> {
    let networks: Vec<IpNetwork> =
        Family::ALL.into_iter().filter_map(|family| first(wanted, family)).collect();
    let addresses: Vec<IpAddr> = networks.iter().map(IpNetwork::ip).collect();
    let mappings = mappings(&conf.mappings, &addresses)?;
    let mapped = |network: &&IpNetwork| mappings.iter().any(|mapping| mapping.to.ip() == network.ip());
    let hairpins = networks.iter().filter(mapped).filter_map(|network| hairpin(conf.hidden, *network));
    Ok(Ports {
        class: match &conf.backend {
            Backend::Nftables(class) => class.clone(),
            Backend::Either(mark) => PortClass { mark: *mark, ..PortClass::default() },
            Backend::Iptables { .. } => PortClass::default(),
        },
        hairpins: hairpins.collect(),
        mappings: mappings.clone(),
        owner: wanted.owner.clone(),
    })
}

fn hairpin(hidden: Hidden, network: IpNetwork) -> Option<Hairpin> {
    let sources = match hidden {
        Hidden::Nobody => return None,
        Hidden::Neighbours => network,
        Hidden::Everybody => Family::of(network.ip()).default_route(),
    };
    Some(Hairpin { to: network.ip(), sources })
}

/// The container's first address of a family: of its interface, or of none that prevResult names.
fn first(wanted: &Wanted, family: Family) -> Option<IpNetwork> {
    let interfaces = &wanted.result.interfaces;
    let is_its_own = |ip: &&Ip| {
        let interface = ip.interface.and_then(|index| interfaces.get(index));
        interface.is_none_or(|found| found.name == wanted.link.as_str() && !found.sandbox.is_empty())
    };
    let addresses = wanted.result.ips.iter().filter(is_its_own).map(|ip| ip.address);
    addresses.into_iter().find(|address| Family::of(address.ip()) == family)
}
