//! `cni plan`: ADD up to the point where it would change something.

use cni::{Failure, Request, Success};
use host::link::Seen;
use host::{Host, Namespace};
use netstate::{Object, Place, Plan};

use super::attaching::Attaching;
use super::{Base, Made, Master, Policy};
use crate::failure::of;
use crate::ipam;

/// The MTU that the kernel gives a new link, in bytes (`ETH_DATA_LEN`).
const ETHERNET: u32 = 1500;

/// The plan that ADD would apply, and the result that it would print; nothing is changed. Only the MAC of a bridge that
/// is not there yet can't be told.
pub(crate) fn preview<P: Policy>(request: &Request) -> Result<(Plan, Success), Failure> {
    let mut attaching = Attaching::<P>::begin(request)?;
    let mut result = attaching.settle(request, ipam::preview(request)?)?;
    let wanted = attaching.wanted(&result);
    let Attaching { conf, ground, host, container, .. } = &mut attaching;
    let plan = P::plan(conf, ground, &wanted);
    host.foresee(&plan).map_err(of)?;
    let mut made = foreseen(&plan);
    if let Some(seen) = below(&plan, host, container)? {
        made.mtu = made.mtu.or(Some(seen.mtu));
        made.mac = made.mac.or(seen.mac);
    }
    if let Base::Made(name) = P::base(conf, ground)
        && let Some(there) = host.find(name).map_err(of)?
    {
        let mtu = made.mtu.map_or(there.mtu, |port| host.foresee_mtu(&there, port));
        made.master = Some(Master { mac: there.mac, mtu });
    }
    for step in plan.steps() {
        if let Object::VlanGateway(gateway) = &step.object {
            made.gateway = host.find(&gateway.name).map_err(of)?.and_then(|there| there.mac);
        }
    }
    let interfaces = P::interfaces(conf, ground, &wanted, &made);
    result.interfaces = interfaces;
    Ok((plan, result))
}

/// What the kernel will say of what the plan makes.
fn foreseen(plan: &Plan) -> Made {
    let mut made = Made::default();
    for step in plan.steps() {
        match &step.object {
            Object::Bridge(bridge) => {
                made.master = Some(Master { mac: None, mtu: bridge.mtu.unwrap_or(ETHERNET) });
            }
            Object::ContainerLink(link) => {
                made.mtu = link.mtu.or(link.kind.lower().is_none().then_some(ETHERNET));
                made.mac = link.mac;
            }
            Object::Veth(veth) => made.mtu = Some(veth.mtu.unwrap_or(ETHERNET)),
            _ => {}
        }
    }
    made
}

/// What a link of the plan takes its MTU and its MAC from: the link below it, the device that it is.
fn below(plan: &Plan, host: &mut Host, container: &Namespace) -> Result<Option<Seen>, Failure> {
    let found = plan.steps().iter().find_map(|step| match &step.object {
        Object::ContainerLink(link) => link.kind.lower().map(|lower| (&lower.name, lower.place)),
        Object::Device(device) => Some((&device.found, Place::Host)),
        _ => None,
    });
    match found {
        Some((name, Place::Host)) => host.find(name).map_err(of),
        Some((name, Place::Container)) => host.find_in(container, name).map_err(of),
        None => Ok(None),
    }
}
