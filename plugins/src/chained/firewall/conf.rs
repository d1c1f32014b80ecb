//! The configuration of `firewall`: what was written, and what it means.

use cni::{Code, Coded, Failure, Request};
use netstate::Separation;
use serde::Deserialize;

/// What the network's owner wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Conf {
    /// `backend`.
    pub(super) backend: Backend,
    /// `iptablesAdminChainName`, where it is given.
    pub(super) admin_chain: Option<String>,
    /// `firewalldZone`.
    pub(super) zone: String,
    /// `ingressPolicy`; none where it is `open`.
    pub(super) ingress: Option<Separation>,
}

/// Who is to keep the rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Backend {
    /// Whom the machine listens to.
    Auto,
    /// `nf_tables`
    Nftables,
    /// iptables
    Iptables,
    /// firewalld
    Firewalld,
}

/// The reference's defaults.
pub(super) const ADMIN_CHAIN: &str = "CNI-ADMIN";
pub(super) const ZONE: &str = "trusted";

/// `XT_EXTENSION_MAXNAMELEN`, less its closing zero.
const CHAIN_NAME: usize = 28;

/// Chains that are iptables' own, or that mean something else to us.
const RESERVED: [&str; 10] = [
    "INPUT",
    "FORWARD",
    "OUTPUT",
    "ACCEPT",
    "DROP",
    "RETURN",
    "CNI-FORWARD",
    "CNI-ISOLATION-STAGE-1",
    "CNI-ISOLATION-STAGE-2",
    "CNI-ISOLATION-MEMBERS",
];

/// A value that can't be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum ConfError {
    #[error("backend: invalid value {0:?}: nftables, iptables, firewalld, or nothing")]
    Backend(String),
    #[error(
        "iptablesAdminChainName: invalid value {0:?}: the name of a chain, of at most {CHAIN_NAME} bytes"
    )]
    AdminChain(String),
    #[error("firewalldZone: invalid value {0:?}: the name of a zone")]
    Zone(String),
    #[error("ingressPolicy: unsupported value {0:?}: open, same-bridge or isolated")]
    Ingress(String),
    #[error("ingressPolicy: {0:?} needs a bridge, but prevResult begins with no interface of the host")]
    NoBridge(Separation),
}

impl Coded for ConfError {
    fn code(&self) -> Code {
        Code::InvalidConfig
    }
}

/// What was written. Absent is empty, as Go has it.
#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Written {
    backend: String,
    iptables_admin_chain_name: String,
    firewalld_zone: String,
    ingress_policy: String,
}

impl Conf {
    /// Reads the configuration.
    ///
    /// # Errors
    /// Code 7, naming key and value.
    pub(super) fn parse(request: &Request) -> Result<Self, Failure> {
        Ok(Self::read(request.config.decode()?)?)
    }

    fn read(written: Written) -> Result<Self, ConfError> {
        let backend = match written.backend.as_str() {
            "" => Backend::Auto,
            "nftables" => Backend::Nftables,
            "iptables" => Backend::Iptables,
            "firewalld" => Backend::Firewalld,
            _ => return Err(ConfError::Backend(written.backend)),
        };
        let ingress = match written.ingress_policy.as_str() {
            "" | "open" => None,
            "same-bridge" => Some(Separation::SameBridge),
            "isolated" => Some(Separation::Isolated),
            _ => return Err(ConfError::Ingress(written.ingress_policy)),
        };
        let admin_chain = match written.iptables_admin_chain_name {
            name if name.is_empty() => None,
            name if is_chain(&name) => Some(name),
            name => return Err(ConfError::AdminChain(name)),
        };
        let zone = match written.firewalld_zone {
            name if name.is_empty() => ZONE.to_owned(),
            name if name.bytes().all(|byte| byte.is_ascii_graphic()) => name,
            name => return Err(ConfError::Zone(name)),
        };
        Ok(Self { backend, admin_chain, zone, ingress })
    }

    /// The administrator's chain.
    pub(super) fn admin_chain(&self) -> &str {
        self.admin_chain.as_deref().unwrap_or(ADMIN_CHAIN)
    }
}

/// Can a chain of an administrator have this name?
fn is_chain(name: &str) -> bool {
    name.len() <= CHAIN_NAME
        && !name.starts_with(['-', '!', ':'])
        && name.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"'\\#".contains(&byte))
        && !RESERVED.contains(&name)
}
