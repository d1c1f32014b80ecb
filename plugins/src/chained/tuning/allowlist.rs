//! `/etc/cni/tuning/allowlist.conf`: the kernel settings that a configuration may change on this node.

use std::fs;
use std::io;

use cni::{Code, Coded};
use regex_lite::Regex;

const FILE: &str = "/etc/cni/tuning/allowlist.conf";

/// The allowlist. Without a file everything is allowed.
pub(super) struct Allowlist(Option<Vec<Regex>>);

/// The allowlist can't be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum AllowlistError {
    #[error("cannot read {FILE}: {0}")]
    Read(#[from] io::Error),
    #[error("{FILE}: {0:?} is no regular expression: {1}")]
    Expression(String, regex_lite::Error),
}

impl Coded for AllowlistError {
    fn code(&self) -> Code {
        match self {
            Self::Read(_) => Code::Io,
            Self::Expression(..) => Code::InvalidConfig,
        }
    }
}

impl Allowlist {
    /// Reads it: a regular expression a line, which may match anywhere in a name.
    ///
    /// # Errors
    /// [`AllowlistError`]; no file is no error.
    pub(super) fn read() -> Result<Self, AllowlistError> {
        match fs::read_to_string(FILE) {
            Ok(text) => Self::parse(&text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self(None)),
            Err(error) => Err(error.into()),
        }
    }

    fn parse(text: &str) -> Result<Self, AllowlistError> {
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        let expression =
            |line: &str| Regex::new(line).map_err(|error| AllowlistError::Expression(line.to_owned(), error));
        lines.map(expression).collect::<Result<_, _>>().map(|list| Self(Some(list)))
    }

    /// May this setting, by the name in the configuration, be changed?
    pub(super) fn allows(&self, name: &str) -> bool {
        self.0.as_ref().is_none_or(|list| list.iter().any(|expression| expression.is_match(name)))
    }

    /// The expressions, to be shown.
    pub(super) fn shown(&self) -> String {
        let list: Vec<_> = self.0.iter().flatten().map(Regex::as_str).collect();
        format!("[{}]", list.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_matches_anywhere_in_a_name() {
        let list = Allowlist::parse("^net.core.*$\n\n  ip_forward  \n").unwrap();
        assert!(list.allows("net.core.somaxconn") && list.allows("net.ipv4.ip_forward"));
        assert!(!list.allows("net.ipv4.tcp_mem"));
        assert!(Allowlist(None).allows("net.ipv4.tcp_mem"));
        assert!(!Allowlist::parse("").unwrap().allows("net.ipv4.tcp_mem"));
    }

    #[test]
    fn a_line_that_is_no_expression_is_named() {
        let error = Allowlist::parse("net.(").err().unwrap().to_string();
        assert!(error.contains(r#"allowlist.conf: "net.(" is no regular expression"#), "{error}");
    }
}
