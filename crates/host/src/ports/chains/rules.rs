//! The rules of an attachment's chain, and of those that all containers share.

use std::net::IpAddr;

use netstate::{Family, HostPorts, Marking, PortChains, PortMapping, PortRange, Ports, Transport};

use super::{DNAT, chain};
use crate::iptables::{Edit, Place, Rule, Saved, Wanted};
use crate::nftables::Owner;

/// Whose mark says that they are to be masqueraded.
pub(super) const MASQUERADE: &str = "CNI-HOSTPORT-MASQ";

/// `-m multiport` takes so many ports; a range counts as two.
const MULTIPORT: usize = 15;

/// What makes the attachment's chain anew, and the chains of the dead go.
pub(super) fn edits(saved: &Saved, chains: &PortChains, family: Family, void: &[String]) -> Vec<Edit> {
    let own = chain(&chains.ports.owner);
    let mut edits = saved.without_chains(&void.iter().map(String::as_str).collect::<Vec<_>>());
    edits.extend(shared(&chains.marking).edits(saved));
    edits.push(Edit::Create(own));
    let rules = rules_of(chains, family).into_iter().chain(jumps_of(chains, family));
    edits.extend(rules.map(|rule| Edit::Add(rule, Place::Last)));
    edits
}

/// What all containers' chains rest on.
pub(super) fn shared(marking: &Marking) -> Wanted {
    let local = |base| (Rule::new(base, "-m addrtype --dst-type LOCAL", DNAT), Place::Last);
    let mut wanted =
        Wanted { chains: vec![DNAT.to_owned()], rules: vec![local("PREROUTING"), local("OUTPUT")] };
    if let Marking::Bit(bit) = marking {
        let mark = bit.mark();
        let jump = Rule::new("POSTROUTING", "", MASQUERADE).commented("CNI portfwd requiring masquerade");
        let masquerade = Rule::new(MASQUERADE, format!("-m mark --mark {mark:#x}/{mark:#x}"), "MASQUERADE");
        wanted.chains.push(MASQUERADE.to_owned());
        wanted.rules.extend([(jump, Place::First), (masquerade, Place::Last)]);
    }
    wanted
}

/// Single ports, and ranges that keep their numbers.
pub(super) fn pieces(ports: &Ports, family: Family) -> Vec<PortMapping> {
    let of_family = ports.mappings.iter().filter(|mapping| mapping.from.family == family);
    let pieces = |mapping: &PortMapping| {
        let range = mapping.from.ports;
        if range.first == mapping.to.port() {
            return vec![*mapping];
        }
        let single = |port| {
            let from = HostPorts { ports: PortRange::one(port), ..mapping.from };
            Some(PortMapping { from, to: mapping.target(port)? })
        };
        (range.first..=range.last).filter_map(single).collect()
    };
    of_family.flat_map(pieces).collect()
}

/// The rules of the attachment's chain.
pub(super) fn rules_of(chains: &PortChains, family: Family) -> Vec<Rule> {
    let chain = chain(&chains.ports.owner);
    let owner = Owner::of(&chains.ports.owner).comment(None);
    let mark = match &chains.marking {
        Marking::Bit(bit) => format!("MARK --set-xmark {mark:#x}/{mark:#x}", mark = bit.mark()),
        Marking::Chain(chain) => chain.clone(),
    };
    let mut rules = Vec::new();
    for PortMapping { from, to } in pieces(&chains.ports, family) {
        let HostPorts { address, protocol, ports, .. } = from;
        let to_host = address.map(|address| format!("-d {address}/{} ", family.bits())).unwrap_or_default();
        let dport = match ports.single() {
            Some(port) => port.to_string(),
            None => format!("{}:{}", ports.first, ports.last),
        };
        let own = chains.ports.hairpins.iter().filter(|hairpin| hairpin.to == to.ip());
        for hairpin in own {
            let network = (hairpin.sources.network(), hairpin.sources.prefix());
            let loopback = (family == Family::V4).then_some((IpAddr::from([127, 0, 0, 0]), 8));
            for (network, prefix) in [Some(network), loopback].into_iter().flatten() {
                let source = if prefix == 0 { String::new() } else { format!("-s {network}/{prefix} ") };
                let conditions = format!("{source}{to_host}-p {protocol} -m {protocol} --dport {dport}");
                rules.push(Rule::new(&*chain, conditions, &*mark));
            }
        }
        let target = match (ports.single(), to.ip()) {
            (Some(_), _) => to.to_string(),
            (None, address) => address.to_string(),
        };
        let conditions = format!("{to_host}-p {protocol} -m {protocol} --dport {dport}");
        let rule = Rule::new(&*chain, conditions, format!("DNAT --to-destination {target}"));
        rules.push(rule.commented(&*owner));
    }
    rules
}

/// The jumps to the attachment's chain, one for each protocol and as many ports as one rule takes.
pub(super) fn jumps_of(chains: &PortChains, family: Family) -> Vec<Rule> {
    let owner = Owner::of(&chains.ports.owner).comment(None);
    let conditions = chains.conditions[family as usize].join(" ");
    let pieces = pieces(&chains.ports, family);
    let mut rules = Vec::new();
    for protocol in Transport::ALL {
        let mut words: Vec<String> = Vec::new();
        for piece in pieces.iter().filter(|piece| piece.from.protocol == protocol) {
            let PortRange { first, last } = piece.from.ports;
            // A single port's two ends are the same, and a range needs room for two.
            words.push(if first == last { first.to_string() } else { format!("{first}:{last}") });
        }
        words.dedup();
        for some in words.chunks(MULTIPORT / 2) {
            let ports = some.join(",");
            let all = format!("-p {protocol} -m multiport --dports {ports} {conditions}");
            rules.push(Rule::new(DNAT, all.trim_end(), chain(&chains.ports.owner)).commented(&*owner));
        }
    }
    rules
}
