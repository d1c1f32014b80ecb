//! `routed-agent status --probe`: small and full packets to every other node and back, by the way that pods' packets take.
//!
//! ```text
//! packet     a question, its echo by the same way, and the word beside the tunnel that it came
//! answerer   answers other nodes' questions, for as long as the agent runs
//! roster     whom it answers, and how often
//! prober     asks, and concludes from what comes back
//! ```
//! Kernels say nothing of what a firewall drops, so one node alone can't tell on which way a packet was lost. The other
//! one tells, from node to node: nothing came (blocked outward), or it came and the echo must have been lost (inward).

mod answerer;
mod packet;
mod prober;
mod roster;

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::rc::Rc;

use ipnetwork::IpNetwork;
use serde::{Deserialize, Serialize};
use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::UdpSocket;

pub(crate) use answerer::answer;
pub(crate) use prober::probe;

/// Another node in one family, as far as a probe goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Peer {
    /// Its name.
    pub(crate) node: Rc<str>,
    /// Its pods.
    pub(crate) subnet: IpNetwork,
    /// Its address on the link between the nodes.
    pub(crate) address: IpAddr,
    /// How packets for its pods get there.
    pub(crate) passage: Passage,
}

impl Peer {
    /// Where a packet goes that takes the way of pods' packets: to the tunnel's own address, or to the node's.
    fn far(&self) -> IpAddr {
        match self.passage {
            Passage::Tunnel { .. } => self.subnet.network(),
            Passage::Direct => self.address,
        }
    }
}

/// How packets for a node's pods get there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Passage {
    /// Through the VXLAN.
    Tunnel {
        /// The UDP port of its packets.
        port: u16,
        /// Bytes that it adds to each.
        overhead: u32,
    },
    /// As they are.
    Direct,
}

/// What a probe found out about one node in one family.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Finding {
    /// The node's name.
    pub(crate) node: String,
    /// Its pods.
    pub(crate) subnet: String,
    /// What came back.
    pub(crate) verdict: Verdict,
}

/// What came back, and what that means.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Verdict {
    /// Everything.
    #[error("{bytes} bytes there and back")]
    Whole {
        /// The largest packet that a pod sends.
        bytes: u32,
    },
    /// Nothing that was sent through the tunnel arrived.
    #[error(
        "blocked outward: nothing that this node sends through the tunnel arrives; let UDP {port} out of this node, and into {address}"
    )]
    Outward {
        /// The tunnel's UDP port.
        port: u16,
        /// The other node.
        address: IpAddr,
    },
    /// It arrived, and nothing came back through the tunnel.
    #[error(
        "blocked inward: what this node sends through the tunnel arrives, and nothing comes back; let UDP {port} out of {address}, and into this node"
    )]
    Inward {
        /// The tunnel's UDP port.
        port: u16,
        /// The other node.
        address: IpAddr,
    },
    /// Small packets come back, large ones do not.
    #[error(
        "large packets are lost: up to {passes} bytes come back, and pods send {bytes}; set Backend.MTU in net-conf.json of every node to {mtu} or less"
    )]
    Cut {
        /// The largest packet that came back.
        passes: u32,
        /// The largest packet that a pod sends.
        bytes: u32,
        /// What the link between the nodes carries whole.
        mtu: u32,
    },
    /// Nothing at all.
    #[error(
        "no answer by any way: {address} or its agent is down, or something drops UDP {port} between the two nodes"
    )]
    Silent {
        /// The other node.
        address: IpAddr,
        /// The probe's own port.
        port: u16,
    },
    /// Nothing could be sent.
    #[error("nothing can be sent: {0}")]
    Unsent(String),
}

impl Finding {
    /// Do packets of every size come back?
    pub(crate) fn is_whole(&self) -> bool {
        matches!(self.verdict, Verdict::Whole { .. })
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Node {}, {}: {}", self.node, self.subnet, self.verdict)
    }
}

/// A socket for both families at a port, 0 for any; for IPv4 alone on a machine without IPv6.
///
/// # Errors
/// What the kernel says.
pub(crate) async fn open(port: u16) -> io::Result<UdpSocket> {
    match both(port) {
        Ok(socket) => Ok(socket),
        Err(_) => UdpSocket::bind((Ipv4Addr::UNSPECIFIED, port)).await,
    }
}

/// Whatever `net.ipv6.bindv6only` says.
fn both(port: u16) -> io::Result<UdpSocket> {
    let socket = Socket::new(Domain::IPV6, Type::DGRAM.nonblocking(), Some(Protocol::UDP))?;
    socket.set_only_v6(false)?;
    socket.bind(&SocketAddr::from((Ipv6Addr::UNSPECIFIED, port)).into())?;
    UdpSocket::from_std(socket.into())
}

/// The address as a socket of both families takes it, or one of IPv4 alone.
fn written(address: IpAddr, socket: &UdpSocket) -> IpAddr {
    match (address, socket.local_addr().map(|own| own.ip())) {
        (IpAddr::V4(v4), Ok(IpAddr::V6(_))) => IpAddr::V6(v4.to_ipv6_mapped()),
        _ => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_is_a_sentence_with_what_to_do() {
        let address = IpAddr::from([192, 0, 2, 2]);
        let said = |verdict| {
            Finding { node: "b".to_owned(), subnet: "10.244.2.0/24".to_owned(), verdict }.to_string()
        };
        assert_eq!(
            said(Verdict::Cut { passes: 1350, bytes: 1450, mtu: 1400 }),
            "Node b, 10.244.2.0/24: large packets are lost: up to 1350 bytes come back, and pods send 1450; \
             set Backend.MTU in net-conf.json of every node to 1400 or less"
        );
        assert!(
            said(Verdict::Outward { port: 8472, address })
                .ends_with("UDP 8472 out of this node, and into 192.0.2.2")
        );
    }
}
