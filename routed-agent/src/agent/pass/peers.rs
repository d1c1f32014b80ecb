//! The other nodes, as a probe asks them.

use std::collections::HashMap;
use std::net::IpAddr;
use std::rc::Rc;

use ipnetwork::IpNetwork;
use netstate::{Family, Path, Via};

use super::Pass;
use crate::duties;
use crate::probe::{Passage, Peer};

/// The kernel's own port for VXLAN.
const VXLAN_PORT: u16 = 8472;

impl Pass {
    /// Every other node that has a path, once a family.
    pub(crate) fn peers(&self) -> Vec<Peer> {
        let Some(wanted) = &self.wanted else { return Vec::new() };
        let members = self.cluster.as_ref().map(|cluster| cluster.members.as_slice()).unwrap_or_default();
        let names = members.iter().map(|member| (member.subnet, Rc::clone(&member.node))).collect();
        wanted.fabric.paths.iter().map(|path| self.peer(path, &names)).collect()
    }

    fn peer(&self, path: &Path, names: &HashMap<IpNetwork, Rc<str>>) -> Peer {
        let name = names.get(&path.subnet);
        let node = name.map_or_else(|| path.subnet.to_string().into(), Rc::clone);
        let address = end(path);
        let passage = match path.via {
            Via::Tunnel { .. } => Passage::Tunnel {
                port: self.tunnel_port().unwrap_or(VXLAN_PORT),
                overhead: duties::overhead(Family::of(address)),
            },
            Via::Direct { .. } => Passage::Direct,
        };
        Peer { node, subnet: path.subnet, address, passage }
    }

    fn tunnel_port(&self) -> Option<u16> {
        self.wanted.as_ref()?.fabric.tunnels.first()?.port
    }
}

/// The node's address on the link between the nodes.
fn end(path: &Path) -> IpAddr {
    match path.via {
        Via::Direct { gateway } => gateway,
        Via::Tunnel { endpoint, .. } => endpoint,
    }
}
