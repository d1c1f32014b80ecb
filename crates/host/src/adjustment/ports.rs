//! Ports of the host that lead into the container (`portmap`).

use netstate::{Adjustment, Attachment, Condition, Family, Hairpin, MarkBit, PortClass, PortMapping, Ports};

use super::{Amiss, Kind, Site};
use crate::error::Error;
use crate::machine::Host;
use crate::record::word::{escape, unescape};

/// The kind.
pub(super) struct MappedPorts;

impl Kind for MappedPorts {
    fn word(&self) -> &'static str {
        "ports"
    }

    /// `MARK CONDITIONS4 CONDITIONS6 {FROM=TO} {ADDRESS~SOURCES}`.
    fn line(&self, adjustment: &Adjustment) -> Option<String> {
        let Adjustment::Ports(ports) = adjustment else { return None };
        let mut line = ports.class.mark.number().to_string();
        for conditions in &ports.class.conditions {
            let text: Vec<String> = conditions.iter().map(ToString::to_string).collect();
            line = format!("{line} {}", escape(&text.join(" ")));
        }
        Some(line + &leads(ports))
    }

    fn parse(&self, rest: &str, owner: &Attachment) -> Option<Adjustment> {
        let mut words = rest.split(' ');
        let mark = MarkBit::try_from(words.next()?.parse::<i64>().ok()?).ok()?;
        let mut conditions = |family| Condition::parse_all(&unescape(words.next()?), family).ok();
        let conditions = [conditions(Family::V4)?, conditions(Family::V6)?];
        let class = PortClass { mark, conditions };
        Some(Adjustment::Ports(Ports { class, ..parse_leads(words, owner)? }))
    }

    fn apply(&self, site: &mut Site<'_>, wanted: &[Adjustment]) -> Result<(), Error> {
        ports(wanted).try_for_each(|ports| site.host.map_ports(ports))
    }

    fn compare(&self, site: &mut Site<'_>, wanted: &[Adjustment]) -> Result<Vec<Amiss>, Error> {
        let mut amiss = Vec::new();
        for ports in ports(wanted) {
            let missing = site.host.missing_ports(ports)?;
            if !missing.is_empty() {
                amiss.push((Adjustment::Ports(ports.clone()), format!("missing: {}", missing.join(", "))));
            }
        }
        Ok(amiss)
    }

    fn remove(&self, site: &mut Site<'_>, _: &Attachment, made: &[Adjustment]) -> Result<(), Error> {
        ports(made).try_for_each(|ports| site.host.unmap_ports(ports))
    }

    fn restore(&self, host: &mut Host, all: &[Adjustment]) -> Result<(), Error> {
        ports(all).try_for_each(|ports| host.restore_ports(ports))
    }

    fn stands(&self, host: &mut Host, all: &[Adjustment]) -> Result<bool, Error> {
        let mut classes: Vec<&PortClass> = Vec::new();
        for ports in ports(all) {
            if !classes.contains(&&ports.class) {
                classes.push(&ports.class);
            }
        }
        for class in classes {
            if !host.nftables.has_port_class(class)? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

fn ports<'a>(adjustments: &'a [Adjustment]) -> impl Iterator<Item = &'a Ports> {
    let of_kind = |adjustment: &'a Adjustment| {
        if let Adjustment::Ports(ports) = adjustment { Some(ports) } else { None }
    };
    adjustments.iter().filter_map(of_kind)
}

/// The end of a line: ` FROM=TO` for each mapping and ` ADDRESS~SOURCES` for each hairpin.
pub(super) fn leads(ports: &Ports) -> String {
    let mappings = ports.mappings.iter().map(|PortMapping { from, to }| format!(" {from}={to}"));
    let hairpins = ports.hairpins.iter().map(|Hairpin { to, sources }| format!(" {to}~{sources}"));
    mappings.chain(hairpins).collect::<Vec<_>>().concat()
}

/// Reads [`leads`] back.
pub(super) fn parse_leads<'a>(words: impl Iterator<Item = &'a str>, owner: &Attachment) -> Option<Ports> {
    let (mut mappings, mut hairpins) = (Vec::new(), Vec::new());
    for word in words {
        match (word.split_once('='), word.split_once('~')) {
            (Some((from, to)), _) => {
                mappings.push(PortMapping { from: from.parse().ok()?, to: to.parse().ok()? });
            }
            (None, Some((to, sources))) => {
                hairpins.push(Hairpin { to: to.parse().ok()?, sources: sources.parse().ok()? });
            }
            (None, None) => return None,
        }
    }
    Some(Ports { class: PortClass::default(), mappings, hairpins, owner: owner.clone() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_read_back_as_it_was_written() {
        let owner = Attachment { network: "net".into(), container: "c".into(), ifname: "eth0".into() };
        let v4 = Condition::parse_all("ip saddr != { 10.0.0.0/8, 192.0.2.1 } mark 7", Family::V4).unwrap();
        for (class, mappings, hairpins) in [
            (PortClass::default(), vec!["0.0.0.0:80/tcp=10.1.0.2:8080"], vec![("10.1.0.2", "10.1.0.2/24")]),
            (
                PortClass { mark: MarkBit::try_from(3).unwrap(), conditions: [v4, Vec::new()] },
                vec!["192.0.2.1:53/udp=10.1.0.2:53", "[::]:9000-9100/sctp=[fd00:1::2]:9000"],
                vec![("10.1.0.2", "0.0.0.0/0"), ("fd00:1::2", "fd00:1::/64")],
            ),
            (PortClass::default(), vec![], vec![]),
        ] {
            let mapping = |text: &&str| {
                let (from, to) = text.split_once('=').unwrap();
                PortMapping { from: from.parse().unwrap(), to: to.parse().unwrap() }
            };
            let hairpin = |(to, sources): &(&str, &str)| Hairpin {
                to: to.parse().unwrap(),
                sources: sources.parse().unwrap(),
            };
            let (mappings, hairpins) =
                (mappings.iter().map(mapping).collect(), hairpins.iter().map(hairpin).collect());
            let wanted = Adjustment::Ports(Ports { class, mappings, hairpins, owner: owner.clone() });
            let line = MappedPorts.line(&wanted).unwrap();
            assert_eq!(MappedPorts.parse(&line, &owner), Some(wanted), "{line}");
        }
    }
}
