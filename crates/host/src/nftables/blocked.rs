//! What keeps pods' packets back, and can't be changed by us.

use std::fmt;

use ipnetwork::IpNetwork;
use netstate::Family;

use super::inventory::SeenChain;

/// A chain of others that lets pods' packets through only if an operator says so.
///
/// It is told from the chain's own rules and policy: what a chain that it jumps to would accept is not seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blocked {
    /// Whose packets.
    pub family: Family,
    /// The chain: `inet firewalld filter_FORWARD`, `iptables-legacy filter FORWARD`.
    pub chain: String,
    /// What an operator has to run, as a line of shell.
    pub command: String,
}

impl Blocked {
    /// By a base chain of `nf_tables`.
    pub(super) fn by_nftables(chain: &SeenChain, family: Family, network: IpNetwork) -> Self {
        let address = match family {
            Family::V4 => "ip",
            Family::V6 => "ip6",
        };
        let rule = |side| format!("nft insert rule {chain} {address} {side} {network} accept");
        Self { family, chain: chain.to_string(), command: format!("{} && {}", rule("saddr"), rule("daddr")) }
    }

    /// By the `FORWARD` of xtables-legacy's `filter` table.
    pub(super) fn by_legacy(program: &str, family: Family, network: IpNetwork) -> Self {
        let rule = |side| format!("{program} -I FORWARD {side} {network} -j ACCEPT");
        Self {
            family,
            chain: format!("{program} filter FORWARD"),
            command: format!("{} && {}", rule("-s"), rule("-d")),
        }
    }
}

impl fmt::Display for Blocked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of pods is kept back by {}; run: {}", self.family, self.chain, self.command)
    }
}
