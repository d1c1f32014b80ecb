//! Rules to ask for.

use std::net::IpAddr;

use host::Host;
use netstate::{PodNetwork, PodRules, SourcePort, TunnelFilter};

/// flannel's default port, which Linux has too.
pub(crate) const PORT: u16 = 8472;

pub(crate) const V4: (&str, &str) = ("10.1.0.0/16", "10.1.2.0/24");
pub(crate) const V6: (&str, &str) = ("fd00:1::/48", "fd00:1:0:2::/64");

/// The host's verbs, on this thread's node.
pub(crate) fn host() -> Host {
    Host::open().expect("a route socket")
}

pub(crate) fn networks(pods: &[(&str, &str)]) -> Vec<PodNetwork> {
    let parse = |text: &str| text.parse().expect("a network");
    pods.iter()
        .map(|(network, subnet)| PodNetwork { network: parse(network), subnet: parse(subnet) })
        .collect()
}

/// Masquerade and forwarding, no tunnel.
pub(crate) fn routed(pods: &[(&str, &str)]) -> PodRules {
    PodRules { networks: networks(pods), masquerade: Some(SourcePort::Random), forward: true, tunnel: None }
}

/// Only the tunnel's filter.
pub(crate) fn filtered(endpoints: &[&str]) -> PodRules {
    PodRules { tunnel: Some(tunnel(endpoints)), ..PodRules::default() }
}

pub(crate) fn tunnel(endpoints: &[&str]) -> TunnelFilter {
    let mut endpoints: Vec<IpAddr> =
        endpoints.iter().map(|endpoint| endpoint.parse().expect("an address")).collect();
    endpoints.sort();
    TunnelFilter { port: PORT, endpoints }
}

/// Everything, in both families.
pub(crate) fn everything() -> PodRules {
    PodRules { tunnel: Some(tunnel(&["192.0.2.7", "2001:db8::7"])), ..routed(&[V4, V6]) }
}

/// Does a pass over these change nothing?
pub(crate) fn stands(host: &mut Host, rules: &PodRules) -> bool {
    host.pod_rules_drift(rules).expect("a look").is_empty()
        && host.reconcile_pod_rules(rules).expect("a pass").repaired.is_empty()
}
