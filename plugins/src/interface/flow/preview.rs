//! `cni plan`: ADD up to the point where it would change something.

use cni::{Failure, Request, Success};
use host::{Host, Namespace};
use netstate::{Object, Plan};

use super::attach::{interface, netns, refuse_twice, settle};
use super::{Ends, Made, Master, Policy, Wanted, owner};
use crate::failure::of;
use crate::ipam;

/// The MTU that the kernel gives a new link, in bytes (`ETH_DATA_LEN`).
const ETHERNET: u32 = 1500;

/// The plan that ADD would apply, and the result that it would print; nothing is changed. Only the MAC of a bridge that
/// is not there yet can't be told.
pub(crate) fn preview<P: Policy>(request: &Request) -> Result<(Plan, Success), Failure> {
    let conf = P::parse(request)?;
    let owner = owner(request);
    let mut host = Host::open().map_err(of)?;
    let container = Namespace::open(netns(request)?).map_err(of)?;
    let link = interface(request)?;
    refuse_twice(&mut host, &container, &owner, &link)?;
    let lease = ipam::preview(request)?;
    let mut result = settle::<P>(&conf, request, lease)?;
    let ends = Ends::new(&owner, link, P::mac(&conf), &result);
    let uplink = host.has_uplink(P::master(&conf)).map_err(of)?;
    let sandbox = container.path().display().to_string();
    let wanted = Wanted { owner: &owner, ends, sandbox, result: &result, uplink };
    let plan = P::plan(&conf, &wanted);
    host.foresee(&plan).map_err(of)?;
    let mut made = foreseen(&plan);
    if let Some(there) = host.find(P::master(&conf)).map_err(of)? {
        let mtu = made.mtu.map_or(there.mtu, |port| host.foresee_mtu(&there, port));
        made.master = Some(Master { mac: there.mac, mtu });
    }
    for step in plan.steps() {
        if let Object::VlanGateway(gateway) = &step.object {
            made.gateway = host.find(&gateway.name).map_err(of)?.and_then(|there| there.mac);
        }
    }
    result.interfaces = P::interfaces(&conf, &wanted, &made);
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
