//! What plugin and daemon say to each other over the unix socket: a call as JSON, the end of it, and the answer as
//! JSON. The daemon of another version reads what it knows.

use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use cni::{Code, Command, Config, Failure, Request, Success, Version};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::error::DaemonError;

/// How long a DEL or GC waits for a daemon that hangs, before it does its part by itself.
const PATIENCE: Duration = Duration::from_secs(60);

/// A request on its way.
#[derive(Serialize, Deserialize)]
struct Call {
    command: String,
    container: String,
    ifname: String,
    netns: Option<PathBuf>,
    args: String,
    config: Value,
}

/// What came of it: neither is the success of what has no result.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct Answer {
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Refusal>,
}

#[derive(Serialize, Deserialize)]
struct Refusal {
    code: u32,
    msg: String,
    details: String,
}

/// Who waits for an answer.
pub(super) struct Caller<'a>(&'a UnixStream);

impl Caller<'_> {
    /// Does it still? The end of a process that was killed is closed, and then not even nothing can be written to it.
    pub(super) fn waits(&self) -> bool {
        let mut stream = self.0;
        matches!(stream.write(&[]), Ok(0))
    }
}

/// Asks the daemon.
///
/// # Errors
/// [`DaemonError`]; within, what the daemon says.
pub(super) fn ask(socket: &Path, request: &Request) -> Result<Result<Option<Success>, Failure>, DaemonError> {
    let path = || socket.to_owned();
    let stream =
        UnixStream::connect(socket).map_err(|source| DaemonError::Dial { socket: path(), source })?;
    let answer =
        exchange(stream, request).map_err(|source| DaemonError::Silent { socket: path(), source })?;
    if let Some(Refusal { code, msg, details }) = answer.error {
        return Ok(Err(Failure { code: Code::from(code), msg, details }));
    }
    let Some(result) = answer.result else { return Ok(Ok(None)) };
    let success = Success::from_value(Version::LATEST, &result);
    let invalid = |error| DaemonError::Silent { socket: path(), source: io::Error::other(error) };
    Ok(Ok(Some(success.map_err(invalid)?)))
}

fn exchange(mut stream: UnixStream, request: &Request) -> io::Result<Answer> {
    if matches!(request.command, Command::Del | Command::Gc) {
        stream.set_read_timeout(Some(PATIENCE))?;
    }
    let call = Call {
        command: request.command.to_string(),
        container: request.container.clone(),
        ifname: request.ifname.clone(),
        // The daemon works elsewhere.
        netns: request.netns.as_deref().map(std::path::absolute).transpose()?,
        args: request.args.clone(),
        config: request.config.value().clone(),
    };
    stream.write_all(&serde_json::to_vec(&call)?)?;
    stream.shutdown(Shutdown::Write)?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    Ok(serde_json::from_slice(&answer)?)
}

/// Reads a call, has it answered and writes what came of it.
///
/// # Errors
/// Where the other end says nothing sensible, or hears nothing.
pub(super) fn answer(
    mut stream: &UnixStream,
    work: impl FnOnce(&Request, &Caller<'_>) -> Result<Option<Success>, Failure>,
) -> io::Result<()> {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes)?;
    if bytes.is_empty() {
        // Somebody looked whether there is a daemon.
        return Ok(());
    }
    let call: Call = serde_json::from_slice(&bytes)?;
    let stdin = serde_json::to_vec(&call.config)?;
    let request = Request {
        command: call.command.parse().map_err(io::Error::other)?,
        container: call.container,
        ifname: call.ifname,
        netns: call.netns,
        args: call.args,
        path: Vec::new(),
        config: Config::parse(&stdin).map_err(io::Error::other)?,
        stdin,
    };
    let answer = match work(&request, &Caller(stream)) {
        Ok(None) => Answer::default(),
        Ok(Some(success)) => {
            let text = success.to_json(Version::LATEST).map_err(io::Error::other)?;
            Answer { result: Some(serde_json::from_str(&text)?), error: None }
        }
        Err(Failure { code, msg, details }) => {
            Answer { result: None, error: Some(Refusal { code: code.number(), msg, details }) }
        }
    };
    stream.write_all(&serde_json::to_vec(&answer)?)
}
