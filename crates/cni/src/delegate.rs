//! Plugins that a plugin calls (section 4, "Plugin delegation"): IPAM above all.

mod error;
mod process;

use std::path::{Path, PathBuf};

use serde::Deserialize;

pub use error::DelegateError;

use crate::{Code, Command, Failure, Request, Success, go};

/// Another plugin's program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delegate {
    program: PathBuf,
}

impl Delegate {
    /// Looks a plugin up in `CNI_PATH`: the first regular file of that name, symbolic links followed.
    ///
    /// # Errors
    /// [`DelegateError`] where the name is none, or no directory has it.
    pub fn find(kind: &str, request: &Request) -> Result<Self, DelegateError> {
        if kind.is_empty() {
            return Err(DelegateError::NoName);
        }
        if kind.contains('/') {
            return Err(DelegateError::Name(kind.to_owned()));
        }
        if request.path.is_empty() {
            return Err(DelegateError::NoPaths);
        }
        let programs = request.path.iter().map(|directory| directory.join(kind));
        let program = programs.into_iter().find(|program| program.is_file());
        program.map(|program| Self { program }).ok_or_else(|| DelegateError::Unknown {
            name: kind.to_owned(),
            path: request.path.iter().map(|directory| directory.display().to_string()).collect(),
        })
    }

    /// The file.
    pub fn program(&self) -> &Path {
        &self.program
    }

    /// ADD. A result of whatever version is read; one that names none is of the configuration's.
    ///
    /// # Errors
    /// The delegate's own error, code and all, or [`DelegateError`] where it did not answer as a plugin does.
    pub fn add(&self, request: &Request) -> Result<Success, Failure> {
        let stdout = self.call(Command::Add, request)?;
        let program = || self.program.clone();
        if stdout.trim_ascii().is_empty() {
            return Err(DelegateError::Empty { program: program() }.into());
        }
        let value = serde_json::from_slice(&stdout).map_err(|source| DelegateError::Syntax {
            program: program(),
            stdout: lossy(&stdout),
            source,
        })?;
        let success = Success::from_value(request.config.version, &value);
        Ok(success.map_err(|source| DelegateError::Result { program: program(), source })?)
    }

    /// DEL.
    ///
    /// # Errors
    /// As [`Self::add`].
    pub fn del(&self, request: &Request) -> Result<(), Failure> {
        self.call(Command::Del, request).map(drop)
    }

    /// CHECK.
    ///
    /// # Errors
    /// As [`Self::add`].
    pub fn check(&self, request: &Request) -> Result<(), Failure> {
        self.call(Command::Check, request).map(drop)
    }

    /// GC.
    ///
    /// # Errors
    /// As [`Self::add`].
    pub fn gc(&self, request: &Request) -> Result<(), Failure> {
        self.call(Command::Gc, request).map(drop)
    }

    /// STATUS.
    ///
    /// # Errors
    /// As [`Self::add`].
    pub fn status(&self, request: &Request) -> Result<(), Failure> {
        self.call(Command::Status, request).map(drop)
    }

    /// What it wrote to stdout, if it succeeded.
    fn call(&self, command: Command, request: &Request) -> Result<Vec<u8>, Failure> {
        let output = process::run(&self.program, command, &request.stdin)?;
        if output.status.success() {
            return Ok(output.stdout);
        }
        let program = self.program.clone();
        Err(match refusal(&output.stdout) {
            Some(failure) => failure,
            None if output.stdout.trim_ascii().is_empty() => {
                let stderr = lossy(&output.stderr);
                DelegateError::Silent { program, status: output.status, stderr }.into()
            }
            None => {
                let stdout = lossy(&output.stdout);
                DelegateError::Garbled { program, status: output.status, stdout }.into()
            }
        })
    }
}

#[derive(Deserialize)]
#[serde(default)]
#[derive(Default)]
struct ErrorObject {
    code: u32,
    msg: String,
    details: String,
}

/// The error object, if it is one.
fn refusal(stdout: &[u8]) -> Option<Failure> {
    let value = serde_json::from_slice(stdout).ok()?;
    let ErrorObject { code, msg, details } = go::decode(&value).ok()?;
    let code = match code {
        0 if msg.is_empty() => return None,
        0 => Code::Internal,
        code => Code::from(code),
    };
    Some(Failure { code, msg, details })
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).trim().to_owned()
}
