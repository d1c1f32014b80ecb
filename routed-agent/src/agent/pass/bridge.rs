//! The pods' bridge follows this node's subnets and MTU. The bridge plugin makes it; pods that run keep what they have.

use std::collections::BTreeSet;
use std::fs;
use std::net::IpAddr;
use std::path::Path;

use host::uplink::Interface;
use ipnetwork::IpNetwork;
use netstate::LinkName;

use super::Pass;
use crate::conflist::NETWORK;
use crate::duties;
use crate::status::Status;
use crate::subnet_env::first;

/// Where host-local keeps the addresses of a network's pods: a file each.
const LEASES: &str = "/var/lib/cni/networks";

impl Pass {
    /// Gives the bridge, where there is one, the first address of each subnet in place of one of an earlier subnet, and
    /// the MTU that pods get. Names pods with addresses of an earlier subnet: nobody reaches them.
    pub(super) fn keep_bridge(&mut self, bridge: Option<&Interface>, mtu: u32, status: &mut Status) {
        status.warnings.extend(strangers(&self.own));
        let Some(bridge) = bridge else { return };
        let Ok(name) = LinkName::new(&bridge.name) else { return };
        let mut done = Vec::new();
        if bridge.mtu != mtu {
            done.push(self.host.set_mtu(&name, mtu));
        }
        for pods in duties::pod_networks(&self.decisions, &self.own) {
            let wanted = first(pods.subnet);
            let old = bridge.addresses.iter().map(|address| address.network);
            for old in old.filter(|old| pods.network.contains(old.ip()) && old.ip() != wanted) {
                if let Ok(new) = IpNetwork::new(wanted, pods.subnet.prefix()) {
                    done.push(self.host.readdress(&name, old, new));
                }
            }
        }
        status.warnings.extend(done.into_iter().filter_map(Result::err).map(|error| error.to_string()));
    }
}

/// Pods whose addresses are in none of the subnets.
fn strangers(own: &[IpNetwork]) -> Option<String> {
    let files = fs::read_dir(Path::new(LEASES).join(NETWORK)).ok()?;
    let mut pods = BTreeSet::new();
    for file in files.flatten() {
        let name = file.file_name();
        let Some(address) = name.to_str().and_then(|name| name.parse::<IpAddr>().ok()) else { continue };
        if own.iter().any(|subnet| subnet.contains(address)) {
            continue;
        }
        let holder = fs::read_to_string(file.path()).unwrap_or_default();
        pods.insert(format!("{} ({address})", holder.lines().next().unwrap_or_default()));
    }
    let pods: Vec<_> = pods.into_iter().collect();
    (!pods.is_empty()).then(|| {
        format!(
            "these pods have addresses of an earlier podCIDR, and have to be made anew: {}",
            pods.join(", ")
        )
    })
}
