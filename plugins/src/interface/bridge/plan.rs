//! The plan of an attachment to a bridge.

use cni::Ip;
use ipnetwork::IpNetwork;
use netstate::{
    Address, Bridge, Conflict, Detection, LinkName, MacGuard, Object, Plan, Port, PrefixRoute, VlanGateway,
};

use super::Ground;
use super::conf::{Conf, Gateway};
use crate::interface::flow::Wanted;
use crate::interface::inside::{self, Inside, Reach, families, ignore_advertisements};
use crate::interface::masquerade::masquerade;

/// Everything that must be there, in the order in which it can be made. Rules come before the link that they are
/// about, so no packet passes before them.
pub(super) fn plan(conf: &Conf, ground: Ground, wanted: &Wanted) -> Plan {
    let mut plan = Plan::default();
    on_the_node(conf, wanted, &mut plan);
    if conf.masquerade {
        masquerade(wanted, &mut plan);
    }
    if conf.guard {
        plan.host(Object::MacGuard(MacGuard {
            link: wanted.ends.host.clone(),
            mac: wanted.ends.container_mac,
            owner: wanted.owner.clone(),
        }));
    }
    plan.host(Object::Veth(wanted.veth(conf.mtu, Some(port(conf)))));
    in_the_container(conf, ground, wanted, &mut plan);
    plan
}

/// What every attachment shares: the bridge and, where it is the gateway, its addresses and forwarding.
fn on_the_node(conf: &Conf, wanted: &Wanted, plan: &mut Plan) {
    plan.node(Object::Bridge(Bridge {
        name: conf.bridge.clone(),
        mtu: conf.mtu,
        vlan_filtering: conf.vlans.is_some(),
        promiscuous: conf.promiscuous,
    }));
    plan.node(ignore_advertisements(&conf.bridge));
    if conf.gateway == Gateway::No {
        return;
    }
    let link = match gateway_link(conf) {
        Some(gateway) => {
            let name = gateway.name.clone();
            plan.node(Object::VlanGateway(gateway));
            plan.node(ignore_advertisements(&name));
            name
        }
        None => conf.bridge.clone(),
    };
    for network in wanted.addresses().filter_map(gateway_network) {
        plan.node(Object::Address(Address {
            link: link.clone(),
            network,
            conflict: if conf.force { Conflict::Replace } else { Conflict::Refuse },
            detection: Detection::Off,
            prefix_route: PrefixRoute::Kernel,
        }));
    }
    for family in families(wanted.result) {
        plan.node(Object::Forwarding(family));
    }
}

/// The interface that holds a VLAN's gateway address; without a VLAN it is the bridge itself.
pub(super) fn gateway_link(conf: &Conf) -> Option<VlanGateway> {
    let vlans = conf.vlans.as_ref()?;
    let vlan = vlans.untagged?;
    // At most 15 + 5 bytes; a bridge whose name leaves no room for ".4094" has no such interface.
    let name = LinkName::new(&format!("{}.{vlan}", conf.bridge)).ok()?;
    Some(VlanGateway { name, bridge: conf.bridge.clone(), vlan, keep_default: vlans.keep_default })
}

fn gateway_network(ip: &Ip) -> Option<IpNetwork> {
    IpNetwork::new(ip.gateway?, ip.address.prefix()).ok()
}

fn port(conf: &Conf) -> Port {
    Port { bridge: conf.bridge.clone(), flags: conf.port_flags.clone(), vlans: conf.vlans.clone() }
}

fn in_the_container(conf: &Conf, ground: Ground, wanted: &Wanted, plan: &mut Plan) {
    let reach = match ground {
        Ground::Node => Reach::Node,
        Ground::Uplink => Reach::ByPort(&wanted.ends.host),
    };
    let inside = Inside { detection: conf.detection, reach };
    if conf.stays_down {
        inside::configure(inside, wanted, plan);
    } else {
        inside::plan(inside, wanted, plan);
    }
}
