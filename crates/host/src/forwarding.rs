//! Forwarding, without the loss of the host's own default route.
//!
//! A host that forwards IPv6 no longer listens to router advertisements where `accept_ra` is 1
//! (`ip-sysctl.rst`): its default route would expire some minutes later. So uplinks that listen now get 2, "accept
//! even if forwarding is enabled", before forwarding goes on. Links towards containers get no such thing: a
//! container must not pose as the host's router (CVE-2020-10749).

use netstate::{Family, Sysctl};

use crate::error::{Context, Error};
use crate::link::{self, Socket};
use crate::{route, sysctl};

/// Lets packets of this family pass from link to link.
///
/// # Errors
/// Where a setting can't be read or written.
pub(crate) fn ensure(socket: &mut Socket, family: Family) -> Result<(), Error> {
    let path = family.forwarding_sysctl();
    if sysctl::read(path)?.as_deref() == Some("1") {
        return Ok(());
    }
    if family == Family::V6 {
        for name in uplinks(socket)? {
            keep_listening(&name)?;
        }
    }
    sysctl::ensure(&Sysctl { path: path.to_owned(), value: "1".to_owned(), optional: false })
}

/// Links that a router's default route came by, and those that are neither a bridge nor a bridge's port nor a
/// veth end: one of these may hear its router only later.
fn uplinks(socket: &mut Socket) -> Result<Vec<String>, Error> {
    let routes = route::all(socket, Family::V6).context("read", &"the IPv6 routes")?;
    let advertised = |index| {
        let default = Family::V6.default_route();
        routes
            .iter()
            .any(|route| route.advertised && route.destination == default && route.link == Some(index))
    };
    let links = link::all(socket).context("read", &"the links")?;
    let inside = |link: &link::Seen| link.is_kind("bridge") || link.is_kind("veth") || link.master.is_some();
    Ok(links
        .into_iter()
        .filter(|link| link.name != "lo" && (advertised(link.index) || !inside(link)))
        .map(|link| link.name)
        .collect())
}

fn keep_listening(name: &str) -> Result<(), Error> {
    let path = format!("net/ipv6/conf/{name}/accept_ra");
    match sysctl::read(&path)?.as_deref() {
        Some("1") => sysctl::ensure(&Sysctl { path, value: "2".to_owned(), optional: true }),
        _ => Ok(()),
    }
}
