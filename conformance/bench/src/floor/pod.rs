//! Whom a script attaches.

use std::net::Ipv4Addr;

use sha2::{Digest, Sha256};

/// How far a pod reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// The bridge.
    Bridge,
    /// Through the bridge's own address, beyond the node.
    Gateway,
    /// The same, with the node's address.
    Masquerade,
}

/// A pod, and what has been looked up for it before.
#[derive(Debug, Clone)]
pub struct Pod {
    /// The network's name.
    pub network: String,
    /// `CNI_CONTAINERID`.
    pub container: String,
    /// `CNI_NETNS`.
    pub netns: String,
    /// Its address in 10.88.0.0/16, whose gateway is 10.88.0.1.
    pub address: Ipv4Addr,
    /// How far it reaches.
    pub reach: Reach,
    /// The index of the bridge `cni0`.
    pub bridge: u32,
    /// The index that the host end of its link shall have, and after it that of its queue.
    pub index: u32,
    /// Ports of the node that lead to its ports 80, 81, …
    pub ports: Vec<u16>,
    /// The proof of life that records bear: their last lines.
    pub proof: String,
    /// The mark of its address: seconds and nanoseconds.
    pub mark: (i64, i64),
}

impl Pod {
    /// Bytes by which its objects are named.
    fn digest(&self) -> [u8; 32] {
        Sha256::digest(format!("{}\0eth0", self.container)).into()
    }

    /// The name of its records.
    pub(super) fn key(&self) -> String {
        hex(&self.digest()[16..])
    }

    /// The host end of its link.
    pub(super) fn link(&self) -> String {
        format!("veth{}", &hex(&self.digest())[..11])
    }

    /// The host end's MAC.
    pub(super) fn link_mac(&self) -> [u8; 6] {
        local(&self.digest()[6..])
    }

    /// Its own MAC.
    pub(super) fn mac(&self) -> [u8; 6] {
        let [a, b, c, d] = self.address.octets();
        [0x0a, 0x58, a, b, c, d]
    }

    /// The device at which what it sends queues.
    pub(super) fn queue(&self) -> String {
        format!("bwp{}", &self.key()[..12])
    }

    /// The queue's MAC.
    pub(super) fn queue_mac(&self) -> [u8; 6] {
        local(&self.digest()[16..])
    }

    /// The attachment, as comments and aliases have it.
    pub(super) fn attachment(&self) -> String {
        format!("{}/{}/eth0", self.network, self.container)
    }
}

fn hex(bytes: &[u8]) -> String {
    let digits: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    digits.concat()
}

/// A locally administered MAC.
fn local(bytes: &[u8]) -> [u8; 6] {
    [0x0e, bytes[0], bytes[1], bytes[2], bytes[3], bytes[4]]
}
