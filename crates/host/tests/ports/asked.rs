//! Ports to ask for, in short.

use std::net::{IpAddr, SocketAddr};

use ipnetwork::IpNetwork;
use netstate::{Attachment, Family, Hairpin, HostPorts, PortClass, PortMapping, PortRange, Ports};

/// An attachment of the network `net` by `eth0`.
pub(crate) fn owner(container: &str) -> Attachment {
    Attachment { network: "net".into(), container: container.into(), ifname: "eth0".into() }
}

/// The ports of a container, each as `[address:]port[-port]/protocol=address:port`, with hairpins for its /24 or /64.
pub(crate) fn ports(container: &str, mappings: &[&str]) -> Ports {
    let mappings: Vec<PortMapping> = mappings.iter().map(|text| mapping(text)).collect();
    let mut hairpins: Vec<Hairpin> = Vec::new();
    for mapping in &mappings {
        let to = mapping.to.ip();
        let prefix = if to.is_ipv4() { 24 } else { 64 };
        let sources = IpNetwork::new(to, prefix).expect("a prefix length");
        if !hairpins.iter().any(|hairpin| hairpin.to == to) {
            hairpins.push(Hairpin { to, sources });
        }
    }
    Ports { class: PortClass::default(), mappings, hairpins, owner: owner(container) }
}

fn mapping(text: &str) -> PortMapping {
    let (from, to) = text.split_once('=').expect("=");
    let to: SocketAddr = to.parse().expect("an address and a port");
    let (from, protocol) = from.split_once('/').expect("/");
    let (address, ports) = match from.rsplit_once(':') {
        Some((address, ports)) => (Some(address.trim_matches(['[', ']'])), ports),
        None => (None, from),
    };
    let address: Option<IpAddr> = address.map(|address| address.parse().expect("an address"));
    let (first, last) = ports.split_once('-').unwrap_or((ports, ports));
    let ports = PortRange { first: first.parse().expect("a port"), last: last.parse().expect("a port") };
    let family = Family::of(to.ip());
    let address = address.filter(|address| !address.is_unspecified());
    let protocol = protocol.parse().expect("a protocol");
    PortMapping { from: HostPorts { family, address, protocol, ports }, to }
}
