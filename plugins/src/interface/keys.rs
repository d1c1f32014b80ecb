//! Keys that several interface plugins have, and what they mean.

use cni::{Code, Coded, Dns, Failure, Request, Success};
use netstate::{LinkName, LinkNameError, Mac, MacError};
use serde::Deserialize;

/// A value that can't be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum KeyError {
    #[error("mtu: invalid value {0}: 0 to 65535 bytes")]
    Mtu(i64),
    #[error("invalid MTU {mtu}, must be [0, master MTU({most})]")]
    MtuOfMaster {
        /// What was asked for, in bytes.
        mtu: u32,
        /// The master's, in bytes.
        most: u32,
    },
    #[error("mac: {0}")]
    Mac(#[from] MacError),
    #[error("ipMasqBackend: unknown ipmasq backend {0:?}: iptables or nftables")]
    Backend(String),
    #[error("ipam: required, but missing")]
    NoIpam,
    #[error("{key}: invalid value {value:?}: {source}")]
    Link {
        /// Which key.
        key: &'static str,
        /// What was written.
        value: String,
        /// Why it is no name.
        source: LinkNameError,
    },
}

impl Coded for KeyError {
    fn code(&self) -> Code {
        Code::InvalidConfig
    }
}

/// `runtimeConfig`, or `args.cni`.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(crate) struct WrittenMac {
    pub(crate) mac: String,
}

/// `args`.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(crate) struct WrittenArgs {
    pub(crate) cni: WrittenMac,
}

/// The MAC asked for: the first of `places` that says one, before the `MAC` of `CNI_ARGS`, before `last`.
pub(crate) fn mac(request: &Request, places: &[&str], last: &str) -> Result<Option<Mac>, Failure> {
    let arguments = cni::args::Arguments::parse(&request.args, &["MAC"])?;
    let mut all = places.iter().copied().chain(arguments.get("MAC")).chain([last]);
    let mac = all.find(|mac| !mac.is_empty()).map(str::parse).transpose();
    Ok(mac.map_err(KeyError::Mac)?)
}

/// `mtu` in bytes; the kernel's choice where it is 0.
pub(crate) fn mtu(bytes: i64) -> Result<Option<u32>, KeyError> {
    match u16::try_from(bytes) {
        Ok(0) => Ok(None),
        Ok(bytes) => Ok(Some(bytes.into())),
        Err(_) => Err(KeyError::Mtu(bytes)),
    }
}

/// `ipMasqBackend`. Whichever is asked for, the rules are nftables'.
pub(crate) fn backend(written: Option<&str>) -> Result<(), KeyError> {
    match written {
        None | Some("" | "iptables" | "nftables") => Ok(()),
        Some(other) => Err(KeyError::Backend(other.to_owned())),
    }
}

/// A key that names a link; absent where it is empty.
pub(crate) fn link(key: &'static str, name: &str) -> Result<Option<LinkName>, KeyError> {
    if name.is_empty() { Ok(None) } else { required_link(key, name).map(Some) }
}

/// A key that has to name a link.
pub(crate) fn required_link(key: &'static str, name: &str) -> Result<LinkName, KeyError> {
    LinkName::new(name).map_err(|source| KeyError::Link { key, value: name.to_owned(), source })
}

/// A network that can't be without addresses.
pub(crate) fn require_ipam(request: &Request) -> Result<(), KeyError> {
    if request.config.ipam_kind().is_some() { Ok(()) } else { Err(KeyError::NoIpam) }
}

/// `dns`, where it says anything at all: an empty list does, for it replaces IPAM's; an empty text is none.
pub(crate) fn dns(written: Dns) -> Option<Dns> {
    let lists = [&written.nameservers, &written.search, &written.options];
    let says = lists.iter().any(|list| list.is_some())
        || written.domain.as_deref().is_some_and(|domain| !domain.is_empty());
    says.then_some(written)
}

/// The lease of a container whose interface is the result's `interface`, with the network's name servers.
pub(crate) fn settle(mut lease: Success, interface: usize, dns: Option<&Dns>) -> Success {
    // Those of the plugins before, in a chain: the addresses are this interface's now.
    lease.interfaces.clear();
    for ip in &mut lease.ips {
        ip.interface = Some(interface);
    }
    if let Some(dns) = dns {
        lease.dns = dns.clone();
    }
    lease
}
