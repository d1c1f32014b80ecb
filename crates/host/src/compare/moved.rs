//! Where a later plugin of the chain moves a link's routes: `sbr` to tables of its addresses, `vrf` to its VRF's.

use netstate::Family;

use crate::address;
use crate::adjustment::{source_rule, vrf};
use crate::error::{Context, Error};
use crate::link::{Seen, Socket};

/// The tables that packets from one of the link's addresses are led to, and that of the VRF which the link is in.
pub(super) fn tables(socket: &mut Socket, link: &Seen, family: Family) -> Result<Vec<u32>, Error> {
    let own =
        address::of_link(socket, link.index, Some(family)).context("read the addresses of", &link.name)?;
    let rules = source_rule::of_family(socket, family)?;
    let from_here = rules.into_iter().filter(|rule| own.iter().any(|seen| seen.network.ip() == rule.source));
    let mut tables: Vec<u32> = from_here.map(|rule| rule.table).collect();
    if let Some(master) = link.master {
        tables.extend(vrf::all(socket)?.into_iter().find(|vrf| vrf.index == master).map(|vrf| vrf.table));
    }
    Ok(tables)
}
