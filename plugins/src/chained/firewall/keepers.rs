//! Who keeps a rule: the one that the machine listens to.

use std::net::IpAddr;

use cni::Failure;
use netstate::{
    AcceptKeeper, Adjustment, Family, Firewall, FirewallRule, IptablesVariant, LinkName, Separation,
    SeparationKeeper,
};

use super::super::flow::Machine;
use super::conf::{Backend, Conf};
use crate::failure::of;

/// What the choice depends on.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// firewalld owns its name on the system bus.
    pub(super) firewalld: bool,
    /// Which iptables drop an address's packets, or had the administrator's chain before ADD; for each address.
    pub(super) heard: Vec<(IpAddr, Vec<IptablesVariant>)>,
    /// Which iptables rules belong in, whoever drops; for each family that has an address, where that matters.
    pub(super) holding: Vec<(Family, Vec<IptablesVariant>)>,
    /// Who keeps what an ADD has made.
    pub(super) recorded: Vec<(IpAddr, AcceptKeeper)>,
}

impl Seen {
    /// Looks for what the configuration leaves open, and for no more.
    ///
    /// # Errors
    /// Where the machine can't be asked.
    pub(super) fn look(conf: &Conf, addresses: &[IpAddr], machine: &mut Machine) -> Result<Self, Failure> {
        let mut seen =
            Self { recorded: machine.recorded.iter().filter_map(accept).collect(), ..Self::default() };
        if conf.backend == Backend::Auto {
            seen.firewalld = machine.host.has_firewalld().map_err(of)?;
        }
        if seen.firewalld || !matches!(conf.backend, Backend::Auto | Backend::Iptables) {
            return Ok(seen);
        }
        for address in addresses {
            let mut heard = machine.host.iptables_that_drop(*address).map_err(of)?;
            let family = Family::of(*address);
            if !seen.recorded.iter().any(|(of, _)| of == address) {
                heard.extend(machine.host.iptables_with_chain(family, conf.admin_chain()).map_err(of)?);
            }
            let asked_for = conf.backend == Backend::Iptables || conf.admin_chain.is_some();
            if asked_for && heard.is_empty() && seen.holding(family).is_empty() {
                seen.holding.push((family, machine.host.iptables_holding(family).map_err(of)?));
            }
            seen.heard.push((*address, heard));
        }
        Ok(seen)
    }

    fn heard(&self, address: IpAddr) -> &[IptablesVariant] {
        self.heard.iter().find(|(of, _)| *of == address).map_or(&[], |(_, variants)| variants)
    }

    fn holding(&self, family: Family) -> &[IptablesVariant] {
        self.holding.iter().find(|(of, _)| *of == family).map_or(&[], |(_, variants)| variants)
    }
}

fn accept(adjustment: &Adjustment) -> Option<(IpAddr, AcceptKeeper)> {
    match adjustment {
        Adjustment::Firewall(Firewall { rule: FirewallRule::Accept { address, keeper }, .. }) => {
            Some((*address, keeper.clone()))
        }
        _ => None,
    }
}

/// Who keeps an address's accept. What an ADD has made stays wanted, and what drops since is wanted, too.
pub(super) fn accepting(conf: &Conf, address: IpAddr, seen: &Seen) -> Vec<AcceptKeeper> {
    let recorded = seen.recorded.iter().filter(|(of, _)| *of == address);
    let mut keepers: Vec<AcceptKeeper> = match conf.backend {
        Backend::Auto | Backend::Iptables => recorded.map(|(_, keeper)| keeper.clone()).collect(),
        Backend::Nftables | Backend::Firewalld => Vec::new(),
    };
    if keepers.iter().any(|keeper| matches!(keeper, AcceptKeeper::Firewalld { .. })) {
        return keepers;
    }
    let recorded = !keepers.is_empty();
    for keeper in choice(conf, address, seen) {
        let dropped_since = !seen.heard(address).is_empty();
        if (!recorded || dropped_since) && !keepers.contains(&keeper) {
            keepers.push(keeper);
        }
    }
    keepers
}

fn choice(conf: &Conf, address: IpAddr, seen: &Seen) -> Vec<AcceptKeeper> {
    let firewalld = || vec![AcceptKeeper::Firewalld { zone: conf.zone.clone() }];
    let variants = match seen.heard(address) {
        [] => seen.holding(Family::of(address)),
        heard => heard,
    };
    let admin_chain = conf.admin_chain();
    let iptables = || {
        let keeper = |variant: &IptablesVariant| AcceptKeeper::Iptables {
            variant: *variant,
            admin_chain: admin_chain.to_owned(),
        };
        variants.iter().map(keeper).collect()
    };
    match conf.backend {
        Backend::Nftables => vec![AcceptKeeper::Nftables],
        Backend::Firewalld => firewalld(),
        Backend::Auto if seen.firewalld => firewalld(),
        Backend::Auto if variants.is_empty() => vec![AcceptKeeper::Nftables],
        Backend::Iptables | Backend::Auto => iptables(),
    }
}

/// Who separates the bridge: each iptables that has an accept, for there an accept would come first; else, and where
/// ports of one bridge are to be kept apart, `nf_tables`.
pub(super) fn separating(
    ingress: Separation,
    port: Option<&LinkName>,
    accepts: &[FirewallRule],
) -> Vec<SeparationKeeper> {
    let mut keepers = Vec::new();
    for rule in accepts {
        if let FirewallRule::Accept { address, keeper: AcceptKeeper::Iptables { variant, .. } } = rule {
            let keeper = SeparationKeeper::Iptables { family: Family::of(*address), variant: *variant };
            if !keepers.contains(&keeper) {
                keepers.push(keeper);
            }
        }
    }
    let elsewhere = |rule: &FirewallRule| {
        !matches!(rule, FirewallRule::Accept { keeper: AcceptKeeper::Iptables { .. }, .. })
    };
    if ingress == Separation::Isolated || keepers.is_empty() || accepts.iter().any(elsewhere) {
        keepers.push(SeparationKeeper::Nftables { port: port.cloned() });
    }
    keepers
}

#[cfg(test)]
mod tests;
