//! `subnet.env`, by which the `flannel` plugin knows this node's subnet: flannel's bytes.

use std::fmt::Write;

use ipnetwork::IpNetwork;
use netstate::{Family, PodNetwork};

/// What the file says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SubnetEnv {
    /// This node's pods, one a family at most.
    pub(crate) pods: Vec<PodNetwork>,
    /// The pods' MTU in bytes.
    pub(crate) mtu: u32,
    /// The agent masquerades, so the plugins must not.
    pub(crate) masquerade: bool,
}

/// The names of a family's keys.
const fn keys(family: Family) -> [&'static str; 2] {
    match family {
        Family::V4 => ["FLANNEL_NETWORK", "FLANNEL_SUBNET"],
        Family::V6 => ["FLANNEL_IPV6_NETWORK", "FLANNEL_IPV6_SUBNET"],
    }
}

/// The file's text.
pub(crate) fn render(env: &SubnetEnv) -> String {
    let mut text = String::new();
    let mut line = |key: &str, value: &dyn std::fmt::Display| {
        // Writing to a text can't fail.
        let _ = writeln!(text, "{key}={value}");
    };
    for family in Family::ALL {
        let [network, subnet] = keys(family);
        for pods in env.pods.iter().filter(|pods| Family::of(pods.subnet.ip()) == family) {
            line(network, &pods.network);
            line(subnet, &format_args!("{}/{}", first(pods.subnet), pods.subnet.prefix()));
        }
    }
    line("FLANNEL_MTU", &env.mtu);
    line("FLANNEL_IPMASQ", &env.masquerade);
    text
}

/// This node's subnets as the file's text has them.
pub(crate) fn subnets(text: &str) -> Vec<IpNetwork> {
    let value = |key: &str| text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('='));
    let subnet = |[_, key]: [&str; 2]| {
        let first: IpNetwork = value(key)?.trim().parse().ok()?;
        IpNetwork::new(first.network(), first.prefix()).ok()
    };
    Family::ALL.into_iter().filter_map(|family| subnet(keys(family))).collect()
}

/// The address after the network's own, which is the bridge's.
pub(crate) fn first(subnet: IpNetwork) -> std::net::IpAddr {
    match subnet {
        IpNetwork::V4(subnet) => std::net::Ipv4Addr::from(u32::from(subnet.network()).wrapping_add(1)).into(),
        IpNetwork::V6(subnet) => {
            std::net::Ipv6Addr::from(u128::from(subnet.network()).wrapping_add(1)).into()
        }
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    fn pods(network: &str, subnet: &str) -> PodNetwork {
        PodNetwork { network: network.parse().unwrap(), subnet: subnet.parse().unwrap() }
    }

    #[test]
    fn both_families_are_written_as_flannel_does() {
        let v6 = pods("fd00::/48", "fd00:0:0:1::/64");
        let v4 = pods("10.244.0.0/16", "10.244.1.0/24");
        expect![[r"
            FLANNEL_NETWORK=10.244.0.0/16
            FLANNEL_SUBNET=10.244.1.1/24
            FLANNEL_IPV6_NETWORK=fd00::/48
            FLANNEL_IPV6_SUBNET=fd00:0:0:1::1/64
            FLANNEL_MTU=1430
            FLANNEL_IPMASQ=true
        "]]
        .assert_eq(&render(&SubnetEnv { pods: vec![v6, v4], mtu: 1430, masquerade: true }));
        let text = render(&SubnetEnv { pods: vec![v6, v4], mtu: 1430, masquerade: true });
        assert_eq!(subnets(&text), [v4.subnet, v6.subnet]);
        assert_eq!(subnets("FLANNEL_SUBNET=x\nFLANNEL_MTU"), []);
    }

    #[test]
    fn a_family_that_is_not_in_use_has_no_lines() {
        let v6 = pods("fd00::/48", "fd00:0:0:1::/64");
        expect![[r"
            FLANNEL_IPV6_NETWORK=fd00::/48
            FLANNEL_IPV6_SUBNET=fd00:0:0:1::1/64
            FLANNEL_MTU=1500
            FLANNEL_IPMASQ=false
        "]]
        .assert_eq(&render(&SubnetEnv { pods: vec![v6], mtu: 1500, masquerade: false }));
    }
}
