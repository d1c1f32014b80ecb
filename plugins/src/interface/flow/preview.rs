//! `cni plan`: ADD up to the point where it would change something.

use cni::{Failure, Request, Success};
use netstate::{Object, Plan};

use super::attaching::Attaching;
use super::{Made, Master, Policy};
use crate::failure::of;
use crate::ipam;

/// The MTU that the kernel gives a new link, in bytes (`ETH_DATA_LEN`).
const ETHERNET: u32 = 1500;

/// The plan that ADD would apply, and the result that it would print; nothing is changed. Only the MAC of a bridge that
/// is not there yet can't be told.
pub(crate) fn preview<P: Policy>(request: &Request) -> Result<(Plan, Success), Failure> {
    let mut attaching = Attaching::<P>::begin(request)?;
    let mut result = attaching.settle(request, ipam::preview(request)?)?;
    let wanted = attaching.wanted(&result)?;
    let Attaching { conf, host, .. } = &mut attaching;
    let plan = P::plan(conf, &wanted);
    host.foresee(&plan).map_err(of)?;
    let mut made = foreseen(&plan);
    if let Some(there) = host.find(P::master(conf)).map_err(of)? {
        let mtu = made.mtu.map_or(there.mtu, |port| host.foresee_mtu(&there, port));
        made.master = Some(Master { mac: there.mac, mtu });
    }
    for step in plan.steps() {
        if let Object::VlanGateway(gateway) = &step.object {
            made.gateway = host.find(&gateway.name).map_err(of)?.and_then(|there| there.mac);
        }
    }
    let interfaces = P::interfaces(conf, &wanted, &made);
    result.interfaces = interfaces;
    Ok((plan, result))
}

/// What the kernel will say of what the plan makes.
fn foreseen(plan: &Plan) -> Made {
    let mut made = Made { master: None, mtu: None, gateway: None };
    for step in plan.steps() {
        match &step.object {
            Object::Bridge(bridge) => {
                made.master = Some(Master { mac: None, mtu: bridge.mtu.unwrap_or(ETHERNET) });
            }
            Object::Veth(veth) => made.mtu = Some(veth.mtu.unwrap_or(ETHERNET)),
            _ => {}
        }
    }
    made
}
