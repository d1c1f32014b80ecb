//! A call of a plugin that can be repeated by hand, and its answer.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::Value;

use crate::unmet::{Unmet, fail, require};

/// No plugin takes so long, in seconds: one that hangs fails its case.
const TIMEOUT: [&str; 4] = ["timeout", "-k", "1", "60"];

/// A call to be made: CNI spec, section 2.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    /// The plugin.
    pub(crate) plugin: PathBuf,
    /// Its environment, as far as it begins with `CNI_` or a case sets it.
    pub(crate) environment: BTreeMap<String, String>,
    /// Its standard input.
    pub(crate) stdin: String,
}

impl Call {
    /// Sets a variable.
    pub(crate) fn env(mut self, key: &str, value: &str) -> Self {
        self.environment.insert(key.to_owned(), value.to_owned());
        self
    }

    /// Leaves a variable out.
    pub(crate) fn without(mut self, key: &str) -> Self {
        self.environment.remove(key);
        self
    }

    /// Another standard input.
    pub(crate) fn stdin<T: ToString + ?Sized>(mut self, text: &T) -> Self {
        self.stdin = text.to_string();
        self
    }

    /// The line of shell that makes the same call.
    pub(crate) fn by_hand(&self) -> String {
        let variables: Vec<_> =
            self.environment.iter().map(|(key, value)| format!("{key}={}", quoted(value))).collect();
        format!(
            "printf %s {} | env {} {}",
            quoted(&self.stdin),
            variables.join(" "),
            quoted(&self.plugin.to_string_lossy())
        )
    }

    /// The same call in the sandbox's words.
    pub(crate) fn bare(&self) -> sandbox::Call {
        let call = sandbox::Call::new(&self.plugin).without("CNI_PATH").conf(&self.stdin);
        self.environment.iter().fold(call, |call, (key, value)| call.env(key, value))
    }

    /// Makes the call and waits for its end.
    pub(crate) fn run(&self) -> Answer {
        Answer::from(self.bare().through(&TIMEOUT).run())
    }
}

/// A word as a shell takes it for one.
pub(crate) fn quoted(word: &str) -> String {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "_-./:=,".contains(letter);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// What a plugin answered.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    /// Its exit code; 128 and the signal's number where a signal ended it.
    pub(crate) code: i32,
    /// Standard output.
    pub(crate) stdout: String,
    /// Standard error.
    pub(crate) stderr: String,
}

impl From<sandbox::Reply> for Answer {
    fn from(reply: sandbox::Reply) -> Self {
        Self { code: reply.code, stdout: reply.stdout.clone(), stderr: reply.stderr.clone() }
    }
}

impl Answer {
    /// All of it, for a report.
    pub(crate) fn shown(&self) -> String {
        let mut shown = format!("exit {}", self.code);
        for (name, text) in [("stdout", &self.stdout), ("stderr", &self.stderr)] {
            if !text.trim().is_empty() {
                shown.extend(["; ", name, ": ", text.trim()]);
            }
        }
        shown
    }

    /// Standard output as the one JSON value that it must be.
    pub(crate) fn json(&self) -> Result<Value, Unmet> {
        match serde_json::from_str(&self.stdout) {
            Ok(value) => Ok(value),
            Err(error) => fail!("standard output is not one JSON value ({error}): {}", self.shown()),
        }
    }

    /// It must have succeeded.
    pub(crate) fn success(&self) -> Result<(), Unmet> {
        require!(self.code == 0, "success was expected, seen: {}", self.shown());
        Ok(())
    }

    /// It must have succeeded and printed nothing.
    pub(crate) fn silent_success(&self) -> Result<(), Unmet> {
        self.success()?;
        require!(self.stdout.trim().is_empty(), "no output was expected, seen: {}", self.shown());
        Ok(())
    }

    /// It must have failed with an error object on standard output: that object.
    pub(crate) fn error(&self) -> Result<Value, Unmet> {
        require!(self.code != 0, "an error was expected, seen: {}", self.shown());
        require!(self.code < 124, "an error was expected, but it was ended by force: {}", self.shown());
        let error = self.json()?;
        let whole = error["code"].is_u64() && error["msg"].as_str().is_some_and(|msg| !msg.is_empty());
        require!(whole, "an error object has a number `code` and a text `msg`, seen: {}", self.shown());
        Ok(error)
    }

    /// It must have failed with one of these codes.
    pub(crate) fn error_of(&self, codes: &[u64]) -> Result<Value, Unmet> {
        let error = self.error()?;
        let code = error["code"].as_u64().unwrap_or_default();
        require!(codes.contains(&code), "error code {codes:?} was expected, seen: {}", self.shown());
        Ok(error)
    }
}

/// The words of an error object that a person reads.
pub(crate) fn words(error: &Value) -> String {
    format!(
        "{}; {}",
        error["msg"].as_str().unwrap_or_default(),
        error["details"].as_str().unwrap_or_default()
    )
}
