//! `vrf`: puts the interface into a virtual routing and forwarding domain of the container.

mod conf;

use cni::{Failure, Request, Version};
use host::link::Seen as Link;
use host::record::Keeper;
use host::{Host, Namespace};
use ipnetwork::IpNetwork;
use netstate::{Adjustment, Attachment, Change, KernelRoute, LinkName, Object, Plan, RouteChange, VrfMember};

use self::conf::{Conf, ConfError};
use super::flow::{Leaving, Machine, Policy, Wanted};
use crate::failure::of;

/// The plugin.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Vrf;

/// What the plan depends on.
pub(crate) enum Seen {
    /// The interface is in the VRF already: in CHECK, and in an ADD after one that was killed.
    Entered(Vec<Adjustment>),
    /// It is in none.
    Outside {
        /// The VRF's table.
        table: u32,
        /// The interface's global IPv6 addresses.
        addresses: Vec<IpNetwork>,
        /// Its routes in the main table that come from no address.
        routes: Vec<KernelRoute>,
    },
}

impl Policy for Vrf {
    const NAME: &'static str = "vrf";
    const KEEPER: Keeper = Keeper::Vrf;
    type Conf = Conf;
    type Seen = Seen;

    fn versions() -> &'static [Version] {
        &[Version::V0_3_1, Version::V0_4_0, Version::V1_0_0, Version::V1_1_0]
    }

    fn parse(request: &Request) -> Result<Conf, Failure> {
        Conf::parse(request)
    }

    fn look(conf: &Conf, wanted: &Wanted, machine: &mut Machine) -> Result<Seen, Failure> {
        let ours = |adjustment: &&Adjustment| match adjustment {
            Adjustment::VrfMember(member) => member.vrf == conf.vrf && member.link == wanted.link,
            _ => false,
        };
        if machine.recorded.iter().any(|adjustment| ours(&adjustment)) {
            return Ok(Seen::Entered(machine.recorded.to_vec()));
        }
        let container = machine.container;
        let link = machine.host.find_in(container, &wanted.link).map_err(of)?;
        let link = link.ok_or_else(|| ConfError::NoLink(wanted.link.clone()))?;
        if let Some(master) = master(container, &link)? {
            return Err(ConfError::Enslaved { link: wanted.link.clone(), master }.into());
        }
        let mut addresses = machine.host.addresses_in(container, &wanted.link).map_err(of)?;
        addresses.retain(|address| is_global(*address));
        let mut routes = container.routes_of(&wanted.link).map_err(of)?;
        routes.retain(comes_from_no_address);
        Ok(Seen::Outside { table: table(conf, machine)?, addresses, routes })
    }

    /// Routes with a gateway rest on those without: they go first, and come last.
    fn plan(conf: &Conf, wanted: &Wanted, seen: &Seen) -> Result<Plan, Failure> {
        let mut plan = Plan::default();
        let mut add = |adjustment| plan.container(Object::Adjustment(adjustment));
        match seen {
            Seen::Entered(recorded) => recorded.iter().cloned().for_each(add),
            Seen::Outside { table, addresses, routes } => {
                let mut routes = routes.clone();
                routes.sort_by_key(|kernel| kernel.route.gateway.is_some());
                let change = |change, kernel| Adjustment::RouteChange(RouteChange { change, kernel });
                routes.iter().rev().for_each(|kernel| add(change(Change::Taken, kernel.clone())));
                add(Adjustment::VrfMember(VrfMember {
                    vrf: conf.vrf.clone(),
                    table: *table,
                    link: wanted.link.clone(),
                    addresses: addresses.clone(),
                }));
                for mut kernel in routes {
                    kernel.route.table = Some(*table);
                    add(change(Change::Added, kernel));
                }
            }
        }
        Ok(plan)
    }

    fn status(_: &Conf, host: &mut Host) -> Result<(), Failure> {
        host.require_vrf().map_err(|error| conf::NoVrf(error).into())
    }

    /// In CHECK of what the reference made, the interface is in the VRF, and that is all there is to know.
    fn compare_unrecorded(
        conf: &Conf,
        wanted: &Wanted,
        machine: &mut Machine,
    ) -> Result<Option<Vec<String>>, Failure> {
        let link = machine.host.find_in(machine.container, &wanted.link).map_err(of)?;
        let master = match link {
            Some(link) => master(machine.container, &link)?,
            None => None,
        };
        let inside = master.as_deref() == Some(conf.vrf.as_str());
        let missing = || format!("link {} vrf {}: is not in it", wanted.link, conf.vrf);
        Ok(Some(if inside { Vec::new() } else { vec![missing()] }))
    }

    /// The reference leaves its traces in the kernel alone: the interface's master.
    fn remove_unrecorded(leaving: &Leaving, host: &mut Host) -> Vec<Failure> {
        let Some(container) = &leaving.container else { return Vec::new() };
        let (Ok(conf), Ok(link)) = (Conf::parse(leaving.request), leaving.owner.ifname.parse::<LinkName>())
        else {
            return Vec::new();
        };
        let mut addresses = host.addresses_in(container, &link).unwrap_or_default();
        addresses.retain(|address| is_global(*address));
        // No table is needed to leave it.
        let member = VrfMember { vrf: conf.vrf, table: 0, link, addresses };
        withdraw(host, container, &leaving.owner, member)
    }
}

fn withdraw(host: &mut Host, container: &Namespace, owner: &Attachment, member: VrfMember) -> Vec<Failure> {
    let errors = host.withdraw(Some(container), owner, &[Adjustment::VrfMember(member)]);
    errors.into_iter().map(of).collect()
}

fn master(container: &Namespace, link: &Link) -> Result<Option<String>, Failure> {
    match link.master {
        Some(index) => Ok(container.link(index).map_err(of)?.map(|master| master.name)),
        None => Ok(None),
    }
}

/// The VRF's table where there is one; else the one asked for, or the first that no VRF has.
fn table(conf: &Conf, machine: &Machine) -> Result<u32, Failure> {
    let vrfs = machine.container.vrfs().map_err(of)?;
    let there = vrfs.iter().find(|vrf| vrf.name == conf.vrf.as_str()).map(|vrf| vrf.table);
    match (there, conf.table) {
        (Some(there), Some(asked)) if there != asked => {
            Err(ConfError::OtherTable { vrf: conf.vrf.clone(), there, asked }.into())
        }
        (Some(there), _) => Ok(there),
        (None, Some(asked)) => match vrfs.into_iter().find(|vrf| vrf.table == asked) {
            // Packets of either would be routed by the other's routes.
            Some(holder) => {
                let (vrf, holder) = (conf.vrf.clone(), holder.name);
                Err(ConfError::TableTaken { vrf, table: asked, holder }.into())
            }
            None => Ok(asked),
        },
        (None, None) => {
            let free = (1..=u32::MAX).find(|table| !vrfs.iter().any(|vrf| vrf.table == *table));
            Ok(free.ok_or(ConfError::NoTable)?)
        }
    }
}

fn is_global(address: IpNetwork) -> bool {
    match address {
        IpNetwork::V6(v6) => !v6.ip().is_unicast_link_local(),
        IpNetwork::V4(_) => false,
    }
}

/// The kernel makes those that do, also in the VRF's table.
fn comes_from_no_address(kernel: &KernelRoute) -> bool {
    kernel.protocol != KernelRoute::OF_THE_KERNEL
}
