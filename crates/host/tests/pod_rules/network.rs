//! A node with a pod on it, and a neighbour that stands for everything else: other nodes, their pods, the world.

use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::time::Duration;

use netstate::Family;
use sandbox::{Node, PATIENCE, Place, Pod, Router, Uplink, eventually};

/// Addresses of one family.
pub(crate) struct Addresses {
    /// Our pod's.
    pub(crate) pod: &'static str,
    /// The node's on the link to the neighbour.
    pub(crate) node: &'static str,
    /// Another of the node's, which is no pod's either.
    pub(crate) other: &'static str,
    /// The neighbour's.
    pub(crate) neighbour: &'static str,
    /// A pod's on the neighbour.
    pub(crate) remote_pod: &'static str,
    /// The neighbour's too; no route leads there but the default one.
    pub(crate) stranger: &'static str,
}

/// In the order of [`Family::ALL`].
pub(crate) const ADDRESSES: [Addresses; 2] = [
    Addresses {
        pod: "10.1.2.2",
        node: "192.0.2.2",
        other: "198.51.100.1",
        neighbour: "192.0.2.1",
        remote_pod: "10.1.3.2",
        stranger: "203.0.113.9",
    },
    Addresses {
        pod: "fd00:1:0:2::2",
        node: "2001:db8::2",
        other: "2001:db8:1::1",
        neighbour: "2001:db8::1",
        remote_pod: "fd00:1:0:3::2",
        stranger: "2001:db8:2::9",
    },
];

/// The machines.
pub(crate) struct Network {
    pub(crate) node: Node,
    pub(crate) pod: Pod,
    pub(crate) neighbour: Router,
}

impl Network {
    /// Links, addresses and routes, and forwarding; no packet rules at all.
    pub(crate) fn new() -> Self {
        let node = Node::enter();
        let pod = node.pod("pod");
        let neighbour = node.router(&Uplink::DUAL);
        node.sh("ip link add vpod type veth peer name eth0 netns pod
            ip addr add 10.1.2.1/24 dev vpod; ip addr add fd00:1:0:2::1/64 dev vpod nodad
            ip link set vpod up
            ip addr add 198.51.100.1/32 dev lo; ip addr add 2001:db8:1::1/128 dev lo nodad
            ip route add default via 192.0.2.1; ip -6 route add default via 2001:db8::1
            echo 1 >/proc/sys/net/ipv4/ip_forward; echo 1 >/proc/sys/net/ipv6/conf/all/forwarding
            for link in all up0 vpod; do echo 0 >/proc/sys/net/ipv4/conf/$link/rp_filter; done");
        pod.sh("ip addr add 10.1.2.2/24 dev eth0; ip addr add fd00:1:0:2::2/64 dev eth0 nodad
            ip link set eth0 up
            ip route add default via 10.1.2.1; ip -6 route add default via fd00:1:0:2::1");
        neighbour.sh("ip link set lo up
            for address in 10.1.3.2/32 203.0.113.9/32; do ip addr add $address dev lo; done
            for address in fd00:1:0:3::2/128 2001:db8:2::9/128; do ip addr add $address dev lo nodad; done
            ip route add 10.1.2.0/24 via 192.0.2.2; ip -6 route add fd00:1:0:2::/64 via 2001:db8::2
            ip route add 198.51.100.1 via 192.0.2.2; ip -6 route add 2001:db8:1::1 via 2001:db8::2");
        Self { node, pod, neighbour }
    }
}

/// An address's text, parsed.
pub(crate) fn ip(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

/// A socket of a place's.
pub(crate) fn socket(place: &impl Place, address: SocketAddr) -> UdpSocket {
    let socket = place.within(|| UdpSocket::bind(address)).expect("a socket");
    socket.set_read_timeout(Some(Duration::from_millis(100))).expect("a time limit");
    socket
}

/// As whom one sees what comes from the other.
pub(crate) fn seen(from: (&impl Place, &str), to: (&impl Place, &str)) -> IpAddr {
    let receiver = socket(to.0, SocketAddr::new(ip(to.1), 0));
    let sender = socket(from.0, SocketAddr::new(ip(from.1), 0));
    let address = receiver.local_addr().expect("its address");
    let mut source = None;
    let came = eventually(PATIENCE, || {
        sender.send_to(b"hello", address).expect("sent");
        source = receiver.recv_from(&mut [0; 16]).ok().map(|(_, source)| source.ip());
        source.is_some()
    });
    assert!(came, "nothing came from {} to {}", from.1, to.1);
    source.expect("it came")
}

/// What the families are called in the tests' messages, with their addresses.
pub(crate) fn families() -> impl Iterator<Item = (Family, &'static Addresses)> {
    Family::ALL.into_iter().zip(&ADDRESSES)
}
