//! Answers of servers, good and bad.

use cni::Route;
use netstate::Mac;

use super::super::super::error::LeaseError;
use super::super::super::message::{Heard, heard};
use super::{classful, classless, lease, refusal};

fn shown(routes: &[Route]) -> Vec<String> {
    let gateway = |route: &Route| route.gw.map(|gw| gw.to_string()).unwrap_or_default();
    routes.iter().map(|route| format!("{} {} {:?}", route.dst, gateway(route), route.scope)).collect()
}

/// A server's message with these options, in UDP from port 67 to port 68.
fn answer(options: &[u8]) -> Heard {
    let mut message = vec![0; 240];
    message[..4].copy_from_slice(&[2, 1, 6, 0]);
    message[16..20].copy_from_slice(&[10, 5, 0, 10]);
    message[28..34].copy_from_slice(&[2, 0, 0, 0, 0, 1]);
    message[236..].copy_from_slice(&[0x63, 0x82, 0x53, 0x63]);
    message.extend(options);
    message.push(255);
    let length = |length: usize| u16::try_from(length).expect("short").to_be_bytes();
    let udp = [&[0, 67, 0, 68][..], &length(8 + message.len()), &[0, 0], &message].concat();
    let head =
        [&[0x45, 0][..], &length(20 + udp.len()), &[0, 0, 0, 0, 64, 17, 0, 0, 10, 5, 0, 1, 10, 5, 0, 10]];
    heard(&[&head.concat()[..], &udp].concat()).expect("a server's message")
}

const MASK: [u8; 6] = [1, 4, 255, 255, 255, 0];
const SERVER: [u8; 6] = [54, 4, 10, 5, 0, 1];
const TIME: [u8; 6] = [51, 4, 0, 0, 14, 16];
const ACK: [u8; 3] = [53, 1, 5];

#[test]
fn a_lease_has_the_servers_mask_router_and_times() {
    let router = [3, 8, 10, 5, 0, 1, 10, 5, 0, 2];
    let ack = answer(&[&ACK[..], &MASK, &SERVER, &TIME, &router].concat());
    let lease = lease(&ack, Mac([2; 6]), 100).unwrap();
    assert_eq!(lease.address.to_string(), "10.5.0.10/24");
    assert_eq!(lease.gateway.map(|gateway| gateway.to_string()), Some("10.5.0.1".to_owned()));
    assert_eq!(shown(&lease.routes), ["0.0.0.0/0 10.5.0.1 None"]);
    assert_eq!((lease.times.renew, lease.times.expire), (1900, 3700));
    assert_eq!((lease.server.hop(), lease.mac), (Mac([2; 6]), [2, 0, 0, 0, 0, 1]));
}

#[test]
fn what_must_be_there_is_missed() {
    for (options, lacks) in [
        ([&ACK[..], &SERVER, &TIME].concat(), "Subnet Mask"),
        ([&ACK[..], &MASK, &TIME].concat(), "Server Identifier"),
        ([&ACK[..], &MASK, &SERVER].concat(), "IP Address Lease Time"),
    ] {
        let error = lease(&answer(&options), Mac([2; 6]), 0).unwrap_err();
        assert!(matches!(error, LeaseError::Lacks(option) if option == lacks), "{error}");
    }
    let nak = answer(&[&[53, 1, 6][..], &SERVER, &[56, 2, b'n', b'o']].concat());
    assert_eq!(refusal(&nak).to_string(), "the DHCP server 10.5.0.1 refuses: no");
}

#[test]
fn routes_by_prefixes_replace_all_others() {
    let by_router = [3, 4, 10, 5, 0, 1];
    let by_class = [33, 8, 192, 168, 54, 0, 10, 5, 0, 3];
    let by_prefix = [121, 5, 0, 10, 5, 0, 9];
    let base = [&ACK[..], &MASK, &SERVER, &TIME, &by_router, &by_class].concat();
    let routes = |options: &[u8]| shown(&lease(&answer(options), Mac([2; 6]), 0).unwrap().routes);
    assert_eq!(routes(&base), ["192.168.54.0/24 10.5.0.3 None", "0.0.0.0/0 10.5.0.1 None"]);
    assert_eq!(routes(&[&base[..], &by_prefix].concat()), ["0.0.0.0/0 10.5.0.9 None"]);
}

// The reference's TestParseRoutes.
#[test]
fn routes_by_classes_have_the_prefix_of_their_class() {
    let bytes = [10, 0, 0, 0, 10, 1, 2, 3, 192, 168, 1, 0, 192, 168, 2, 3, 172, 16, 0, 0, 1, 1, 1, 1, 224, 0];
    let routes = classful(&bytes);
    assert_eq!(
        shown(&routes),
        ["10.0.0.0/8 10.1.2.3 None", "192.168.1.0/24 192.168.2.3 None", "172.16.0.0/16 1.1.1.1 None"]
    );
}

#[test]
fn a_route_without_a_router_is_on_the_link_and_half_a_route_is_none() {
    let whole = [24, 10, 1, 2, 0, 0, 0, 0, 9, 172, 128, 10, 5, 0, 1, 32, 1, 2, 3, 4, 10, 5, 0, 2];
    assert_eq!(
        shown(&classless(&whole)),
        ["10.1.2.0/24 0.0.0.0 Some(253)", "172.128.0.0/9 10.5.0.1 None", "1.2.3.4/32 10.5.0.2 None"]
    );
    for length in 0..whole.len() {
        assert!(classless(&whole[..length]).len() < 3);
    }
    assert_eq!(classless(&[33, 1, 2, 3, 4, 5, 10, 5, 0, 1]), []);
}

#[test]
fn an_option_in_pieces_is_put_together() {
    let pieces = [121, 3, 0, 10, 5, 121, 2, 0, 9];
    let ack = answer(&[&ACK[..], &MASK, &SERVER, &TIME, &pieces].concat());
    assert_eq!(shown(&lease(&ack, Mac([2; 6]), 0).unwrap().routes), ["0.0.0.0/0 10.5.0.9 None"]);
}
