//! Rules of `firewall`.

use netstate::{Adjustment, Attachment, Firewall, FirewallRule};

use super::{Amiss, Kind, Site};
use crate::error::Error;
use crate::machine::Host;
use crate::nftables::firewall::Owned;

/// The kind.
pub(super) struct Rules;

impl Kind for Rules {
    fn word(&self) -> &'static str {
        "firewall"
    }

    fn line(&self, adjustment: &Adjustment) -> Option<String> {
        match adjustment {
            Adjustment::Firewall(firewall) => Some(firewall.rule.to_string()),
            _ => None,
        }
    }

    fn parse(&self, rest: &str, owner: &Attachment) -> Option<Adjustment> {
        Some(Adjustment::Firewall(Firewall { rule: rest.parse().ok()?, owner: owner.clone() }))
    }

    fn apply(&self, site: &mut Site<'_>, wanted: &[Adjustment]) -> Result<(), Error> {
        site.host.add_firewall(&owned(wanted))
    }

    fn compare(&self, site: &mut Site<'_>, wanted: &[Adjustment]) -> Result<Vec<Amiss>, Error> {
        let missing = site.host.missing_firewall(&owned(wanted))?;
        let is_missing = |adjustment: &&Adjustment| match adjustment {
            Adjustment::Firewall(firewall) => missing.contains(&firewall.rule),
            _ => false,
        };
        Ok(wanted.iter().filter(is_missing).map(|amiss| (amiss.clone(), "missing".to_owned())).collect())
    }

    fn remove(&self, site: &mut Site<'_>, owner: &Attachment, made: &[Adjustment]) -> Result<(), Error> {
        let rules: Vec<FirewallRule> = owned(made).into_iter().map(|(rule, _)| rule.clone()).collect();
        site.host.remove_firewall(owner, &rules)
    }

    fn restore(&self, host: &mut Host, all: &[Adjustment]) -> Result<(), Error> {
        host.add_firewall(&owned(all))
    }

    fn stands(&self, host: &mut Host, some: &[Adjustment]) -> Result<bool, Error> {
        let rules: Vec<FirewallRule> = owned(some).into_iter().map(|(rule, _)| rule.clone()).collect();
        host.firewall_stands(&rules)
    }

    fn dismantle(&self, host: &mut Host) -> Result<(), Error> {
        host.dismantle_firewall()
    }
}

fn owned(adjustments: &[Adjustment]) -> Vec<Owned<'_>> {
    let owned = adjustments.iter().filter_map(|adjustment| match adjustment {
        Adjustment::Firewall(Firewall { rule, owner }) => Some((rule, owner)),
        _ => None,
    });
    owned.collect()
}
