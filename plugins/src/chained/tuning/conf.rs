//! The configuration of `tuning`: what was written, and what it means.

use std::collections::BTreeMap;
use std::fmt;

use cni::{Code, Coded, Failure, Request};
use netstate::{LinkName, Mac, MacError, Property};
use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::allowlist::Allowlist;
use super::name::{self, NameError};

/// What the network's owner wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Conf {
    /// `sysctl`: names as they were written, sorted, and their values.
    pub(super) settings: Vec<(String, String)>,
    /// `mac`, `promisc`, `mtu`, `allmulti` and `txQLen`, in the reference's order.
    pub(super) properties: Vec<Property>,
}

/// A value that can't be, or that is not allowed on this node.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum ConfError {
    #[error(transparent)]
    Name(#[from] NameError),
    #[error("sysctl: {name} is not allowed. Only the following sysctls are allowed: {allowed}")]
    NotAllowed { name: String, allowed: String },
    #[error("sysctl: {0}")]
    Twice(String),
    #[error("mac: {0}")]
    Mac(#[from] MacError),
    #[error("mtu: invalid value {0}: 0 to 65535 bytes")]
    Mtu(i64),
    #[error("txQLen: invalid value {0}: 0 to 4294967295 packets")]
    QueueLength(i64),
    #[error("CNI_IFNAME: there is no interface {0} in the container")]
    NoLink(LinkName),
}

impl Coded for ConfError {
    fn code(&self) -> Code {
        Code::InvalidConfig
    }
}

/// STATUS: an ADD would be refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(transparent)]
pub(super) struct NotAllowedNow(pub(super) ConfError);

impl Coded for NotAllowedNow {
    fn code(&self) -> Code {
        Code::NotAvailable
    }
}

/// What was written. Absent is false, 0 or empty, as Go has it.
#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Written {
    sysctl: BTreeMap<String, String>,
    mac: String,
    mtu: i64,
    promisc: bool,
    allmulti: Option<bool>,
    #[serde(rename = "txQLen")]
    tx_q_len: Option<i64>,
    runtime_config: WrittenMac,
    args: WrittenArgs,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct WrittenMac {
    mac: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct WrittenArgs {
    cni: WrittenOverrides,
}

/// What is there takes the place of the key of the same name.
#[derive(Deserialize, Default)]
#[serde(default)]
struct WrittenOverrides {
    sysctl: BTreeMap<String, String>,
    mac: Option<String>,
    mtu: Option<i64>,
    promisc: Option<bool>,
    allmulti: Option<bool>,
    #[serde(rename = "txQLen")]
    tx_q_len: Option<i64>,
}

impl Conf {
    /// Reads the configuration and `CNI_ARGS`.
    ///
    /// # Errors
    /// Code 7, naming key and value.
    pub(super) fn parse(request: &Request) -> Result<Self, Failure> {
        refuse_twice(&request.stdin)?;
        let written: Written = request.config.decode()?;
        let arguments = cni::args::Arguments::parse(&request.args, &["MAC"])?;
        let over = written.args.cni;
        // The later, the stronger.
        let macs = [Some(written.mac.as_str()), arguments.get("MAC"), Some(&written.runtime_config.mac)];
        let mac = macs.into_iter().flatten().rfind(|mac| !mac.is_empty());
        let mac = over.mac.as_deref().or(mac).filter(|mac| !mac.is_empty());
        let mac: Option<Mac> = mac.map(str::parse).transpose().map_err(ConfError::Mac)?;
        let properties = [
            mac.map(Property::Mac),
            over.promisc.unwrap_or(written.promisc).then_some(Property::Promiscuous(true)),
            mtu(over.mtu.unwrap_or(written.mtu))?,
            over.allmulti.or(written.allmulti).map(Property::AllMulticast),
            over.tx_q_len.or(written.tx_q_len).map(queue_length).transpose()?,
        ];
        let mut settings = written.sysctl;
        settings.extend(over.sysctl);
        let conf = Self {
            settings: settings.into_iter().collect(),
            properties: properties.into_iter().flatten().collect(),
        };
        // STATUS and GC name no interface; any will do to tell names from no names.
        let interface = LinkName::new(&request.ifname).unwrap_or_else(|_| Self::any_link());
        conf.paths(&interface)?;
        Ok(conf)
    }

    fn any_link() -> LinkName {
        LinkName::new("eth0").expect("four letters and digits")
    }

    /// The paths of the settings below `/proc/sys`, in their order.
    ///
    /// # Errors
    /// Where one is no network setting.
    pub(super) fn paths(&self, interface: &LinkName) -> Result<Vec<String>, ConfError> {
        let path = |(name, _): &(String, String)| Ok(name::path(name, interface)?);
        self.settings.iter().map(path).collect()
    }

    /// Is every setting allowed on this node?
    ///
    /// # Errors
    /// The first that is not.
    pub(super) fn allowed_by(&self, list: &Allowlist) -> Result<(), ConfError> {
        match self.settings.iter().find(|(name, _)| !list.allows(name)) {
            Some((name, _)) => Err(ConfError::NotAllowed { name: name.clone(), allowed: list.shown() }),
            None => Ok(()),
        }
    }
}

fn mtu(bytes: i64) -> Result<Option<Property>, ConfError> {
    match u16::try_from(bytes) {
        Ok(0) => Ok(None),
        Ok(bytes) => Ok(Some(Property::Mtu(bytes.into()))),
        Err(_) => Err(ConfError::Mtu(bytes)),
    }
}

fn queue_length(packets: i64) -> Result<Property, ConfError> {
    u32::try_from(packets).map(Property::QueueLength).map_err(|_| ConfError::QueueLength(packets))
}

/// The keys of `sysctl`, each once: of a key given twice, any JSON reader takes one, and who knows which was meant.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Sysctl {
    sysctl: Once,
}

#[derive(Default)]
struct Once;

impl<'de> Deserialize<'de> for Once {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Once)
    }
}

impl<'de> Visitor<'de> for Once {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_unit<E>(self) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self, A::Error> {
        let mut keys: Vec<String> = Vec::new();
        while let Some(key) = map.next_key()? {
            map.next_value::<serde::de::IgnoredAny>()?;
            if keys.contains(&key) {
                return Err(A::Error::custom(format_args!(
                    "duplicated sysctl keys are not allowed: {key:?}"
                )));
            }
            keys.push(key);
        }
        Ok(self)
    }
}

/// Whatever else is wrong with the value is told when it is decoded.
fn refuse_twice(stdin: &[u8]) -> Result<(), ConfError> {
    match serde_json::from_slice::<Sysctl>(stdin) {
        Err(error) if error.is_data() && error.to_string().starts_with("duplicated") => {
            let text = error.to_string();
            Err(ConfError::Twice(
                text.rsplit_once(" at line ").map_or(text.clone(), |(text, _)| text.to_owned()),
            ))
        }
        _ => Ok(()),
    }
}
