//! The container's side of a plan, the same for every interface plugin: settings, addresses, the link up, routes, and
//! a word to the neighbours.

use cni::{Ip, Success};
use netstate::{
    Address, Announcement, Conflict, Detection, Family, LinkName, Object, Plan, PrefixRoute, Sysctl,
};

use crate::interface::flow::Wanted;

/// How a container's link is configured.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Inside<'a> {
    /// Does IPv6 ask the link first if somebody has an address?
    pub(crate) detection: Detection,
    /// Who is told of the addresses.
    pub(crate) reach: Reach<'a>,
}

/// How far the container's frames go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reach<'a> {
    /// No further than this node, where a MAC derived from the address makes an announcement needless.
    Node,
    /// Beyond it: the kernel announces the addresses when the link comes up.
    Beyond,
    /// Beyond it by a bridge, whose port with this name forwards only a moment after the link comes up.
    ByPort(&'a LinkName),
    /// Beyond it by a link that was up before it had addresses.
    Up,
}

/// The steps in the container.
pub(crate) fn plan(inside: Inside<'_>, wanted: &Wanted, plan: &mut Plan) {
    configure(inside, wanted, plan);
    plan.container(Object::Up(wanted.ends.container.clone()));
    routes(wanted, plan);
    announce(inside, wanted, plan);
}

/// Settings and addresses.
pub(crate) fn configure(inside: Inside<'_>, wanted: &Wanted, plan: &mut Plan) {
    settings_of(inside, wanted, plan);
    for ip in wanted.addresses() {
        plan.container(Object::Address(address(inside, &wanted.ends.container, ip)));
    }
}

/// Settings alone.
pub(crate) fn settings_of(inside: Inside<'_>, wanted: &Wanted, plan: &mut Plan) {
    for (path, value) in settings(inside, wanted) {
        plan.container(Object::Sysctl(Sysctl { path, value: value.to_owned(), optional: false }));
    }
}

/// One address of the container.
pub(crate) fn address(inside: Inside<'_>, link: &LinkName, ip: &Ip) -> Address {
    Address {
        link: link.clone(),
        network: ip.address,
        conflict: Conflict::Allow,
        detection: inside.detection,
        prefix_route: PrefixRoute::Kernel,
    }
}

/// The routes of the result, by the gateway of their family where they name none.
pub(crate) fn routes(wanted: &Wanted, plan: &mut Plan) {
    for route in &wanted.result.routes {
        let family = Family::of(route.dst.ip());
        let gateway = wanted.addresses().filter_map(|ip| ip.gateway).find(|ip| Family::of(*ip) == family);
        plan.container(Object::Route(ipam::route::on_link(route, &wanted.ends.container, gateway)));
    }
}

fn announce(inside: Inside<'_>, wanted: &Wanted, plan: &mut Plan) {
    let port = match inside.reach {
        Reach::Node | Reach::Beyond => return,
        Reach::ByPort(port) => Some(port.clone()),
        Reach::Up => None,
    };
    plan.container(Object::Announcement(Announcement { link: wanted.ends.container.clone(), port }));
}

/// Kernel settings that no netlink message carries. IPv6 ones only where there is an IPv6 address.
fn settings(inside: Inside<'_>, wanted: &Wanted) -> Vec<(String, &'static str)> {
    let link = &wanted.ends.container;
    let mut settings = Vec::new();
    let families = families(wanted.result);
    if families.contains(&Family::V6) {
        for name in ["lo", link.as_str()] {
            settings.push((format!("net/ipv6/conf/{name}/disable_ipv6"), "0"));
        }
        settings.push((format!("net/ipv6/conf/{link}/keep_addr_on_down"), "1"));
        if inside.detection == Detection::On {
            settings.push((format!("net/ipv6/conf/{link}/enhanced_dad"), "1"));
            settings.push((format!("net/ipv6/conf/{link}/accept_dad"), "1"));
        }
    }
    if inside.reach != Reach::Node {
        settings.extend(families.iter().map(|family| (family.announce_sysctl(link.as_str()), "1")));
    }
    settings
}

/// The families of a result's addresses.
pub(crate) fn families(result: &Success) -> Vec<Family> {
    Family::ALL
        .into_iter()
        .filter(|family| result.ips.iter().any(|ip| Family::of(ip.address.ip()) == *family))
        .collect()
}

/// A container must not pose as the host's router (CVE-2020-10749).
pub(crate) fn ignore_advertisements(link: &LinkName) -> Object {
    Object::Sysctl(Sysctl {
        path: format!("net/ipv6/conf/{link}/accept_ra"),
        value: "0".to_owned(),
        optional: true,
    })
}
