//! The network configuration on stdin (section 1, "Plugin configuration objects").

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::{
    Code, Coded, DecodeError, ResultError, Success, ValidAttachments, Version, VersionError, environment, go,
};

/// The configuration of one plugin on one network, with the keys that every plugin reads.
#[derive(Debug, Clone)]
pub struct Config {
    /// `cniVersion`.
    pub version: Version,
    /// The network's `name`.
    pub name: String,
    /// `type`: the plugin's name; empty where the runtime left it out.
    pub kind: String,
    /// `ipam.type`, empty where there is none.
    ipam: String,
    value: Value,
}

/// Why stdin is no network configuration. The texts are the reference's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// It is no JSON.
    #[error("error unmarshall network config: {0}")]
    Syntax(String),
    /// It is no object, or a key that every plugin reads is no text.
    #[error("error unmarshall network config: {0}")]
    Type(DecodeError),
    /// `name` is missing.
    #[error("missing network name")]
    NoName,
    /// `name` is not a letter or digit followed by letters, digits, `_`, `.` and `-`.
    #[error("invalid characters found in network name")]
    Name(String),
    /// `cniVersion` is no version that we know.
    #[error(transparent)]
    Version(#[from] VersionError),
}

impl Coded for ConfigError {
    fn code(&self) -> Code {
        match self {
            Self::Syntax(_) | Self::Type(_) => Code::Decode,
            Self::NoName | Self::Name(_) => Code::InvalidConfig,
            Self::Version(_) => Code::IncompatibleVersion,
        }
    }

    fn details(&self) -> String {
        match self {
            Self::Name(name) => name.clone(),
            Self::Syntax(_) | Self::Type(_) | Self::NoName | Self::Version(_) => String::new(),
        }
    }
}

/// A configuration whose version is still a text, which may be of a version that does not exist yet.
pub(crate) struct Draft {
    /// `cniVersion`, 0.1.0 where it is missing.
    pub(crate) version: String,
    head: Head,
    value: Value,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Head {
    #[serde(rename = "cniVersion")]
    version: String,
    name: String,
    #[serde(rename = "type")]
    kind: String,
    ipam: Ipam,
}

/// What every plugin reads of `ipam`: an `ipam` of another shape must not pass for none.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Ipam {
    #[serde(rename = "type")]
    kind: String,
}

impl Draft {
    pub(crate) fn parse(stdin: &[u8]) -> Result<Self, ConfigError> {
        let value: Value =
            serde_json::from_slice(stdin).map_err(|error| ConfigError::Syntax(error.to_string()))?;
        let head: Head = go::decode(&value).map_err(ConfigError::Type)?;
        if head.name.is_empty() {
            return Err(ConfigError::NoName);
        }
        if !environment::is_identifier(&head.name) {
            return Err(ConfigError::Name(head.name));
        }
        let version = match head.version.as_str() {
            "" => Version::V0_1_0.to_string(),
            text => text.to_owned(),
        };
        Ok(Self { version, head, value })
    }

    /// The configuration, once its version is agreed on.
    pub(crate) fn of(self, version: Version) -> Config {
        Config {
            version,
            name: self.head.name,
            kind: self.head.kind,
            ipam: self.head.ipam.kind,
            value: self.value,
        }
    }
}

impl Config {
    /// Reads a configuration.
    ///
    /// # Errors
    /// [`ConfigError`].
    pub fn parse(stdin: &[u8]) -> Result<Self, ConfigError> {
        let draft = Draft::parse(stdin)?;
        let version = draft.version.parse()?;
        Ok(draft.of(version))
    }

    /// The whole configuration.
    pub fn value(&self) -> &Value {
        &self.value
    }

    /// Reads a plugin's own keys, by the rules of [`crate::go`].
    ///
    /// # Errors
    /// [`DecodeError`], which names the key and its value.
    pub fn decode<T: DeserializeOwned>(&self) -> Result<T, DecodeError> {
        go::decode(&self.value)
    }

    /// `prevResult`: what the plugins before this one made, or on CHECK and DEL what ADD made.
    ///
    /// # Errors
    /// [`PrevResultError`] where it can't be read.
    pub fn prev_result(&self) -> Result<Option<Success>, PrevResultError> {
        match go::member(&self.value, PREV_RESULT) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => Success::from_value(self.version, value).map(Some).map_err(PrevResultError),
        }
    }

    /// `cni.dev/valid-attachments`. The older `cni.dev/attachments`, which runtimes send beside it, is not looked at.
    ///
    /// # Errors
    /// [`DecodeError`] where it is no list of attachments.
    pub fn valid_attachments(&self) -> Result<ValidAttachments, DecodeError> {
        match go::member(&self.value, VALID_ATTACHMENTS) {
            None => Ok(ValidAttachments::Absent),
            Some(Value::Null) => Ok(ValidAttachments::Null),
            Some(list) => {
                let list = go::decode(list).map_err(|error| error.under(VALID_ATTACHMENTS))?;
                Ok(ValidAttachments::List(list))
            }
        }
    }

    /// `ipam.type`: the IPAM plugin's name. Absent where there is none, so that the network has no addresses.
    pub fn ipam_kind(&self) -> Option<String> {
        (!self.ipam.is_empty()).then(|| self.ipam.clone())
    }
}

const PREV_RESULT: &str = "prevResult";
const VALID_ATTACHMENTS: &str = "cni.dev/valid-attachments";

/// `prevResult` can't be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("could not parse prevResult: {0}")]
pub struct PrevResultError(pub ResultError);

impl Coded for PrevResultError {
    fn code(&self) -> Code {
        Code::InvalidConfig
    }
}
