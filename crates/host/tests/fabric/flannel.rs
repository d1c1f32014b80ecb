//! What flannel 0.28 does on a node, as commands (its `backend/vxlan/device.go`, `vxlan_network.go`, `hostgw.go`).

use std::fmt::Write as _;

use crate::scene::{Families, UNDERLAY, endpoint, mac, subnet, tunnel};

/// Through tunnels.
pub(crate) fn tunnelled(families: Families, nodes: &[u8]) -> String {
    let mut script = String::new();
    for family in families.numbers() {
        let own = tunnel(family);
        let (name, address) = (&own.name, own.address);
        let _ = write!(
            script,
            "ip link add {name} mtu {} address {} type vxlan id {} dev {UNDERLAY} local {} nolearning\n\
             ip addr add {address} dev {name} nodad; ip link set {name} up\n\
             echo 0 >/proc/sys/net/ipv6/conf/{name}/accept_ra\n",
            own.mtu, own.mac, own.vni, own.local
        );
        for &node in nodes {
            let (subnet, mac, endpoint) = (subnet(family, node), mac(family, node), endpoint(family, node));
            let gateway = subnet.split_once('/').unwrap().0;
            let _ = write!(
                script,
                "ip neigh replace {gateway} lladdr {mac} dev {name} nud permanent\n\
                 bridge fdb replace {mac} dev {name} dst {endpoint} self permanent\n\
                 ip route replace {subnet} via {gateway} dev {name} onlink\n"
            );
        }
    }
    script
}

/// By the nodes themselves.
pub(crate) fn direct(families: Families, nodes: &[u8]) -> String {
    let all = families.numbers().flat_map(|family| nodes.iter().map(move |node| (family, *node)));
    all.fold(String::new(), |mut script, (family, node)| {
        let (subnet, endpoint) = (subnet(family, node), endpoint(family, node));
        let _ = writeln!(script, "ip route add {subnet} via {endpoint} dev {UNDERLAY}");
        script
    })
}
