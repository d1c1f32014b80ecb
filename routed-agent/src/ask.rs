//! `routed-agent status` and `diff`: what the agent of this node answers on its socket.

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use http_body_util::{BodyExt, Empty};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use serde::Serialize;
use tokio::net::UnixStream;

use crate::command::{Depth, Form};
use crate::lock;
use crate::probe::Finding;
use crate::status::Status;

/// The kernel differs.
const DIFFERS: u8 = 1;

/// Nobody could be asked.
const UNKNOWN: u8 = 2;

/// No answer.
#[derive(Debug, thiserror::Error)]
enum AskError {
    #[error("no agent answers at {path}: {source}")]
    Connect { path: String, source: std::io::Error },
    #[error("the agent's answer: {0}")]
    Http(#[from] hyper::Error),
    #[error("the agent's answer: {0}")]
    Json(#[from] serde_json::Error),
    #[error("{0}")]
    Refused(String),
}

/// What is printed: the status, and what a probe found, where one was asked for.
#[derive(Serialize)]
struct Report {
    #[serde(flatten)]
    status: Status,
    #[serde(skip_serializing_if = "Option::is_none")]
    probe: Option<Vec<Finding>>,
}

/// Prints the agent's status; success where it is ready, and where every packet of a probe came back.
pub(crate) async fn status(state: &Path, form: Form, depth: Depth) -> ExitCode {
    let report = match report(state, depth).await {
        Ok(report) => report,
        Err(error) => return unknown(&error),
    };
    let findings = report.probe.as_deref().unwrap_or_default();
    match form {
        Form::Text => {
            let lines = findings.iter().map(|finding| format!("{:<9} {finding}\n", "probe"));
            print(&(report.status.to_string() + &lines.collect::<String>()));
        }
        Form::Json => match serde_json::to_string(&report) {
            Ok(json) => drop(print(&(json + "\n"))),
            Err(error) => return unknown(&error.into()),
        },
    }
    let well = report.status.ready().is_ok() && findings.iter().all(Finding::is_whole);
    if well { ExitCode::SUCCESS } else { ExitCode::from(DIFFERS) }
}

async fn report(state: &Path, depth: Depth) -> Result<Report, AskError> {
    let status = serde_json::from_str(&ask(state, "/status").await?)?;
    let probe = match depth {
        Depth::Known => None,
        Depth::Probed => Some(serde_json::from_str(&ask(state, "/probe").await?)?),
    };
    Ok(Report { status, probe })
}

/// Prints how the kernel differs from what is wanted; success where it does not.
pub(crate) async fn diff(state: &Path) -> ExitCode {
    match ask(state, "/diff").await {
        Ok(text) if text.is_empty() => ExitCode::SUCCESS,
        Ok(text) => {
            print(&text);
            ExitCode::from(DIFFERS)
        }
        Err(error) => unknown(&error),
    }
}

/// Writes to standard output; a reader that has gone has what it wanted.
pub(crate) fn print(text: &str) -> ExitCode {
    let _ = std::io::stdout().write_all(text.as_bytes());
    ExitCode::SUCCESS
}

fn unknown(error: &AskError) -> ExitCode {
    crate::log::complain(error);
    ExitCode::from(UNKNOWN)
}

async fn ask(state: &Path, path: &str) -> Result<String, AskError> {
    let socket = lock::socket(state);
    let failed = |source| AskError::Connect { path: socket.display().to_string(), source };
    let stream = UnixStream::connect(&socket).await.map_err(failed)?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    tokio::task::spawn_local(connection);
    let mut request = Request::new(Empty::<Bytes>::new());
    *request.uri_mut() = path.parse().expect("it is one of three constants");
    let response = sender.send_request(request).await?;
    let code = response.status();
    let body = response.into_body().collect().await?.to_bytes();
    let text = String::from_utf8_lossy(&body).into_owned();
    if code == StatusCode::OK { Ok(text) } else { Err(AskError::Refused(text.trim_end().to_owned())) }
}
