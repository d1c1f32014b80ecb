//! The two iptables, and which of them are in use.

use std::fs;
use std::io;
use std::path::Path;

use netlink_packet_netfilter::NetfilterProtoFamily;
use netstate::{Family, IptablesVariant as Variant};

use super::error::Error;
use super::{Iptables, Table};
use crate::nftables::Nftables;

/// The tables of `ip_tables` in use. The thread's own network namespace counts, not the process's.
fn names(family: Family) -> &'static Path {
    Path::new(match family {
        Family::V4 => "/proc/thread-self/net/ip_tables_names",
        Family::V6 => "/proc/thread-self/net/ip6_tables_names",
    })
}

impl Iptables {
    /// Is the table there? No program is started for that.
    ///
    /// # Errors
    /// What keeps us from asking the kernel.
    pub fn uses(self, table: Table) -> Result<bool, Error> {
        match self.variant {
            Variant::Nft => {
                let family = match self.family {
                    Family::V4 => NetfilterProtoFamily::IPv4,
                    Family::V6 => NetfilterProtoFamily::IPv6,
                };
                Ok(Nftables::new().has_foreign_table(family, table.name())?)
            }
            Variant::Legacy => {
                let path = names(self.family);
                match fs::read_to_string(path) {
                    Ok(tables) => Ok(tables.lines().any(|found| found == table.name())),
                    Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
                    Err(source) => Err(Error::Io { path: path.to_owned(), source }),
                }
            }
        }
    }

    /// The iptables of a family that rules of a table belong in: those that hold rules there already, and otherwise
    /// the one that this machine's kernel and programs favour, `nft`.
    ///
    /// # Errors
    /// [`Error`].
    pub fn holding(family: Family, table: Table) -> Result<Vec<Self>, Error> {
        let mut holding = Vec::new();
        for variant in Variant::ALL {
            let iptables = Self { family, variant };
            if iptables.uses(table)? && !iptables.save(table)?.is_bare() {
                holding.push(iptables);
            }
        }
        if holding.is_empty() {
            let nft = Nftables::new().available()?;
            let variant = if nft { Variant::Nft } else { Variant::Legacy };
            holding.push(Self { family, variant });
        }
        Ok(holding)
    }
}
