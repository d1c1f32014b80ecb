//! Addresses by router advertisements (RFC 4862): the prefix is the router's, the rest the link's own. The kernel would
//! make the same address by itself; it is told not to, so that the interface plugin may. Routes stay the kernel's, which
//! follows the routers as they come and go.

use std::net::{IpAddr, Ipv6Addr};
use std::time::{Duration, Instant};

use host::router::Solicitor;
use host::{Applied, Host};
use ipnetwork::{IpNetwork, Ipv6Network};
use netstate::{Mac, Object, Plan, Sysctl};

use super::config::Protocol;
use super::errand::{Errand, SLICE, clock};
use super::error::LeaseError;
use super::lease::{Lease, Names, Server, Spans, Times};

/// Longer than any link of a container takes, in bytes.
const BUFFER: usize = 9216;

/// Of a router advertisement, before its options, in bytes (RFC 4861, 4.2).
const HEAD: usize = 16;

/// Makes an address of the first prefix that somebody announces for that.
pub(super) fn obtain(errand: &Errand) -> Result<Lease, LeaseError> {
    make_room(errand, None)?;
    let solicitor = Solicitor::open(errand.namespace, errand.index)?;
    let began = Instant::now();
    for round in errand.manner.patience.rounds() {
        if let Some(lease) = ask(errand, &solicitor, round.listen)? {
            make_room(errand, Some(lease.address))?;
            return Ok(lease);
        }
        errand.pause(round.pause)?;
    }
    Err(no_answer(errand, began))
}

/// Looks whether the prefix is still announced: none where another one is in its place.
pub(super) fn extend(errand: &Errand, lease: &Lease) -> Result<Option<Lease>, LeaseError> {
    let solicitor = Solicitor::open(errand.namespace, errand.index)?;
    let began = Instant::now();
    for round in errand.manner.patience.few_rounds() {
        match ask(errand, &solicitor, round.listen)? {
            Some(new) => return Ok(Some(new).filter(|new| new.address == lease.address)),
            None => errand.pause(round.pause)?,
        }
    }
    Err(no_answer(errand, began))
}

fn no_answer(errand: &Errand, began: Instant) -> LeaseError {
    LeaseError::NoAnswer {
        what: "router that announces a prefix",
        link: errand.link.to_string(),
        after: began.elapsed(),
    }
}

/// Keeps the kernel from making addresses of prefixes, and takes away the one that it was faster to make.
fn make_room(errand: &Errand, address: Option<IpNetwork>) -> Result<(), LeaseError> {
    let mut host = Host::open()?;
    let mut plan = Plan::default();
    plan.container(Object::Sysctl(Sysctl {
        path: format!("net/ipv6/conf/{}/autoconf", errand.link),
        value: "0".to_owned(),
        optional: true,
    }));
    host.apply(&plan, Some(errand.namespace), &mut Applied::default())?;
    if let Some(address) = address {
        host.remove_address_in(errand.namespace, &errand.link, address)?;
    }
    Ok(())
}

fn ask(errand: &Errand, solicitor: &Solicitor, listen: Duration) -> Result<Option<Lease>, LeaseError> {
    let failed = |verb, what| move |source| LeaseError::Io { verb, what, source };
    let asked = clock()?;
    solicitor.solicit().map_err(failed("send", "a router solicitation"))?;
    let end = Instant::now() + listen;
    let mut buffer = vec![0; BUFFER];
    loop {
        errand.unless_released()?;
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(None);
        }
        let received = solicitor.receive(&mut buffer, left.min(SLICE));
        let Some(length) = received.map_err(failed("receive", "router advertisements"))? else { continue };
        let announced = buffer.get(..length).and_then(announced);
        if let Some(Announced { prefix, valid, name_servers }) = announced {
            return Ok(Some(Lease {
                protocol: Protocol::Slaac,
                address: address(prefix, errand.mac),
                mac: errand.mac.0,
                gateway: None,
                routes: Vec::new(),
                names: Names { servers: name_servers, domain: None },
                server: Server { id: Vec::new(), hop: [0; 6] },
                times: Times::new(asked, Spans { lease: valid, renew: None, rebind: None }),
            }));
        }
    }
}

/// The prefix, and the link's identifier from its MAC (RFC 4291, appendix A).
fn address(prefix: Ipv6Network, mac: Mac) -> IpNetwork {
    let host = u128::from(mac.link_local()) & u128::from(u64::MAX);
    let address = Ipv6Addr::from(u128::from(prefix.network()) | host);
    Ipv6Network::new(address, prefix.prefix()).unwrap_or(prefix).into()
}

/// What a router says.
#[derive(Debug, PartialEq, Eq)]
struct Announced {
    prefix: Ipv6Network,
    /// For how long, in seconds.
    valid: u32,
    name_servers: Vec<IpAddr>,
}

/// The first prefix of a router advertisement that addresses may be made of.
fn announced(bytes: &[u8]) -> Option<Announced> {
    let mut prefix = None;
    let mut name_servers = Vec::new();
    let mut rest = bytes.get(HEAD..).filter(|_| bytes[..2] == [134, 0])?;
    while let [kind, units, ..] = *rest {
        let length = usize::from(units) * 8;
        let option = rest.get(..length).filter(|_| length > 0)?;
        match (kind, option) {
            // Length, flags (0x40: autonomous), valid and preferred lifetime, and the prefix.
            (3, [_, _, 64, flags, v0, v1, v2, v3, _, _, _, _, _, _, _, _, address @ ..])
                if flags & 0x40 != 0 =>
            {
                let address = Ipv6Addr::from(*address.first_chunk::<16>()?);
                let valid = u32::from_be_bytes([*v0, *v1, *v2, *v3]);
                let network = Ipv6Network::new(address, 64).ok().filter(|_| valid > 0);
                prefix = prefix.or(network.map(|network| (network, valid)));
            }
            (25, [_, _, _, _, _, _, _, _, addresses @ ..]) => {
                let (addresses, _) = addresses.as_chunks::<16>();
                name_servers.extend(addresses.iter().map(|bytes| IpAddr::from(*bytes)));
            }
            _ => {}
        }
        rest = rest.get(length..)?;
    }
    prefix.map(|(prefix, valid)| Announced { prefix, valid, name_servers })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn advertisement(flags: u8, valid: u32) -> Vec<u8> {
        let mut bytes = vec![134, 0, 0, 0, 64, 0, 7, 8, 0, 0, 0, 0, 0, 0, 0, 0];
        bytes.extend([1, 1, 2, 0, 0, 0, 0, 1]);
        bytes.extend([3, 4, 64, flags]);
        bytes.extend(valid.to_be_bytes());
        bytes.extend([0; 8]);
        bytes.extend("fd05::".parse::<Ipv6Addr>().unwrap().octets());
        bytes
    }

    #[test]
    fn an_address_is_made_of_the_prefix_and_the_links_mac() {
        let Announced { prefix, valid, .. } = announced(&advertisement(0xc0, 600)).unwrap();
        assert_eq!(valid, 600);
        let made = address(prefix, Mac([2, 0, 0, 0, 0, 1]));
        assert_eq!(made.to_string(), "fd05::ff:fe00:1/64");
    }

    #[test]
    fn what_is_no_prefix_for_addresses_is_passed_over() {
        assert_eq!(announced(&advertisement(0x80, 600)), None);
        assert_eq!(announced(&advertisement(0xc0, 0)), None);
        let whole = advertisement(0xc0, 600);
        for length in 0..whole.len() {
            assert_eq!(announced(&whole[..length]), None);
        }
    }
}
