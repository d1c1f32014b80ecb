//! The plan of an attachment to a bridge.

use cni::{Ip, Success};
use ipnetwork::IpNetwork;
use netstate::{
    Address, Announcement, Bridge, Conflict, Detection, Family, LinkName, MacGuard, Masquerade, Object, Peer,
    Plan, Port, Route, Scope, Sysctl, Veth, VlanGateway,
};

use super::conf::{Conf, Gateway};
use crate::interface::flow::Wanted;

/// Everything that must be there, in the order in which it can be made. Rules come before the link that they are
/// about, so no packet passes before them.
pub(super) fn plan(conf: &Conf, wanted: &Wanted) -> Plan {
    let mut plan = Plan::default();
    on_the_node(conf, wanted, &mut plan);
    for ip in wanted.addresses().filter(|_| conf.masquerade) {
        plan.host(Object::Masquerade(Masquerade {
            source: ip.address.ip(),
            subnet: ip.address,
            owner: wanted.owner.clone(),
        }));
    }
    if conf.guard {
        plan.host(Object::MacGuard(MacGuard {
            link: wanted.ends.host.clone(),
            mac: wanted.ends.container_mac,
            owner: wanted.owner.clone(),
        }));
    }
    plan.host(Object::Veth(veth(conf, wanted)));
    in_the_container(conf, wanted, &mut plan);
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
        }));
    }
    for family in families(wanted.result) {
        plan.node(Object::Forwarding(family));
    }
}

/// A container must not pose as the host's router (CVE-2020-10749).
fn ignore_advertisements(link: &LinkName) -> Object {
    Object::Sysctl(Sysctl {
        path: format!("net/ipv6/conf/{link}/accept_ra"),
        value: "0".to_owned(),
        optional: true,
    })
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

fn families(result: &Success) -> Vec<Family> {
    Family::ALL
        .into_iter()
        .filter(|family| result.ips.iter().any(|ip| Family::of(ip.address.ip()) == *family))
        .collect()
}

fn veth(conf: &Conf, wanted: &Wanted) -> Veth {
    let ends = &wanted.ends;
    Veth {
        name: ends.host.clone(),
        mac: ends.host_mac,
        peer: Peer { name: ends.container.clone(), mac: ends.container_mac },
        mtu: conf.mtu,
        port: Port { bridge: conf.bridge.clone(), flags: conf.port_flags.clone(), vlans: conf.vlans.clone() },
        owner: wanted.owner.clone(),
    }
}

fn in_the_container(conf: &Conf, wanted: &Wanted, plan: &mut Plan) {
    let link = &wanted.ends.container;
    for (path, value) in settings(conf, wanted) {
        plan.container(Object::Sysctl(Sysctl { path, value: value.to_owned(), optional: false }));
    }
    for ip in wanted.addresses() {
        plan.container(Object::Address(Address {
            link: link.clone(),
            network: ip.address,
            conflict: Conflict::Allow,
            detection: conf.detection,
        }));
    }
    if !conf.stays_down {
        plan.container(Object::Up(link.clone()));
    }
    for route in &wanted.result.routes {
        let family = Family::of(route.dst.ip());
        let gateway = || wanted.addresses().filter_map(|ip| ip.gateway).find(|ip| Family::of(*ip) == family);
        plan.container(Object::Route(Route {
            destination: route.dst,
            gateway: route.gw.or_else(gateway),
            link: link.clone(),
            priority: route.priority,
            table: route.table,
            scope: route.scope.map(Scope),
            mtu: route.mtu,
            advmss: route.advmss,
        }));
    }
    // On our own bridge a MAC derived from the address makes an announcement needless; beyond it, it is not.
    if wanted.uplink && !conf.stays_down {
        plan.container(Object::Announcement(Announcement {
            link: link.clone(),
            mac: wanted.ends.container_mac,
            port: wanted.ends.host.clone(),
        }));
    }
}

/// Kernel settings that no netlink message carries. IPv6 ones only where there is an IPv6 address.
fn settings(conf: &Conf, wanted: &Wanted) -> Vec<(String, &'static str)> {
    let link = &wanted.ends.container;
    let mut settings = Vec::new();
    let families = families(wanted.result);
    if families.contains(&Family::V6) {
        for name in ["lo", link.as_str()] {
            settings.push((format!("net/ipv6/conf/{name}/disable_ipv6"), "0"));
        }
        settings.push((format!("net/ipv6/conf/{link}/keep_addr_on_down"), "1"));
        if conf.detection == Detection::On {
            settings.push((format!("net/ipv6/conf/{link}/enhanced_dad"), "1"));
            settings.push((format!("net/ipv6/conf/{link}/accept_dad"), "1"));
        }
    }
    if wanted.uplink {
        settings.extend(families.iter().map(|family| (family.announce_sysctl(link.as_str()), "1")));
    }
    settings
}
