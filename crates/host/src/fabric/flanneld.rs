//! VXLAN devices of flanneld's that nobody uses any more: `flannel.<VNI>`, `flannel-v6.<VNI>`.

use std::net::IpAddr;

use netstate::{Fabric, Family, LinkName};

use super::device::{self, Device};
use crate::error::{Context, Error};
use crate::machine::Host;
use crate::{link, route};

const PREFIXES: [&str; 2] = ["flannel.", "flannel-v6."];

/// Removes those that are not in the fabric, and that no route leads over. Tells their names. Another overlay's device of
/// such a name has routes, wherever they lead.
///
/// # Errors
/// What the kernel says.
pub(crate) fn remove_flannelds_tunnels(host: &mut Host, fabric: &Fabric) -> Result<Vec<String>, Error> {
    let devices = device::all(&mut host.route).context("read", &"the VXLAN devices")?;
    let strange = |device: &Device| is_flannelds(&device.name) && !is_wanted(fabric, &device.name);
    let strange: Vec<Device> = devices.into_iter().filter(strange).collect();
    if strange.is_empty() {
        return Ok(Vec::new());
    }
    let mut used = Vec::new();
    for family in Family::ALL {
        let routes = route::all(&mut host.route, family).context("read", &"the routes")?;
        used.extend(routes.into_iter().filter(leads_away).filter_map(|route| route.link));
    }
    let mut removed = Vec::new();
    for device in strange.into_iter().filter(|device| !used.contains(&device.index)) {
        let Ok(name) = device.name.parse::<LinkName>() else { continue };
        match host.route.request(link::delete(&name)) {
            Err(refusal) if !refusal.is(libc::ENODEV) => {
                return Err(refusal).context("remove", &name);
            }
            _ => removed.push(device.name),
        }
    }
    Ok(removed)
}

/// Not what the kernel has for every device: its own addresses, its link, groups.
fn leads_away(route: &route::Seen) -> bool {
    let (to, own) = (route.destination, Family::of(route.destination.ip()).bits());
    let near = match to.ip() {
        IpAddr::V4(ip) => ip.is_link_local() || ip.is_multicast(),
        IpAddr::V6(ip) => ip.is_unicast_link_local() || ip.is_multicast(),
    };
    route.table != route::LOCAL && to.prefix() < own && !near
}

fn is_flannelds(name: &str) -> bool {
    let number = PREFIXES.iter().find_map(|prefix| name.strip_prefix(prefix));
    number.is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
}

fn is_wanted(fabric: &Fabric, name: &str) -> bool {
    fabric.tunnels.iter().any(|tunnel| tunnel.name.as_str() == name)
}
