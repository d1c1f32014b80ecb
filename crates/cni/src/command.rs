//! What the runtime asks for: `CNI_COMMAND`.

use std::fmt;
use std::str::FromStr;

use crate::{Code, Coded, Version};

/// An operation of the specification (section 2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Command {
    /// Attach a container to the network, or adjust its attachment.
    Add,
    /// Take the attachment away.
    Del,
    /// Is the attachment as ADD made it?
    Check,
    /// Take away what belongs to no valid attachment.
    Gc,
    /// Would an ADD succeed?
    Status,
    /// Which versions of the specification does the plugin know?
    Version,
}

/// `CNI_COMMAND` names no operation. Runtimes match the text: it tells a plugin of 0.1.0.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown CNI_COMMAND: {0}")]
pub struct CommandError(pub String);

impl Coded for CommandError {
    fn code(&self) -> Code {
        Code::InvalidEnvironment
    }
}

impl Command {
    /// Every operation.
    pub const ALL: &'static [Self] =
        &[Self::Add, Self::Del, Self::Check, Self::Gc, Self::Status, Self::Version];

    /// The text in `CNI_COMMAND`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Add => "ADD",
            Self::Del => "DEL",
            Self::Check => "CHECK",
            Self::Gc => "GC",
            Self::Status => "STATUS",
            Self::Version => "VERSION",
        }
    }

    /// The version of the specification that brought the operation; a configuration of an older one can't ask for it.
    pub const fn since(self) -> Version {
        match self {
            Self::Add | Self::Del | Self::Version => Version::V0_1_0,
            Self::Check => Version::V0_4_0,
            Self::Gc | Self::Status => Version::V1_1_0,
        }
    }
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Command {
    type Err = CommandError;

    fn from_str(text: &str) -> Result<Self, CommandError> {
        Self::ALL
            .iter()
            .copied()
            .find(|command| command.as_str() == text)
            .ok_or_else(|| CommandError(text.to_owned()))
    }
}
