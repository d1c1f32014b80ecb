//! DHCP options by their names and numbers (RFC 2132, RFC 3442).

/// The subnet's mask.
pub(super) const SUBNET_MASK: u8 = 1;
/// Gateways, the best first.
pub(super) const ROUTERS: u8 = 3;
/// Addresses of name servers.
pub(super) const NAME_SERVERS: u8 = 6;
/// What the server shall call the client.
const HOST_NAME: u8 = 12;
/// The local domain.
pub(super) const DOMAIN_NAME: u8 = 15;
/// Routes by classes of addresses: pairs of destination and gateway.
pub(super) const STATIC_ROUTES: u8 = 33;
/// The address that a client would like to have.
pub(super) const REQUESTED_ADDRESS: u8 = 50;
/// For how long, in seconds.
pub(super) const LEASE_TIME: u8 = 51;
/// What kind of message it is.
pub(super) const MESSAGE_TYPE: u8 = 53;
/// Which server.
pub(super) const SERVER: u8 = 54;
/// What the client wants to know.
pub(super) const PARAMETER_LIST: u8 = 55;
/// Why a server refuses, in words.
pub(super) const MESSAGE: u8 = 56;
/// When to ask the server again, in seconds.
pub(super) const RENEWAL_TIME: u8 = 58;
/// When to ask any server, in seconds.
pub(super) const REBINDING_TIME: u8 = 59;
/// What kind of client it is.
const VENDOR_CLASS: u8 = 60;
/// Who the client is, whatever its MAC.
pub(super) const CLIENT_IDENTIFIER: u8 = 61;
/// What group of clients it is of.
const USER_CLASS: u8 = 77;
/// Routes by prefixes, which replace all others.
pub(super) const CLASSLESS_ROUTES: u8 = 121;

/// The names that a configuration may use (`dhcp-options(5)`).
const NAMES: &[(&str, u8)] = &[
    ("dhcp-client-identifier", CLIENT_IDENTIFIER),
    ("subnet-mask", SUBNET_MASK),
    ("routers", ROUTERS),
    ("host-name", HOST_NAME),
    ("user-class", USER_CLASS),
    ("vendor-class-identifier", VENDOR_CLASS),
];

/// The number of an option that is given by its name or number.
pub(super) fn number(text: &str) -> Option<u8> {
    let named = NAMES.iter().find(|(name, _)| *name == text).map(|(_, number)| *number);
    named.or_else(|| text.parse().ok().filter(|_| text.bytes().all(|byte| byte.is_ascii_digit())))
}
