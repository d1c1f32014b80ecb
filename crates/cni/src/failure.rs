//! The error object (section "Error"), and what an error needs to become one.

use serde::Serialize;

use crate::{Code, Version};

/// Why an operation failed, as the runtime gets it. Runtimes drop stderr, so all that helps belongs in here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The kind of failure.
    pub code: Code,
    /// What failed, on what, and why: one line.
    pub msg: String,
    /// More, often nothing.
    pub details: String,
}

/// An error that knows its code. Each domain's error enum implements it, and so becomes a [`Failure`] by `?`; the
/// message is the error's own text.
pub trait Coded: std::error::Error {
    /// Its code.
    fn code(&self) -> Code;

    /// What the object's `details` say.
    fn details(&self) -> String {
        String::new()
    }
}

impl<E: Coded> From<E> for Failure {
    fn from(error: E) -> Self {
        Self { code: error.code(), msg: error.to_string(), details: error.details() }
    }
}

impl std::error::Error for Failure {}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.msg)?;
        if self.details.is_empty() { Ok(()) } else { write!(f, "; {}", self.details) }
    }
}

/// The object's keys in the order in which they are printed.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Object<'a> {
    cni_version: &'static str,
    code: u32,
    msg: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    details: &'a str,
}

impl Failure {
    /// The error object's text, shaped as the reference shapes it, and with the `cniVersion` that the specification
    /// asks for and the reference leaves out.
    pub fn to_json(&self, version: Version) -> String {
        crate::wire::text(&Object {
            cni_version: version.as_str(),
            code: self.code.number(),
            msg: &self.msg,
            details: &self.details,
        })
    }
}
