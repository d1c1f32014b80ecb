//! Addresses in JSON, for `#[serde(default, deserialize_with = "…")]`. An empty text is the same as none: runtimes
//! send `"HostIP": ""` and `"Gateway": ""` for what was not said.

use std::borrow::Cow;
use std::fmt::Display;
use std::net::IpAddr;
use std::str::FromStr;

use ipnetwork::IpNetwork;
use serde::de::Error;
use serde::{Deserialize, Deserializer};

/// Any value that is written as text; empty is unset.
///
/// # Errors
/// The value's own.
pub fn unset_when_empty<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: FromStr<Err: Display>,
{
    parse_unless_empty(deserializer, |text| text.parse().map_err(D::Error::custom))
}

/// An address; empty is unset.
///
/// # Errors
/// `invalid IP address`.
pub fn optional_address<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<IpAddr>, D::Error> {
    parse_unless_empty(deserializer, parse_address)
}

/// An address that must be given.
///
/// # Errors
/// `invalid IP address`.
pub fn address<'de, D: Deserializer<'de>>(deserializer: D) -> Result<IpAddr, D::Error> {
    parse_address(&Cow::deserialize(deserializer)?)
}

/// An address and its prefix length; empty is unset. Bits beyond the prefix are kept.
///
/// # Errors
/// `invalid CIDR address`.
pub fn optional_network<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<IpNetwork>, D::Error> {
    parse_unless_empty(deserializer, parse_network)
}

/// An address and its prefix length, which must be given. Bits beyond the prefix are kept.
///
/// # Errors
/// `invalid CIDR address`.
pub fn network<'de, D: Deserializer<'de>>(deserializer: D) -> Result<IpNetwork, D::Error> {
    parse_network(&Cow::deserialize(deserializer)?)
}

/// A list of [`network`].
///
/// # Errors
/// `invalid CIDR address`.
pub fn networks<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<IpNetwork>, D::Error> {
    let texts = Vec::<Network>::deserialize(deserializer)?;
    Ok(texts.into_iter().map(|Network(network)| network).collect())
}

#[derive(Deserialize)]
struct Network(#[serde(deserialize_with = "network")] IpNetwork);

fn parse_unless_empty<'de, D, T>(
    deserializer: D,
    parse: impl FnOnce(&str) -> Result<T, D::Error>,
) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
{
    match Option::<Cow<'de, str>>::deserialize(deserializer)?.as_deref() {
        None | Some("") => Ok(None),
        Some(text) => parse(text).map(Some),
    }
}

fn parse_address<E: Error>(text: &str) -> Result<IpAddr, E> {
    text.parse().map_err(|_| E::custom("invalid IP address"))
}

/// The prefix length must be there, and in digits: a bare address is refused as Go refuses it.
fn parse_network<E: Error>(text: &str) -> Result<IpNetwork, E> {
    let parts = text.split_once('/').and_then(|(address, prefix)| {
        let digits = !prefix.is_empty() && prefix.bytes().all(|byte| byte.is_ascii_digit());
        IpNetwork::new(address.parse().ok()?, digits.then(|| prefix.parse().ok())??).ok()
    });
    parts.ok_or_else(|| E::custom("invalid CIDR address"))
}
