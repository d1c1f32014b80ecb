//! A node with an underlay, and what is wanted of it.

use host::Host;
use host::fabric::{Pass, Shape};
use netstate::{Checksums, Fabric, Mac, Path, Via, Vxlan};
use sandbox::{Node, PATIENCE, Place, Pod, eventually};

/// The link that leads to the other nodes.
pub(crate) const UNDERLAY: &str = "eth0";

/// All pods' addresses.
const NETWORKS: [&str; 2] = ["10.244.0.0/16", "fd00:10::/48"];

/// A node, and at the other end of its cable a place that stands for all other nodes.
pub(crate) struct Scene {
    pub(crate) node: Node,
    pub(crate) beyond: Pod,
    pub(crate) host: Host,
}

impl Scene {
    /// Enters a node that has 192.0.2.1 and `2001:db8::1`; the others have .2, `::2` and so on.
    pub(crate) fn enter() -> Self {
        let node = Node::enter();
        let beyond = node.pod("beyond");
        node.sh("ip link add eth0 type veth peer name eth0 netns beyond");
        for (place, ends) in [(&node as &dyn Sh, 1..2), (&beyond, 2..9)] {
            for end in ends {
                place.run(&format!(
                    "ip addr add 192.0.2.{end}/24 dev eth0; ip addr add 2001:db8::{end}/64 dev eth0 nodad"
                ));
            }
            place.run("ip link set eth0 up");
        }
        for place in [&node as &dyn Sh, &beyond] {
            // Its own address comes with the carrier.
            let settled = eventually(PATIENCE, || place.run("ip -6 addr show dev eth0").contains("fe80:"));
            assert!(settled, "no carrier");
        }
        let host = Host::open().expect("a route socket");
        Self { node, beyond, host }
    }

    /// A pass in which nothing fails.
    pub(crate) fn reconcile(&mut self, fabric: &Fabric) -> Pass {
        self.reconcile_as(fabric, Shape::NextHops)
    }

    pub(crate) fn reconcile_as(&mut self, fabric: &Fabric, shape: Shape) -> Pass {
        let pass = self.host.reconcile_as(fabric, shape).expect("a pass");
        assert!(pass.failures.is_empty(), "{pass}");
        pass
    }

    /// A pass after which the next has nothing to do.
    pub(crate) fn heal(&mut self, fabric: &Fabric, shape: Shape) -> Pass {
        let pass = self.reconcile_as(fabric, shape);
        let again = self.reconcile_as(fabric, shape);
        assert!(again.is_clean(), "first\n{pass}then\n{again}");
        pass
    }

    /// What the kernel holds, without what two runs of a test differ by.
    pub(crate) fn state(&self) -> String {
        let text = self.node.sh(STATE).stdout;
        let lines = text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
        lines.filter(|line| !line.is_empty()).map(|line| line + "\n").collect()
    }
}

/// Routes and next hops of all, and of tunnels their neighbours and forwarding entries.
const STATE: &str = r"
ip nexthop | sed 's/scope link//' | sort
for family in -4 -6; do
    ip $family route | grep -v -e 'proto kernel' -e fe80 || true
done
for link in $(ls /sys/class/net); do
    case $link in flannel*)
        ip -br addr show dev $link | sed 's/fe80[^ ]*//'
        ip neigh show dev $link nud permanent | sort
        bridge fdb show dev $link | sort
    esac
done
";

/// [`Place::sh`] for places of different types in one list.
trait Sh {
    fn run(&self, script: &str) -> String;
}

impl<T: Place> Sh for T {
    fn run(&self, script: &str) -> String {
        self.sh(script).stdout
    }
}

/// The families of a test.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Families {
    V4,
    V6,
    Dual,
}

impl Families {
    pub(crate) const ALL: [Self; 3] = [Self::V4, Self::V6, Self::Dual];

    pub(crate) fn numbers(self) -> std::ops::Range<usize> {
        match self {
            Self::V4 => 0..1,
            Self::V6 => 1..2,
            Self::Dual => 0..2,
        }
    }
}

/// The subnet of a node's pods: of node 1 `10.244.1.0/24` and `fd00:10:0:1::/64`.
pub(crate) fn subnet(family: usize, node: u8) -> String {
    [format!("10.244.{node}.0/24"), format!("fd00:10:0:{node}::/64")][family].clone()
}

/// A node's address on the underlay.
pub(crate) fn endpoint(family: usize, node: u8) -> String {
    [format!("192.0.2.{node}"), format!("2001:db8::{node}")][family].clone()
}

/// The MAC of a node's tunnel of a family.
pub(crate) fn mac(family: usize, node: u8) -> Mac {
    Mac([0x0e, 0, 0, 0, u8::try_from(family).expect("two families"), node])
}

/// Node 1's fabric with paths to these nodes, by their addresses.
pub(crate) fn direct(families: Families, nodes: &[u8]) -> Fabric {
    fabric(families, nodes, |family, node| Via::Direct { gateway: endpoint(family, node).parse().unwrap() })
}

/// The same through tunnels.
pub(crate) fn tunnelled(families: Families, nodes: &[u8]) -> Fabric {
    let mut fabric = fabric(families, nodes, |family, node| Via::Tunnel {
        mac: mac(family, node),
        endpoint: endpoint(family, node).parse().unwrap(),
    });
    fabric.tunnels = families.numbers().map(tunnel).collect();
    fabric
}

/// Node 1's tunnel.
pub(crate) fn tunnel(family: usize) -> Vxlan {
    let first = subnet(family, 1);
    let (address, _) = first.split_once('/').unwrap();
    Vxlan {
        name: ["flannel.1", "flannel-v6.1"][family].parse().unwrap(),
        vni: 1,
        port: None,
        underlay: UNDERLAY.parse().unwrap(),
        local: endpoint(family, 1).parse().unwrap(),
        mac: mac(family, 1),
        mtu: [1450, 1430][family],
        learning: false,
        group_policy: false,
        checksums: Checksums::Offloaded,
        address: address.parse().unwrap(),
    }
}

fn fabric(families: Families, nodes: &[u8], via: impl Fn(usize, u8) -> Via) -> Fabric {
    let paths = families.numbers().flat_map(|family| nodes.iter().map(move |node| (family, *node)));
    let mut paths: Vec<_> = paths
        .map(|(family, node)| Path { subnet: subnet(family, node).parse().unwrap(), via: via(family, node) })
        .collect();
    paths.sort();
    Fabric {
        tunnels: Vec::new(),
        underlay: Some(UNDERLAY.parse().unwrap()),
        networks: families.numbers().map(|family| NETWORKS[family].parse().unwrap()).collect(),
        paths,
    }
}
