//! Mapped ports by chains of iptables (`portmap` with `backend: iptables`).

use netstate::{Adjustment, Attachment, MarkBit, Marking, PortChains};

use super::ports::{leads, parse_leads};
use super::{Amiss, Kind, Site};
use crate::error::Error;
use crate::machine::Host;
use crate::ports::forget_mapped;
use crate::record::word::{escape, unescape};

/// The kind.
pub(super) struct Chains;

/// Before the name of a chain that marks.
const CHAIN: &str = "chain:";

impl Kind for Chains {
    fn word(&self) -> &'static str {
        "port-chains"
    }

    /// `MARK|chain:NAME CONDITIONS4 CONDITIONS6`, and as with `ports`.
    fn line(&self, adjustment: &Adjustment) -> Option<String> {
        let Adjustment::PortChains(PortChains { ports, marking, conditions }) = adjustment else {
            return None;
        };
        let mut line = match marking {
            Marking::Bit(bit) => bit.number().to_string(),
            Marking::Chain(chain) => format!("{CHAIN}{}", escape(chain)),
        };
        for words in conditions {
            line = format!("{line} {}", escape(&words.join(" ")));
        }
        Some(line + &leads(ports))
    }

    fn parse(&self, rest: &str, owner: &Attachment) -> Option<Adjustment> {
        let mut words = rest.split(' ');
        let mark = words.next()?;
        let marking = match mark.strip_prefix(CHAIN) {
            Some(chain) => Marking::Chain(unescape(chain)),
            None => Marking::Bit(MarkBit::try_from(mark.parse::<i64>().ok()?).ok()?),
        };
        let mut conditions = || {
            let text = unescape(words.next()?);
            Some(text.split_whitespace().map(str::to_owned).collect())
        };
        let conditions = [conditions()?, conditions()?];
        let ports = parse_leads(words, owner)?;
        Some(Adjustment::PortChains(PortChains { ports, marking, conditions }))
    }

    fn apply(&self, site: &mut Site<'_>, wanted: &[Adjustment]) -> Result<(), Error> {
        chains(wanted).try_for_each(|chains| site.host.map_chains(chains))
    }

    fn compare(&self, site: &mut Site<'_>, wanted: &[Adjustment]) -> Result<Vec<Amiss>, Error> {
        let mut amiss = Vec::new();
        for chains in chains(wanted) {
            let missing = site.host.missing_chains(chains)?;
            if !missing.is_empty() {
                let found = format!("missing: {}", missing.join(", "));
                amiss.push((Adjustment::PortChains(chains.clone()), found));
            }
        }
        Ok(amiss)
    }

    fn remove(&self, site: &mut Site<'_>, owner: &Attachment, made: &[Adjustment]) -> Result<(), Error> {
        chains(made).try_for_each(|chains| {
            site.host.unmap_chain(owner)?;
            forget_mapped(&chains.ports)
        })
    }

    fn restore(&self, host: &mut Host, all: &[Adjustment]) -> Result<(), Error> {
        chains(all).try_for_each(|chains| match host.map_chains(chains) {
            Err(Error::Nftables(crate::nftables::Error::PortTaken { .. })) => Ok(()),
            done => done,
        })
    }

    /// Every container's chain; the chains that they share stay, as the reference's do.
    fn dismantle(&self, host: &mut Host) -> Result<(), Error> {
        host.remove_marked_chains(|_| true)
    }

    fn stands(&self, host: &mut Host, all: &[Adjustment]) -> Result<bool, Error> {
        for chains in chains(all) {
            if !host.has_chains(chains)? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

fn chains<'a>(adjustments: &'a [Adjustment]) -> impl Iterator<Item = &'a PortChains> {
    let of_kind = |adjustment: &'a Adjustment| {
        if let Adjustment::PortChains(chains) = adjustment { Some(chains) } else { None }
    };
    adjustments.iter().filter_map(of_kind)
}

#[cfg(test)]
mod tests {
    use netstate::{PortClass, Ports};

    use super::*;

    #[test]
    fn a_line_is_read_back_as_it_was_written() {
        let owner = Attachment { network: "net".into(), container: "c".into(), ifname: "eth0".into() };
        let ports =
            Ports { class: PortClass::default(), mappings: vec![], hairpins: vec![], owner: owner.clone() };
        let words = |text: &str| text.split_whitespace().map(str::to_owned).collect();
        for (marking, v4) in [
            (Marking::Bit(MarkBit::default()), ""),
            (Marking::Chain("KUBE-MARK-MASQ".to_owned()), "! -s 10.0.0.0/8 -m comment --comment x"),
        ] {
            let conditions = [words(v4), words("")];
            let wanted = Adjustment::PortChains(PortChains { ports: ports.clone(), marking, conditions });
            let line = Chains.line(&wanted).unwrap();
            assert_eq!(Chains.parse(&line, &owner), Some(wanted), "{line}");
        }
    }
}
