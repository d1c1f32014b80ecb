//! What every plugin does around its own work: read the request, check it, call, print.

use std::ffi::OsString;
use std::io::{IsTerminal, Read, Write};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::ExitCode;

use serde::Serialize;
use serde_json::Value;

use crate::config::Draft;
use crate::environment::{Environment, OwnNamespace};
use crate::negotiation::negotiate;
use crate::{Code, Coded, Command, Failure, Plugin, Request, Version, about, go};

/// What stdin is. VERSION must work without one, so it does not wait for somebody to type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Input {
    /// A pipe, a file, or nothing.
    Pipe,
    /// A person.
    Terminal,
}

impl Input {
    /// What a stream of this process is.
    #[must_use]
    pub fn of(stream: &impl IsTerminal) -> Self {
        if stream.is_terminal() { Self::Terminal } else { Self::Pipe }
    }
}

/// The process as the skeleton sees it.
pub struct Io<'a> {
    /// Looks an environment variable up.
    pub environment: &'a dyn Fn(&str) -> Option<OsString>,
    /// The network configuration.
    pub stdin: &'a mut dyn Read,
    /// What stdin is. Only VERSION asks.
    pub input: &'a dyn Fn() -> Input,
    /// Gets one JSON value: the result, or the error object.
    pub stdout: &'a mut dyn Write,
    /// Gets what people read.
    pub stderr: &'a mut dyn Write,
}

/// Runs a plugin as this process.
pub fn main(plugin: &dyn Plugin) -> ExitCode {
    let stdin = std::io::stdin();
    ExitCode::from(run(
        plugin,
        &mut Io {
            environment: &|name| std::env::var_os(name),
            stdin: &mut stdin.lock(),
            input: &|| Input::of(&stdin),
            stdout: &mut std::io::stdout().lock(),
            stderr: &mut std::io::stderr(),
        },
    ))
}

/// Runs a plugin. The answer is the exit status: 0, or 1 with an error object on stdout.
pub fn run(plugin: &dyn Plugin, io: &mut Io<'_>) -> u8 {
    if (io.environment)("CNI_COMMAND").is_none_or(|command| command.is_empty()) {
        return introduce(plugin, io);
    }
    let mut call = Call { plugin, version: newest(plugin) };
    let (text, status) = match call.answer(io) {
        Ok(text) => (text, 0),
        Err(failure) => (failure.to_json(call.version), 1),
    };
    match io.stdout.write_all(text.as_bytes()).and_then(|()| io.stdout.flush()) {
        Ok(()) => status,
        Err(error) => {
            // Nobody reads stdout any more; a person may read this.
            let _ = writeln!(io.stderr, "{}: the answer can't be written: {error}", plugin.name());
            1
        }
    }
}

/// Without `CNI_COMMAND` it is a person who asks.
fn introduce(plugin: &dyn Plugin, io: &mut Io<'_>) -> u8 {
    let versions: Vec<_> = plugin.versions().iter().map(|version| version.as_str()).collect();
    let about = about(plugin.name());
    let written = writeln!(io.stderr, "{about}\nCNI protocol versions supported: {}", versions.join(", "));
    u8::from(written.is_err())
}

fn newest(plugin: &dyn Plugin) -> Version {
    plugin.versions().last().copied().unwrap_or(Version::LATEST)
}

/// One call; its `version` is that of the error object, and so the plugin's newest until the configuration's is
/// agreed on.
struct Call<'a> {
    plugin: &'a dyn Plugin,
    version: Version,
}

impl Call<'_> {
    /// What to print on stdout.
    fn answer(&mut self, io: &mut Io<'_>) -> Result<String, Failure> {
        let environment = Environment::read(io.environment)?;
        if environment.command == Command::Version {
            return Ok(self.versions(io));
        }
        let request = self.request(environment, io.stdin)?;
        let plugin = self.plugin;
        match request.command {
            Command::Add => return Ok(plugin.add(&request)?.to_json(self.version)?),
            Command::Del => plugin.del(&request)?,
            Command::Check => plugin.check(&request)?,
            Command::Gc => plugin.gc(&request)?,
            Command::Status => plugin.status(&request)?,
            Command::Version => {}
        }
        Ok(String::new())
    }

    fn request(&mut self, environment: Environment, stdin: &mut dyn Read) -> Result<Request, Failure> {
        // Room for nearly every configuration: one read, and one that finds the end.
        let mut bytes = Vec::with_capacity(16 * 1024);
        stdin.read_to_end(&mut bytes).map_err(StdinError)?;
        let Environment { command, container, netns, ifname, args, path, own_namespace } = environment;
        let draft = Draft::parse(&bytes)?;
        self.version = negotiate(command, &draft.version, self.plugin.versions())?;
        if matches!(command, Command::Add | Command::Del) && own_namespace == OwnNamespace::Refused {
            netns.as_deref().map_or(Ok(()), refuse_own_namespace)?;
        }
        let config = draft.of(self.version);
        Ok(Request { command, container, ifname, netns, args, path, config, stdin: bytes })
    }

    /// The answer to VERSION: the version that the runtime speaks, and ours. Whatever else stdin is, it is no error.
    fn versions(&self, io: &mut Io<'_>) -> String {
        let asked = match (io.input)() {
            Input::Terminal => None,
            Input::Pipe => serde_json::Deserializer::from_reader(&mut *io.stdin).into_iter().next(),
        };
        let asked: Value = asked.and_then(Result::ok).unwrap_or_default();
        let asked =
            go::member(&asked, "cniVersion").and_then(Value::as_str).filter(|asked| !asked.is_empty());
        let supported_versions = self.plugin.versions().iter().map(|version| version.as_str()).collect();
        let answer = Versions { cni_version: asked.unwrap_or(Version::LATEST.as_str()), supported_versions };
        let mut text = serde_json::to_string(&answer).expect("texts are always JSON");
        text.push('\n');
        text
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Versions<'a> {
    cni_version: &'a str,
    supported_versions: Vec<&'static str>,
}

/// The configuration could not be read.
#[derive(Debug, thiserror::Error)]
#[error("error reading from stdin: {0}")]
struct StdinError(#[source] std::io::Error);

impl Coded for StdinError {
    fn code(&self) -> Code {
        Code::Io
    }
}

/// `CNI_NETNS` is no namespace to work in. The texts are the reference's.
#[derive(Debug, thiserror::Error)]
enum NamespaceError {
    /// It is the one in which the plugin runs, so the container is the host.
    #[error("plugin's netns and netns from CNI_NETNS should not be the same")]
    Own,
    /// The plugin's own can't be told.
    #[error("get plugin's netns failed: {0}")]
    Unknown(#[source] std::io::Error),
}

impl Coded for NamespaceError {
    fn code(&self) -> Code {
        Code::InvalidNamespace
    }
}

/// A path that can't be looked at is the plugin's business: on DEL it is no error at all.
fn refuse_own_namespace(netns: &Path) -> Result<(), NamespaceError> {
    let Ok(given) = std::fs::metadata(netns) else { return Ok(()) };
    let own = std::fs::metadata("/proc/thread-self/ns/net").map_err(NamespaceError::Unknown)?;
    if (own.dev(), own.ino()) == (given.dev(), given.ino()) { Err(NamespaceError::Own) } else { Ok(()) }
}
