//! The configuration of `portmap`: what was written, and what it means.

use std::net::{AddrParseError, IpAddr};

use cni::{Code, Coded, Failure, Request};
use host::Error;
use netstate::{
    Condition, ConditionError, Family, MarkBit, MarkBitError, Marking, PortClass, Transport, TransportError,
};
use serde::Deserialize;

/// What the network's owner and the runtime want.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Conf {
    /// `runtimeConfig.portMappings`, in their order.
    pub(super) mappings: Vec<Asked>,
    /// `snat` and `masqAll`.
    pub(super) hidden: Hidden,
    /// `backend`, and what only one of them knows.
    pub(super) backend: Backend,
}

/// By which packet rules ports are mapped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Backend {
    /// Nobody said: nftables, but for nodes where only iptables tells whose an address is. `markMasqBit`.
    Either(MarkBit),
    /// nftables, over netlink: `conditionsV4`, `conditionsV6` and `markMasqBit`.
    Nftables(PortClass),
    /// iptables, by its programs.
    Iptables {
        /// `markMasqBit` or `externalSetMarkChain`.
        marking: Marking,
        /// `conditionsV4` and `conditionsV6`.
        conditions: [Vec<String>; 2],
    },
}

/// Of whose packets the container sees the node's address as the source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hidden {
    /// Nobody's (`snat: false`).
    Nobody,
    /// Those of the container's own network, and of the node's 127.0.0.0/8.
    Neighbours,
    /// Everybody's (`masqAll`).
    Everybody,
}

/// One element of `runtimeConfig.portMappings`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Asked {
    /// `hostPort`.
    pub(super) host_port: u16,
    /// `containerPort`.
    pub(super) container_port: u16,
    /// `protocol`; TCP where it is absent.
    pub(super) protocol: Transport,
    /// `hostIP`: `0.0.0.0` and `::` are all addresses of their family, absence is both families.
    pub(super) host_ip: Option<IpAddr>,
}

/// A value that can't be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum ConfError {
    #[error("runtimeConfig.portMappings[{0}].{1}: invalid value {2}: 1 to 65535")]
    Port(usize, &'static str, i64),
    #[error("runtimeConfig.portMappings[{0}].protocol: {1}")]
    Protocol(usize, TransportError),
    #[error("runtimeConfig.portMappings[{0}].hostIP: invalid value {1:?}: {2}")]
    HostIp(usize, String, AddrParseError),
    #[error(
        "runtimeConfig.portMappings[{0}].hostIP: invalid value \"::1\": the kernel lets no packet of ::1 off the loopback link; 127.0.0.1 can be mapped"
    )]
    Loopback(usize),
    #[error("runtimeConfig.portMappings: {0} would lead to {1} and to {2}")]
    Twice(String, String, String),
    #[error("backend: unrecognized backend {0:?}: iptables or nftables")]
    Backend(String),
    #[error("markMasqBit: {0}")]
    MarkBit(MarkBitError),
    #[error("externalSetMarkChain: {0:?} and markMasqBit: {1} exclude each other")]
    MarkTwice(String, i64),
    #[error("{key}: {value:?} is for backend iptables, not nftables")]
    OfIptables { key: &'static str, value: String },
    #[error("{key}: {value:?} is for backend nftables, not iptables")]
    OfNftables { key: &'static str, value: String },
    #[error("{key}: {value:?}: {source}")]
    Condition { key: &'static str, value: String, source: ConditionError },
}

impl Coded for ConfError {
    fn code(&self) -> Code {
        Code::InvalidConfig
    }
}

/// STATUS: no port could be mapped.
#[derive(Debug, thiserror::Error)]
#[error("portMappings need nf_tables: {0}")]
pub(super) struct NoNftables(pub(super) Error);

impl Coded for NoNftables {
    fn code(&self) -> Code {
        Code::NotAvailable
    }
}

/// What was written. Absent is false, 0 or empty, as Go has it.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Written {
    backend: Option<String>,
    snat: Option<bool>,
    #[serde(rename = "masqAll")]
    masq_all: bool,
    #[serde(rename = "markMasqBit")]
    mark_masq_bit: Option<i64>,
    #[serde(rename = "externalSetMarkChain")]
    external_set_mark_chain: Option<String>,
    #[serde(rename = "conditionsV4")]
    conditions_v4: Option<Vec<String>>,
    #[serde(rename = "conditionsV6")]
    conditions_v6: Option<Vec<String>>,
    #[serde(rename = "runtimeConfig")]
    runtime_config: WrittenRuntime,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct WrittenRuntime {
    #[serde(rename = "portMappings")]
    port_mappings: Vec<WrittenMapping>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct WrittenMapping {
    #[serde(rename = "hostPort")]
    host_port: i64,
    #[serde(rename = "containerPort")]
    container_port: i64,
    protocol: String,
    #[serde(rename = "hostIP")]
    host_ip: String,
}

impl Conf {
    /// Reads the configuration.
    ///
    /// # Errors
    /// Code 7, naming key and value.
    pub(super) fn parse(request: &Request) -> Result<Self, Failure> {
        let written: Written = request.config.decode()?;
        let asked = written.runtime_config.port_mappings.iter().enumerate();
        Ok(Self {
            mappings: asked.map(|(index, mapping)| mapping.read(index)).collect::<Result<_, _>>()?,
            hidden: match (written.snat, written.masq_all) {
                (Some(false), _) => Hidden::Nobody,
                (_, false) => Hidden::Neighbours,
                (_, true) => Hidden::Everybody,
            },
            backend: written.backend()?,
        })
    }
}

/// The addresses that prevResult gives the container, as far as it can be read.
pub(super) fn addresses(request: &Request) -> Vec<IpAddr> {
    let result = request.config.prev_result().ok().flatten().unwrap_or_default();
    result.ips.iter().map(|ip| ip.address.ip()).collect()
}

impl WrittenMapping {
    fn read(&self, index: usize) -> Result<Asked, ConfError> {
        let port = |key, value: i64| match u16::try_from(value) {
            Ok(port) if port > 0 => Ok(port),
            _ => Err(ConfError::Port(index, key, value)),
        };
        let protocol = if self.protocol.is_empty() { "tcp" } else { &self.protocol };
        let host_ip: Option<IpAddr> = match self.host_ip.as_str() {
            "" => None,
            text => Some(text.parse().map_err(|error| ConfError::HostIp(index, text.to_owned(), error))?),
        };
        if host_ip.is_some_and(|address| address.is_ipv6() && address.is_loopback()) {
            return Err(ConfError::Loopback(index));
        }
        Ok(Asked {
            host_port: port("hostPort", self.host_port)?,
            container_port: port("containerPort", self.container_port)?,
            protocol: protocol.parse().map_err(|error| ConfError::Protocol(index, error))?,
            host_ip,
        })
    }
}

impl Written {
    /// The backend: the one that is named, or iptables where a key asks for what only it knows.
    fn backend(&self) -> Result<Backend, ConfError> {
        let bit = match self.mark_masq_bit {
            Some(number) => MarkBit::try_from(number).map_err(ConfError::MarkBit)?,
            None => MarkBit::default(),
        };
        let chain = self.external_set_mark_chain.as_deref().filter(|chain| !chain.is_empty());
        if let (Some(chain), Some(bit)) = (chain, self.mark_masq_bit) {
            return Err(ConfError::MarkTwice(chain.to_owned(), bit));
        }
        let conditions = [
            Conditions::of("conditionsV4", self.conditions_v4.as_ref(), Family::V4),
            Conditions::of("conditionsV6", self.conditions_v6.as_ref(), Family::V6),
        ];
        let asks = chain.is_some() || conditions.iter().any(Conditions::is_iptables);
        let iptables = match self.backend.as_deref() {
            None | Some("") if !asks && conditions.iter().all(Conditions::are_none) => {
                return Ok(Backend::Either(bit));
            }
            None | Some("") => asks,
            Some("iptables") => true,
            Some("nftables") => false,
            Some(other) => return Err(ConfError::Backend(other.to_owned())),
        };
        if iptables {
            let marking = chain.map_or(Marking::Bit(bit), |chain| Marking::Chain(chain.to_owned()));
            let [v4, v6] = conditions;
            return Ok(Backend::Iptables { marking, conditions: [v4.of_iptables()?, v6.of_iptables()?] });
        }
        if let Some(chain) = chain {
            return Err(ConfError::OfIptables { key: "externalSetMarkChain", value: chain.to_owned() });
        }
        let [v4, v6] = conditions;
        Ok(Backend::Nftables(PortClass { mark: bit, conditions: [v4.of_nftables()?, v6.of_nftables()?] }))
    }
}

/// A family's conditions, of either backend.
struct Conditions {
    key: &'static str,
    words: Vec<String>,
    family: Family,
}

impl Conditions {
    fn of(key: &'static str, words: Option<&Vec<String>>, family: Family) -> Self {
        let words = words.into_iter().flatten().flat_map(|word| word.split_whitespace());
        Self { key, words: words.map(str::to_owned).collect(), family }
    }

    fn are_none(&self) -> bool {
        self.words.is_empty()
    }

    /// iptables' begin with an option, or its negation.
    fn is_iptables(&self) -> bool {
        self.words.first().is_some_and(|word| word.starts_with(['-', '!']))
    }

    fn of_iptables(self) -> Result<Vec<String>, ConfError> {
        if self.words.is_empty() || self.is_iptables() {
            return Ok(self.words);
        }
        Err(ConfError::OfNftables { key: self.key, value: self.words.join(" ") })
    }

    fn of_nftables(self) -> Result<Vec<Condition>, ConfError> {
        let Self { key, family, .. } = self;
        let value = self.words.join(" ");
        if self.is_iptables() {
            return Err(ConfError::OfIptables { key, value });
        }
        Condition::parse_all(&value, family).map_err(|source| ConfError::Condition { key, value, source })
    }
}
