//! A second machine, which routes for the node and says so in router advertisements (RFC 4861, section 4.2).

use std::net::{Ipv6Addr, SocketAddrV6};
use std::os::fd::AsRawFd;

use nix::sys::socket::{
    AddressFamily, MsgFlags, SockFlag, SockProtocol, SockType, SockaddrIn6, sendto, setsockopt, socket,
    sockopt::Ipv6MulticastHops,
};
use serde_json::Value;

use crate::{Node, PATIENCE, Place, Pod, eventually};

/// All nodes on a link.
const EVERYBODY: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);

/// The router's end of the cable.
const ROUTER_END: &str = "eth0";

/// A cable and the addresses at its ends.
#[derive(Debug, Clone, Copy)]
pub struct Uplink {
    /// The node's link.
    pub device: &'static str,
    /// The node's addresses with their prefix lengths.
    pub node: &'static [&'static str],
    /// The router's.
    pub router: &'static [&'static str],
}

impl Uplink {
    /// Both families, of the networks kept for documentation (RFC 5737, RFC 3849).
    pub const DUAL: Self = Self {
        device: "up0",
        node: &["192.0.2.2/24", "2001:db8::2/64"],
        router: &["192.0.2.1/24", "2001:db8::1/64"],
    };
}

/// The machine at the other end. It forwards; the node has no default route until it is told one.
#[derive(Debug)]
pub struct Router {
    pod: Pod,
    index: u32,
}

impl Router {
    pub(crate) fn beside(node: &Node, uplink: &Uplink) -> Self {
        let pod = node.pod(&format!("router-{}", uplink.device));
        let (device, path) = (uplink.device, pod.name());
        node.exec(&["ip", "link", "add", device, "type", "veth", "peer", "name", ROUTER_END, "netns", path]);
        pod.sh("echo 1 >/proc/sys/net/ipv4/ip_forward; echo 1 >/proc/sys/net/ipv6/conf/all/forwarding");
        wire(node, device, uplink.node);
        wire(&pod, ROUTER_END, uplink.router);
        settle(node, device);
        settle(&pod, ROUTER_END);
        let index = shown(&pod, ROUTER_END)["ifindex"].as_u64().and_then(|index| u32::try_from(index).ok());
        Self { pod, index: index.expect("every link has an index") }
    }

    /// Sends one router advertisement: a default route for half an hour, and addresses of `prefix`, a /64.
    ///
    /// # Panics
    /// Where it can't be sent.
    pub fn advertise(&self, prefix: Ipv6Addr) {
        let sent = self.pod.within(|| {
            let flags = SockFlag::SOCK_CLOEXEC;
            let socket = socket(AddressFamily::Inet6, SockType::Raw, flags, SockProtocol::IcmpV6)?;
            // A receiver takes only what no router has forwarded.
            setsockopt(&socket, Ipv6MulticastHops, &255)?;
            let to = SockaddrIn6::from(SocketAddrV6::new(EVERYBODY, 0, 0, self.index));
            sendto(socket.as_raw_fd(), &advertisement(prefix), &to, MsgFlags::empty())
        });
        if let Err(error) = sent {
            panic!("no router advertisement: {error}");
        }
    }
}

impl Place for Router {
    fn within<T>(&self, work: impl FnOnce() -> T) -> T {
        self.pod.within(work)
    }
}

fn wire(place: &impl Place, device: &str, addresses: &[&str]) {
    for address in addresses {
        place.exec(&["ip", "addr", "add", address, "dev", device, "nodad"]);
    }
    place.exec(&["ip", "link", "set", device, "up"]);
}

fn shown(place: &impl Place, device: &str) -> Value {
    let text = place.exec(&["ip", "-j", "addr", "show", "dev", device]).stdout;
    let links: Value = serde_json::from_str(&text).expect("ip -j prints JSON");
    links[0].clone()
}

/// Waits for the link's own IPv6 address, so that a snapshot taken next stays true.
fn settle(place: &impl Place, device: &str) {
    let settled = eventually(PATIENCE, || {
        let addresses = shown(place, device)["addr_info"].to_string();
        addresses.contains("fe80:") && !addresses.contains("tentative")
    });
    assert!(settled, "no IPv6 link-local address on {device}: is IPv6 switched off?");
}

/// RFC 4861, 4.2 and 4.6.2. The kernel fills in the checksum.
fn advertisement(prefix: Ipv6Addr) -> Vec<u8> {
    const LIFETIME: [u8; 4] = 1800_u32.to_be_bytes();
    let mut bytes = vec![134, 0, 0, 0, 64, 0, LIFETIME[2], LIFETIME[3]];
    bytes.extend([0; 8]); // reachable time and retransmission timer: unspecified
    bytes.extend([3, 4, 64, 0b1100_0000]); // prefix information: 4 × 8 bytes, /64, on link and autonomous
    bytes.extend(LIFETIME);
    bytes.extend(LIFETIME);
    bytes.extend([0; 4]);
    bytes.extend(prefix.octets());
    bytes
}
