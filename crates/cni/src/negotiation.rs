//! Which version plugin and runtime speak (section "Version").

use crate::version::number;
use crate::{Code, Coded, Command, Version, VersionError};

/// Why they don't understand each other. The texts are the reference's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NegotiationError {
    /// The configuration's version is no version number.
    #[error(transparent)]
    Number(#[from] VersionError),
    /// The configuration is older than the operation.
    #[error("config version does not allow {0}")]
    Config(Command),
    /// The plugin supports no version as new as the configuration's.
    #[error("plugin version does not allow {0}")]
    Plugin(Command),
    /// The plugin does not support the configuration's version.
    #[error("incompatible CNI versions")]
    Incompatible {
        /// The configuration's.
        config: String,
        /// The plugin's.
        supported: &'static [Version],
    },
}

impl Coded for NegotiationError {
    fn code(&self) -> Code {
        match self {
            Self::Number(_) => Code::Decode,
            Self::Config(_) | Self::Plugin(_) | Self::Incompatible { .. } => Code::IncompatibleVersion,
        }
    }

    fn details(&self) -> String {
        match self {
            Self::Incompatible { config, supported } => {
                let supported: Vec<_> = supported.iter().map(|version| format!("\"{version}\"")).collect();
                format!("config is {config:?}, plugin supports [{}]", supported.join(" "))
            }
            Self::Number(_) | Self::Config(_) | Self::Plugin(_) => String::new(),
        }
    }
}

/// The version of the configuration, if the plugin supports it and it has the operation.
pub(crate) fn negotiate(
    command: Command,
    config: &str,
    supported: &'static [Version],
) -> Result<Version, NegotiationError> {
    if command.since() > Version::V0_1_0 {
        let number = number(config)?;
        if number < command.since().number() {
            return Err(NegotiationError::Config(command));
        }
        if supported.iter().all(|version| version.number() < number) {
            return Err(NegotiationError::Plugin(command));
        }
    }
    supported
        .iter()
        .copied()
        .find(|version| version.as_str() == config)
        .ok_or_else(|| NegotiationError::Incompatible { config: config.to_owned(), supported })
}
