//! A container's address that becomes another one while it runs: what rests on the address follows it. Pure.

use std::net::{IpAddr, SocketAddr};

use ipnetwork::IpNetwork;

use crate::{Adjustment, FirewallRule, Hairpin, Masquerade, PortMapping, Ports};

/// An address and its gateway, before and after.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Renumbering {
    /// The address that was, with its prefix length.
    pub from: IpNetwork,
    /// The one in its place.
    pub to: IpNetwork,
    /// The gateway that was and the one in its place, where both are known.
    pub gateway: Option<(IpAddr, IpAddr)>,
}

impl Renumbering {
    /// What becomes of an address.
    pub fn address(&self, address: IpAddr) -> IpAddr {
        let pairs = [Some((self.from.ip(), self.to.ip())), self.gateway];
        pairs.into_iter().flatten().find(|(from, _)| *from == address).map_or(address, |(_, to)| to)
    }

    /// What becomes of a network: the address's own, with or without host bits, is the new one's.
    pub fn network(&self, network: IpNetwork) -> IpNetwork {
        let same = network.network() == self.from.network() && network.prefix() == self.from.prefix();
        match IpNetwork::new(self.to.network(), self.to.prefix()) {
            _ if !same => network,
            Ok(to) if network.ip() == network.network() => to,
            _ => self.to,
        }
    }

    /// What becomes of a masquerade.
    pub fn masquerade(&self, old: &Masquerade) -> Masquerade {
        Masquerade {
            source: self.address(old.source),
            subnet: self.network(old.subnet),
            owner: old.owner.clone(),
        }
    }

    /// What becomes of an adjustment.
    pub fn adjustment(&self, old: &Adjustment) -> Adjustment {
        let mut new = old.clone();
        match &mut new {
            Adjustment::Firewall(firewall) => {
                if let FirewallRule::Accept { address, .. } = &mut firewall.rule {
                    *address = self.address(*address);
                }
            }
            Adjustment::Ports(ports) => self.ports(ports),
            Adjustment::PortChains(chains) => self.ports(&mut chains.ports),
            Adjustment::SourceRule(rule) => rule.source = self.address(rule.source),
            Adjustment::RouteChange(change) => {
                let route = &mut change.kernel.route;
                route.destination = self.network(route.destination);
                route.gateway = route.gateway.map(|gateway| self.address(gateway));
                route.source = route.source.map(|source| self.address(source));
            }
            // They know of links and numbers only.
            Adjustment::Setting(_)
            | Adjustment::Tuned(_)
            | Adjustment::Shaping(_)
            | Adjustment::VrfMember(_) => {}
        }
        new
    }

    fn ports(&self, ports: &mut Ports) {
        for PortMapping { to, .. } in &mut ports.mappings {
            *to = SocketAddr::new(self.address(to.ip()), to.port());
        }
        for Hairpin { to, sources } in &mut ports.hairpins {
            *to = self.address(*to);
            *sources = self.network(*sources);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Attachment, SourceRule};

    fn renumbering() -> Renumbering {
        Renumbering {
            from: "10.5.0.10/24".parse().unwrap(),
            to: "10.6.0.7/16".parse().unwrap(),
            gateway: Some(("10.5.0.1".parse().unwrap(), "10.6.0.1".parse().unwrap())),
        }
    }

    #[test]
    fn the_address_its_network_and_its_gateway_follow_and_nothing_else_does() {
        let follow = renumbering();
        for (address, becomes) in
            [("10.5.0.10", "10.6.0.7"), ("10.5.0.1", "10.6.0.1"), ("10.5.0.11", "10.5.0.11")]
        {
            assert_eq!(follow.address(address.parse().unwrap()).to_string(), becomes);
        }
        for (network, becomes) in [
            ("10.5.0.0/24", "10.6.0.0/16"),
            ("10.5.0.10/24", "10.6.0.7/16"),
            ("10.5.0.0/16", "10.5.0.0/16"),
            ("0.0.0.0/0", "0.0.0.0/0"),
        ] {
            assert_eq!(follow.network(network.parse().unwrap()).to_string(), becomes);
        }
    }

    #[test]
    fn what_names_the_address_names_the_new_one() {
        let owner = Attachment { network: "net".into(), container: "c".into(), ifname: "eth0".into() };
        let old = Masquerade {
            source: "10.5.0.10".parse().unwrap(),
            subnet: "10.5.0.10/24".parse().unwrap(),
            owner,
        };
        assert_eq!(renumbering().masquerade(&old).to_string(), "masquerade 10.6.0.7 outside 10.6.0.0/16");
        let rule = Adjustment::SourceRule(SourceRule { source: old.source, table: 100 });
        assert_eq!(renumbering().adjustment(&rule).to_string(), "rule from 10.6.0.7 lookup 100");
    }
}
