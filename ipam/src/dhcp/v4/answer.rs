//! What a server's answer says (RFC 2132, RFC 3442). Pure.

use std::net::{IpAddr, Ipv4Addr};

use cni::Route;
use ipnetwork::{IpNetwork, Ipv4Network};
use netstate::{Family, Mac, Scope};

use super::super::config::Protocol;
use super::super::error::LeaseError;
use super::super::lease::{Lease, Names, Server, Spans, Times};
use super::super::message::Heard;
use super::super::option;

/// The lease of an ACK that came by way of `hop`, and was asked for at `asked`, in seconds since the machine started.
///
/// # Errors
/// [`LeaseError::Lacks`] where it has no mask, no time or no server.
pub(super) fn lease(heard: &Heard, hop: Mac, asked: u64) -> Result<Lease, LeaseError> {
    let mask = heard.address(option::SUBNET_MASK);
    let address = mask.and_then(|mask| Ipv4Network::with_netmask(heard.address, mask).ok());
    let time = heard.number(option::LEASE_TIME).ok_or(LeaseError::Lacks("IP Address Lease Time"))?;
    let server = heard.address(option::SERVER).ok_or(LeaseError::Lacks("Server Identifier"))?;
    let spans = Spans {
        lease: time,
        renew: heard.number(option::RENEWAL_TIME),
        rebind: heard.number(option::REBINDING_TIME),
    };
    Ok(Lease {
        protocol: Protocol::Dhcp4,
        address: address.ok_or(LeaseError::Lacks("Subnet Mask"))?.into(),
        mac: heard.mac.0,
        gateway: heard.address(option::ROUTERS).map(IpAddr::V4),
        routes: routes(heard),
        names: names(heard),
        server: Server { id: server.octets().to_vec(), hop: hop.0 },
        times: Times::new(asked, spans),
    })
}

/// A server's words, where it says no.
pub(super) fn refusal(heard: &Heard) -> LeaseError {
    let reason = heard.option(option::MESSAGE).map(|text| String::from_utf8_lossy(text).into_owned());
    LeaseError::Refused {
        server: heard.address(option::SERVER).map(|server| server.to_string()).unwrap_or_default(),
        reason: reason.unwrap_or_else(|| "it gives no reason".to_owned()),
    }
}

/// Routes by prefixes replace all others (RFC 3442); of those, the default route comes last.
fn routes(heard: &Heard) -> Vec<Route> {
    let classless = heard.option(option::CLASSLESS_ROUTES).map(classless).unwrap_or_default();
    if !classless.is_empty() {
        return classless;
    }
    let mut routes = heard.option(option::STATIC_ROUTES).map(classful).unwrap_or_default();
    if let Some(router) = heard.address(option::ROUTERS) {
        routes.push(Route::new(Family::V4.default_route(), Some(router.into())));
    }
    routes
}

/// Each is the prefix's length, as many of its bytes as that needs, and the gateway. Half a route ends the list.
fn classless(mut bytes: &[u8]) -> Vec<Route> {
    let mut routes = Vec::new();
    while let Some((length, rest)) = bytes.split_first() {
        let significant = usize::from(length.div_ceil(8));
        let Some((prefix, rest)) = rest.split_at_checked(significant).filter(|_| significant <= 4) else {
            break;
        };
        let Some((gateway, rest)) = rest.split_first_chunk::<4>() else { break };
        let mut address = [0; 4];
        address[..significant].copy_from_slice(prefix);
        let Ok(destination) = Ipv4Network::new(address.into(), *length) else { break };
        let destination = IpNetwork::V4(destination);
        let gateway = Ipv4Addr::from(*gateway);
        let mut route = Route::new(destination, Some(gateway.into()));
        // On the link itself.
        route.scope = gateway.is_unspecified().then_some(Scope::LINK.0);
        routes.push(route);
        bytes = rest;
    }
    routes
}

/// Pairs of a network and its gateway.
fn classful(bytes: &[u8]) -> Vec<Route> {
    let (pairs, _) = bytes.as_chunks::<8>();
    let route = |[a, b, c, d, gateway @ ..]: &[u8; 8]| {
        let length = match a {
            0..=127 => 8,
            128..=191 => 16,
            192..=223 => 24,
            _ => return None,
        };
        let network = Ipv4Network::new(Ipv4Addr::new(*a, *b, *c, *d), length).ok()?;
        Some(Route::new(IpNetwork::V4(network), Some(Ipv4Addr::from(*gateway).into())))
    };
    pairs.iter().filter_map(route).collect()
}

/// What was asked for.
fn names(heard: &Heard) -> Names {
    let (servers, _) = heard.option(option::NAME_SERVERS).unwrap_or_default().as_chunks::<4>();
    let domain = heard.option(option::DOMAIN_NAME).map(|text| String::from_utf8_lossy(text).into_owned());
    Names {
        servers: servers.iter().map(|bytes| Ipv4Addr::from(*bytes).into()).collect(),
        domain: domain.map(|text| text.trim_end_matches('\0').to_owned()).filter(|text| !text.is_empty()),
    }
}

#[cfg(test)]
mod tests;
