//! What `firewall` asks of a node: that a container's packets are let through, and that containers of different bridges
//! don't reach each other.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use crate::{Attachment, Family, LinkName};

/// A rule of `firewall`, and for whom it is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Firewall {
    /// The rule.
    pub rule: FirewallRule,
    /// For whom.
    pub owner: Attachment,
}

impl fmt::Display for Firewall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "firewall {}", self.rule)
    }
}

/// A rule of `firewall`, and who keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum FirewallRule {
    /// Forwarded packets from this address are let through, and the answers to them.
    Accept {
        /// The container's address.
        address: IpAddr,
        /// Where the rule is.
        keeper: AcceptKeeper,
    },
    /// Packets that another separated bridge forwards don't come to this one, nor the other way round.
    Separate {
        /// The bridge.
        bridge: LinkName,
        /// What is let through all the same.
        ingress: Separation,
        /// Where the rule is.
        keeper: SeparationKeeper,
    },
}

/// Where a rule is that lets packets through.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum AcceptKeeper {
    /// A table of our own in `nf_tables`.
    Nftables,
    /// iptables' `filter`, where an administrator has a chain of rules that come before ours.
    Iptables {
        /// Which iptables.
        variant: IptablesVariant,
        /// The administrator's chain: at most 28 graphic bytes.
        admin_chain: String,
    },
    /// firewalld: the address is a source of this zone.
    Firewalld {
        /// The zone's name, which has no white space.
        zone: String,
    },
}

/// Where a rule is that separates bridges.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum SeparationKeeper {
    /// A table of our own in `nf_tables`, for both families.
    Nftables {
        /// The host end of the container's pair: two ports of one bridge are kept apart by their names.
        port: Option<LinkName>,
    },
    /// iptables' `filter`.
    Iptables {
        /// Whose packets.
        family: Family,
        /// Which iptables.
        variant: IptablesVariant,
    },
}

/// What a separated bridge's containers may still reach (`ingressPolicy`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Separation {
    /// Each other, on the same bridge.
    SameBridge,
    /// No other container.
    Isolated,
}

/// Which iptables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum IptablesVariant {
    /// Its chains are in `nf_tables`.
    Nft,
    /// Its chains are in `ip_tables`, or `ip6_tables`.
    Legacy,
}

impl IptablesVariant {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Nft, Self::Legacy];
}

impl fmt::Display for IptablesVariant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Nft => "iptables-nft",
            Self::Legacy => "iptables-legacy",
        })
    }
}

impl fmt::Display for Separation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::SameBridge => "same-bridge",
            Self::Isolated => "isolated",
        })
    }
}

impl fmt::Display for FirewallRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Accept { address, keeper } => match keeper {
                AcceptKeeper::Nftables => write!(f, "accept {address} nftables"),
                AcceptKeeper::Iptables { variant, admin_chain } => {
                    write!(f, "accept {address} {variant} {admin_chain}")
                }
                AcceptKeeper::Firewalld { zone } => write!(f, "accept {address} firewalld {zone}"),
            },
            Self::Separate { bridge, ingress, keeper } => match keeper {
                SeparationKeeper::Nftables { port: None } => {
                    write!(f, "separate {bridge} {ingress} nftables")
                }
                SeparationKeeper::Nftables { port: Some(port) } => {
                    write!(f, "separate {bridge} {ingress} nftables {port}")
                }
                SeparationKeeper::Iptables { family, variant } => {
                    write!(f, "separate {bridge} {ingress} {variant} {family}")
                }
            },
        }
    }
}

/// The text is no rule as it is written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no rule of a firewall")]
pub struct FirewallRuleError(pub String);

impl FromStr for FirewallRule {
    type Err = FirewallRuleError;

    fn from_str(text: &str) -> Result<Self, FirewallRuleError> {
        let words: Vec<&str> = text.split(' ').collect();
        let rule = match *words {
            ["accept", address, ref keeper @ ..] => accept(address, keeper),
            ["separate", bridge, ingress, ref keeper @ ..] => separate((bridge, ingress), keeper),
            _ => None,
        };
        rule.ok_or_else(|| FirewallRuleError(text.to_owned()))
    }
}

fn accept(address: &str, keeper: &[&str]) -> Option<FirewallRule> {
    let keeper = match *keeper {
        ["nftables"] => AcceptKeeper::Nftables,
        ["firewalld", zone] => AcceptKeeper::Firewalld { zone: zone.to_owned() },
        [variant, admin_chain] => {
            AcceptKeeper::Iptables { variant: self::variant(variant)?, admin_chain: admin_chain.to_owned() }
        }
        _ => return None,
    };
    Some(FirewallRule::Accept { address: address.parse().ok()?, keeper })
}

fn separate((bridge, ingress): (&str, &str), keeper: &[&str]) -> Option<FirewallRule> {
    let keeper = match *keeper {
        ["nftables"] => SeparationKeeper::Nftables { port: None },
        ["nftables", port] => SeparationKeeper::Nftables { port: Some(port.parse().ok()?) },
        [variant, family] => SeparationKeeper::Iptables {
            family: Family::ALL.into_iter().find(|known| known.to_string() == family)?,
            variant: self::variant(variant)?,
        },
        _ => return None,
    };
    let ingress = [Separation::SameBridge, Separation::Isolated]
        .into_iter()
        .find(|known| known.to_string() == ingress)?;
    Some(FirewallRule::Separate { bridge: bridge.parse().ok()?, ingress, keeper })
}

fn variant(text: &str) -> Option<IptablesVariant> {
    IptablesVariant::ALL.into_iter().find(|known| known.to_string() == text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_is_read_as_it_is_written() {
        for text in [
            "accept 10.1.0.2 nftables",
            "accept fd00:1::2 iptables-legacy CNI-ADMIN",
            "accept 10.1.0.2 iptables-nft CNI-ADMIN",
            "accept 10.1.0.2 firewalld trusted",
            "separate cni0 same-bridge nftables",
            "separate cni0 isolated nftables veth12345678901",
            "separate cni0 same-bridge iptables-nft IPv6",
        ] {
            let rule: FirewallRule = text.parse().unwrap();
            assert_eq!(rule.to_string(), text);
        }
        for text in ["", "accept", "accept 10.1.0.2", "accept x nftables", "separate cni0 open nftables"] {
            assert_eq!(text.parse::<FirewallRule>(), Err(FirewallRuleError(text.to_owned())));
        }
    }
}
