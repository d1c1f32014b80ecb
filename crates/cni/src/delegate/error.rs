//! Why a delegate gave no answer.

use std::io;
use std::path::PathBuf;
use std::process::ExitStatus;

use crate::{Code, Coded, ResultError};

/// A delegate is missing, or does not behave as a plugin. The first four texts are the reference's.
#[derive(Debug, thiserror::Error)]
pub enum DelegateError {
    /// The configuration names none.
    #[error("no plugin name provided")]
    NoName,
    /// The name has a path separator.
    #[error("invalid plugin name: {0}")]
    Name(String),
    /// `CNI_PATH` is empty.
    #[error("no paths provided")]
    NoPaths,
    /// No directory has a regular file of that name.
    #[error("failed to find plugin {name:?} in path [{}]", .path.join(" "))]
    Unknown {
        /// The name.
        name: String,
        /// The directories.
        path: Vec<String>,
    },
    /// The program does not start.
    #[error("delegate {program:?} can't be started: {source}")]
    Start {
        /// The program.
        program: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It could not be handed the configuration, or its answer not be read.
    #[error("delegate {program:?} can't be talked to: {source}")]
    Talk {
        /// The program.
        program: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It failed and left nothing on stdout. What it left on stderr is in the details.
    #[error("delegate {program:?} failed with no error message: {status}")]
    Silent {
        /// The program.
        program: PathBuf,
        /// How it ended.
        status: ExitStatus,
        /// What it wrote there.
        stderr: String,
    },
    /// It failed and left something else than an error object.
    #[error("delegate {program:?} failed ({status}), and this is no error object: {stdout:?}")]
    Garbled {
        /// The program.
        program: PathBuf,
        /// How it ended.
        status: ExitStatus,
        /// What it wrote.
        stdout: String,
    },
    /// It succeeded and left no result.
    #[error("delegate {program:?} succeeded without a result")]
    Empty {
        /// The program.
        program: PathBuf,
    },
    /// It succeeded and left something else than JSON.
    #[error("delegate {program:?} succeeded, and this is no result: {stdout:?}: {source}")]
    Syntax {
        /// The program.
        program: PathBuf,
        /// What it wrote.
        stdout: String,
        /// Why it can't be read.
        source: serde_json::Error,
    },
    /// It succeeded and left JSON that is no result.
    #[error("delegate {program:?}: result: {source}")]
    Result {
        /// The program.
        program: PathBuf,
        /// What is wrong with it.
        source: ResultError,
    },
}

impl Coded for DelegateError {
    fn code(&self) -> Code {
        match self {
            Self::NoName | Self::Name(_) => Code::InvalidConfig,
            Self::NoPaths | Self::Unknown { .. } => Code::InvalidEnvironment,
            Self::Start { .. } | Self::Talk { .. } => Code::Io,
            Self::Silent { .. } => Code::Internal,
            Self::Garbled { .. } | Self::Empty { .. } | Self::Syntax { .. } | Self::Result { .. } => {
                Code::Decode
            }
        }
    }

    fn details(&self) -> String {
        match self {
            Self::Silent { stderr, .. } => stderr.clone(),
            Self::NoName
            | Self::Name(_)
            | Self::NoPaths
            | Self::Unknown { .. }
            | Self::Start { .. }
            | Self::Talk { .. }
            | Self::Garbled { .. }
            | Self::Empty { .. }
            | Self::Syntax { .. }
            | Self::Result { .. } => String::new(),
        }
    }
}
