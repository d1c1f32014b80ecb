//! `firewall`: a container's packets are let through where something on the node drops what it does not know, and
//! containers of different bridges are kept apart where that is asked for (`ingressPolicy`).
//!
//! | `backend` | where the rules are |
//! |---|---|
//! | `nftables` | a table of our own |
//! | `iptables` | `CNI-FORWARD` and `CNI-ISOLATION-STAGE-1`, in the iptables that drops, or else holds rules |
//! | `firewalld` | the address is a source of `firewalldZone`; bridges are kept apart by a table of our own |
//! | absent or empty | firewalld if it is on the system bus; iptables if its `FORWARD` drops the address's packets, or `iptablesAdminChainName` is given, or its chain is there; else nftables |

mod conf;
mod keepers;

use std::net::IpAddr;

use cni::{Code, Coded, Failure, Interface, Request, Success, Version};
use host::Host;
use host::record::Keeper;
use netstate::{Adjustment, Family, Firewall as Rule, FirewallRule, LinkName, Object, Plan};

use self::conf::{Backend, Conf, ConfError};
use self::keepers::Seen;
use super::flow::{Leaving, Machine, Policy, Wanted};
use crate::failure::of;

/// The plugin.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Firewall;

/// STATUS: an ADD would fail.
#[derive(Debug, thiserror::Error)]
enum NotReady {
    #[error("backend: \"firewalld\": it is not running")]
    Firewalld,
    #[error("backend: \"nftables\": this kernel has no nf_tables")]
    Nftables,
    #[error("backend: \"iptables\": {0}")]
    Iptables(host::Error),
}

/// STATUS: a container's packets are dropped by somebody who does not ask us.
#[derive(Debug, thiserror::Error)]
#[error(
    "packets of {address} are let through in vain: chain {chain} drops all that is forwarded; it needs a rule that accepts them"
)]
struct InVain {
    address: IpAddr,
    chain: String,
}

impl Coded for InVain {
    fn code(&self) -> Code {
        Code::LimitedConnectivity
    }
}

impl Coded for NotReady {
    fn code(&self) -> Code {
        Code::NotAvailable
    }
}

impl Policy for Firewall {
    const NAME: &'static str = "firewall";
    const KEEPER: Keeper = Keeper::Firewall;
    type Conf = Conf;
    type Seen = Seen;

    /// As the reference.
    fn versions() -> &'static [Version] {
        let first = Version::ALL.iter().position(|version| *version == Version::V0_4_0).unwrap_or(0);
        &Version::ALL[first..]
    }

    fn parse(request: &Request) -> Result<Conf, Failure> {
        Conf::parse(request)
    }

    fn look(conf: &Conf, wanted: &Wanted, machine: &mut Machine) -> Result<Seen, Failure> {
        Seen::look(conf, &addresses(wanted.result), machine)
    }

    fn plan(conf: &Conf, wanted: &Wanted, seen: &Seen) -> Result<Plan, Failure> {
        let mut rules = Vec::new();
        for address in addresses(wanted.result) {
            let keepers = keepers::accepting(conf, address, seen);
            rules.extend(keepers.into_iter().map(|keeper| FirewallRule::Accept { address, keeper }));
        }
        if let Some(ingress) = conf.ingress {
            let bridge = bridge(wanted.result).ok_or(ConfError::NoBridge(ingress))?;
            let port = port(wanted.result, &bridge);
            for keeper in keepers::separating(ingress, port.as_ref(), &rules) {
                rules.push(FirewallRule::Separate { bridge: bridge.clone(), ingress, keeper });
            }
        }
        let mut plan = Plan::default();
        for rule in rules {
            let rule = Rule { rule, owner: wanted.owner.clone() };
            plan.host(Object::Adjustment(Adjustment::Firewall(rule)));
        }
        Ok(plan)
    }

    fn status(conf: &Conf, host: &mut Host) -> Result<(), Failure> {
        match conf.backend {
            Backend::Firewalld if !host.has_firewalld().map_err(of)? => Err(NotReady::Firewalld.into()),
            Backend::Nftables if !host.has_nftables().map_err(of)? => Err(NotReady::Nftables.into()),
            Backend::Iptables => {
                host.iptables_works(Family::V4).map_err(|error| NotReady::Iptables(error).into())
            }
            Backend::Nftables | Backend::Firewalld | Backend::Auto => Ok(()),
        }
    }

    fn heard(host: &mut Host, adjustments: &[Adjustment]) -> Result<(), Failure> {
        match host.accepted_in_vain(adjustments).map_err(of)? {
            Some((address, chain)) => Err(InVain { address, chain }.into()),
            None => Ok(()),
        }
    }

    fn compare_unrecorded(
        conf: &Conf,
        wanted: &Wanted,
        machine: &mut Machine,
    ) -> Result<Option<Vec<String>>, Failure> {
        let (mut missing, mut found) = (Vec::new(), false);
        for address in addresses(wanted.result) {
            if machine.host.has_reference_accept(address, &conf.zone).map_err(of)? {
                found = true;
            } else {
                missing.push(format!("firewall accept {address}: missing"));
            }
        }
        Ok(found.then_some(missing))
    }

    fn remove_unrecorded(leaving: &Leaving, host: &mut Host) -> Vec<Failure> {
        let result = leaving.request.config.prev_result().ok().flatten().unwrap_or_default();
        let zone = Conf::parse(leaving.request).map_or_else(|_| conf::ZONE.to_owned(), |conf| conf.zone);
        let addresses = addresses(&result);
        let removed = [
            host.remove_firewall_of(&leaving.owner),
            host.remove_reference_accepts(&leaving.owner, (&addresses, &zone)),
        ];
        removed.into_iter().filter_map(Result::err).map(of).collect()
    }

    fn remove_strays(request: &Request, host: &mut Host, kept: &[netstate::Attachment]) -> Vec<Failure> {
        host.remove_firewall_strays(&request.config.name, kept).err().map(of).into_iter().collect()
    }
}

/// The container's addresses, each once.
fn addresses(result: &Success) -> Vec<IpAddr> {
    let of_host = |index: usize| result.interfaces.get(index).is_some_and(|found| found.sandbox.is_empty());
    let mut addresses = Vec::new();
    for ip in result.ips.iter().filter(|ip| !ip.interface.is_some_and(of_host)) {
        if !addresses.contains(&ip.address.ip()) {
            addresses.push(ip.address.ip());
        }
    }
    addresses
}

fn on_host(result: &Success) -> impl Iterator<Item = &Interface> {
    result.interfaces.iter().filter(|found| found.sandbox.is_empty())
}

/// The bridge, which every bridge plugin names first.
fn bridge(result: &Success) -> Option<LinkName> {
    result.interfaces.first().filter(|found| found.sandbox.is_empty())?.name.parse().ok()
}

/// The host end of the container's pair: what is on the host beside the bridge.
fn port(result: &Success, bridge: &LinkName) -> Option<LinkName> {
    on_host(result).filter_map(|found| found.name.parse().ok()).find(|name: &LinkName| name != bridge)
}
