//! What the reference plugins call their chains and comments.

use netstate::Attachment;
use sha2::{Digest, Sha512};

/// One attachment's names.
pub(super) struct Names {
    /// The iptables chain: `utils.FormatChainName`. The interface is not part of it, so that two interfaces of a
    /// container on one network share it.
    pub(super) masquerade_chain: String,
    /// How the nftables backend's comments begin: a hash of the network, a hash of interface and container.
    pub(super) masquerade_comment: String,
    /// The chains of portmap's iptables backend, in `CNI-HOSTPORT-DNAT` and, until 0.7, in `CNI-HOSTPORT-SNAT`.
    pub(super) port_chains: [String; 2],
    /// The chains of `macspoofchk`: the interface's and its MAC's.
    pub(super) guard_chains: [String; 2],
}

impl Names {
    /// The names for an attachment.
    pub(super) fn of(Attachment { network, container, ifname }: &Attachment) -> Self {
        let guard = format!("cni-br-iface-{container}-{ifname}");
        let mac = format!("{guard}-mac");
        let port = |prefix| format!("CNI-{prefix}-{}", hex(21, &format!("{network}{container}")));
        Self {
            port_chains: ["DN", "SN"].map(port),
            masquerade_chain: format!("CNI-{}", hex(24, &format!("{network}{container}"))),
            masquerade_comment: format!("{}-{}", hex(16, network), hex(16, &format!("{ifname}:{container}"))),
            guard_chains: [guard, mac],
        }
    }
}

/// So many digits of the SHA-512 of a text, in hexadecimal.
fn hex(digits: usize, text: &str) -> String {
    let mut hash = format!("{:x}", Sha512::digest(text.as_bytes()));
    hash.truncate(digits);
    hash
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(network: &str, container: &str) -> Names {
        let ifname = "eth0".to_owned();
        Names::of(&Attachment { network: network.to_owned(), container: container.to_owned(), ifname })
    }

    #[test]
    fn names_are_those_of_the_reference() {
        assert_eq!(names("test", "1234").masquerade_chain, "CNI-2bbe0c48b91a7d1b8a6753a8");
        assert_eq!(names("unit-test", "one").masquerade_comment, "6fd94d501e58f0aa-287fc69eff0574a2");
        assert_eq!(names("net", "one").guard_chains, ["cni-br-iface-one-eth0", "cni-br-iface-one-eth0-mac"]);
    }
}
