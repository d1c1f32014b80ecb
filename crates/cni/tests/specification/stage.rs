//! A plugin that records its calls, and a process for it that is none.

use std::cell::RefCell;
use std::ffi::OsString;

use cni::{Config, Failure, Input, Io, Plugin, Request, Success, Version};

/// Answers as it is told, and remembers what it was asked.
pub(crate) struct Probe {
    pub(crate) versions: &'static [Version],
    pub(crate) answer: Result<Success, Failure>,
    pub(crate) calls: RefCell<Vec<Request>>,
}

impl Default for Probe {
    fn default() -> Self {
        Self { versions: Version::ALL, answer: Ok(Success::default()), calls: RefCell::default() }
    }
}

impl Probe {
    /// Its only call.
    pub(crate) fn call(&self) -> Request {
        let calls = self.calls.borrow();
        assert_eq!(calls.len(), 1, "{calls:?}");
        calls[0].clone()
    }

    fn record(&self, request: &Request) -> Result<Success, Failure> {
        self.calls.borrow_mut().push(request.clone());
        self.answer.clone()
    }
}

impl Plugin for Probe {
    fn name(&self) -> &'static str {
        "probe"
    }

    fn versions(&self) -> &'static [Version] {
        self.versions
    }

    fn add(&self, request: &Request) -> Result<Success, Failure> {
        assert_eq!(request.command, cni::Command::Add);
        self.record(request)
    }

    fn del(&self, request: &Request) -> Result<(), Failure> {
        assert_eq!(request.command, cni::Command::Del);
        self.record(request).map(drop)
    }

    fn check(&self, request: &Request) -> Result<(), Failure> {
        assert_eq!(request.command, cni::Command::Check);
        self.record(request).map(drop)
    }

    fn gc(&self, request: &Request) -> Result<(), Failure> {
        assert_eq!(request.command, cni::Command::Gc);
        self.record(request).map(drop)
    }

    fn status(&self, request: &Request) -> Result<(), Failure> {
        assert_eq!(request.command, cni::Command::Status);
        self.record(request).map(drop)
    }
}

/// What a call left behind.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) status: u8,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Calls a plugin with these variables and this configuration.
pub(crate) fn call(plugin: &dyn Plugin, variables: &[(&str, &str)], stdin: &str) -> Outcome {
    let environment =
        |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| OsString::from(value));
    let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
    let status = cni::run(
        plugin,
        &mut Io {
            environment: &environment,
            stdin: &mut stdin.as_bytes(),
            input: &|| Input::Pipe,
            stdout: &mut stdout,
            stderr: &mut stderr,
        },
    );
    Outcome {
        status,
        stdout: String::from_utf8(stdout).expect("stdout is UTF-8"),
        stderr: String::from_utf8(stderr).expect("stderr is UTF-8"),
    }
}

/// Every variable that any operation needs, with other values for some.
pub(crate) fn variables<'a>(command: &'a str, others: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let mut variables = others.to_vec();
    variables.extend([
        ("CNI_COMMAND", command),
        ("CNI_CONTAINERID", "some-container.1"),
        ("CNI_NETNS", "/no/such/netns"),
        ("CNI_IFNAME", "eth0"),
        ("CNI_ARGS", "IgnoreUnknown=1"),
        ("CNI_PATH", "/opt/cni/bin:/usr/lib/cni"),
    ]);
    variables
}

/// A configuration of a version.
pub(crate) fn config(version: &str) -> String {
    format!(r#"{{"cniVersion":"{version}","name":"net","type":"probe"}}"#)
}

/// The configuration with these keys beside those that it must have.
pub(crate) fn config_with(version: &str, keys: &str) -> Config {
    let text = format!(r#"{{"cniVersion":"{version}","name":"net","type":"probe",{keys}}}"#);
    Config::parse(text.as_bytes()).expect(&text)
}
