//! The packet rules of flanneld (0.20 and later), in whose place ours have come: to be recognised and removed, never made.
//!
//! ```text
//! iptables   nat POSTROUTING → FLANNEL-POSTRTG, filter FORWARD → FLANNEL-FWD, of both variants
//! nftables   tables ip flannel-ipv4, ip6 flannel-ipv6
//! ```

use std::fmt;

use netlink_packet_netfilter::NetfilterProtoFamily;
use netstate::Family;

use super::Nftables;
use super::error::Error;
use super::legacy_table::{self, has_legacy_chain};
use super::message::{Change, Table};
use super::reference::{IP_NAT, IP6_NAT, Jumped, removal_of_chains};
use super::session::Session;
use crate::iptables::{self, Iptables, Variant};

const IP_FILTER: Table = Table { family: NetfilterProtoFamily::IPv4, name: "filter" };
const IP6_FILTER: Table = Table { family: NetfilterProtoFamily::IPv6, name: "filter" };
const TABLES: [Table; 2] = [
    Table { family: NetfilterProtoFamily::IPv4, name: "flannel-ipv4" },
    Table { family: NetfilterProtoFamily::IPv6, name: "flannel-ipv6" },
];

/// A chain of flanneld's in iptables.
struct Chain {
    /// Its table, in `nf_tables`, of each family.
    nft: [Table; 2],
    /// Its table.
    table: iptables::Table,
    /// Whose packets it gets.
    base: &'static str,
    /// What the rule that sends them there says of itself.
    comment: &'static str,
    name: &'static str,
}

const CHAINS: [Chain; 2] = [
    Chain {
        nft: [IP_NAT, IP6_NAT],
        table: iptables::Table::Nat,
        base: "POSTROUTING",
        comment: "flanneld masq",
        name: "FLANNEL-POSTRTG",
    },
    Chain {
        nft: [IP_FILTER, IP6_FILTER],
        table: iptables::Table::Filter,
        base: "FORWARD",
        comment: "flanneld forward",
        name: "FLANNEL-FWD",
    },
];

/// What came of a look for flanneld's rules.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LeftByFlanneld {
    /// What was there, and is gone.
    pub removed: Vec<String>,
    /// Chains of xtables-legacy that are there still, for this machine has no program to remove them by.
    pub left: Vec<LegacyChain>,
}

/// A chain that an operator has to remove.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LegacyChain {
    /// Where it is: `iptables-legacy nat FLANNEL-POSTRTG`.
    pub chain: String,
    /// What to run, as a line of shell.
    pub command: String,
}

impl fmt::Display for LegacyChain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "flanneld's chain {} is there still; run: {}", self.chain, self.command)
    }
}

impl Nftables {
    /// Removes what flanneld made, in `nf_tables` in one batch. Absence is success, and costs a few questions.
    ///
    /// # Errors
    /// What `nf_tables` says, or iptables.
    pub(crate) fn remove_flanneld(&mut self) -> Result<LeftByFlanneld, crate::Error> {
        let mut found = LeftByFlanneld::default();
        if self.available()? {
            self.session()?.change("remove flanneld's rules", |session| {
                found.removed.clear();
                removal(session, &mut found.removed)
            })?;
        }
        for family in Family::ALL {
            for chain in &CHAINS {
                remove_legacy(family, chain, &mut found)?;
            }
        }
        Ok(found)
    }
}

fn removal(session: &mut Session, removed: &mut Vec<String>) -> Result<Vec<Change>, Error> {
    let mut changes = Vec::new();
    for chain in &CHAINS {
        for table in chain.nft {
            let jumped = Jumped { base: chain.base, chains: &[chain.name.to_owned()] };
            let of_chain = removal_of_chains(session, table, &jumped)?;
            if !of_chain.is_empty() {
                removed.push(format!("chain {table} {}", chain.name));
            }
            changes.extend(of_chain);
        }
    }
    for table in TABLES {
        if session.has_table(table)? {
            removed.push(format!("table {table}"));
            changes.push(table.delete());
        }
    }
    Ok(changes)
}

/// No program is started where the kernel has no such chain.
fn remove_legacy(family: Family, chain: &Chain, found: &mut LeftByFlanneld) -> Result<(), crate::Error> {
    let row = legacy_table::row(family);
    if !has_legacy_chain(family, chain.table.name(), chain.name)? {
        return Ok(());
    }
    let name = format!("{} {} {}", row.program, chain.table.name(), chain.name);
    let iptables = Iptables { family, variant: Variant::Legacy };
    match iptables.remove(chain.table, |saved| saved.without_chains(&[chain.name])) {
        Ok(()) => found.removed.push(format!("chain {name}")),
        Err(iptables::Error::NoProgram(_)) => {
            let run = |words: &str| format!("{} -t {} {words}", row.program, chain.table.name());
            let Chain { base, comment, name: own, .. } = chain;
            let jump = format!("-D {base} -m comment --comment \"{comment}\" -j {own}");
            let command = [run(&jump), run(&format!("-F {own}")), run(&format!("-X {own}"))].join(" && ");
            found.left.push(LegacyChain { chain: name, command });
        }
        Err(error) => return Err(error.into()),
    }
    Ok(())
}
