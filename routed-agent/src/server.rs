//! Answers over HTTP: probes and metrics on a TCP port for everybody, and the same with `status` and `diff` on a socket
//! of the state directory for this node's administrator.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore, mpsc, oneshot, watch};

use crate::metrics::Metrics;
use crate::probe::{self, Finding, Peer};
use crate::report::{Notice, Weight};
use crate::status::Status;

/// So long a visitor may take to say what it wants.
const PATIENCE: Duration = Duration::from_secs(5);

/// So many visitors at once; who comes then waits until one has gone.
const VISITORS: usize = 64;

/// What a server may ask.
#[derive(Clone)]
pub(crate) struct Desk {
    /// The newest status.
    pub(crate) status: watch::Receiver<Status>,
    /// The metrics' registry.
    pub(crate) metrics: Metrics,
    /// Questions that only the loop can answer.
    pub(crate) questions: mpsc::Sender<Question>,
    /// What the cluster shall be told.
    pub(crate) notices: mpsc::Sender<Notice>,
    /// Where other nodes' agents answer probes; nowhere where it is 0.
    pub(crate) probe_port: u16,
}

/// What only the loop knows, and where the answer goes.
pub(crate) enum Question {
    /// How does the kernel differ? One line a difference.
    Differences(oneshot::Sender<Result<Vec<String>, String>>),
    /// Who are the other nodes?
    Peers(oneshot::Sender<Vec<Peer>>),
}

/// Whom a connection comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Visitor {
    /// Anybody who reaches the port.
    Anybody,
    /// Whoever may open the state directory.
    Administrator,
}

/// Serves probes and metrics.
pub(crate) async fn serve_port(listener: TcpListener, desk: Desk) {
    let seats = Arc::new(Semaphore::new(VISITORS));
    loop {
        let seat = Arc::clone(&seats).acquire_owned().await;
        match listener.accept().await {
            Ok((stream, _)) => spawn((stream, seat), desk.clone(), Visitor::Anybody),
            Err(error) => refused(&error).await,
        }
    }
}

/// Serves the node's administrator.
pub(crate) async fn serve_socket(listener: UnixListener, desk: Desk) {
    let seats = Arc::new(Semaphore::new(VISITORS));
    loop {
        let seat = Arc::clone(&seats).acquire_owned().await;
        match listener.accept().await {
            Ok((stream, _)) => spawn((stream, seat), desk.clone(), Visitor::Administrator),
            Err(error) => refused(&error).await,
        }
    }
}

/// No descriptor is left, most likely: asking again at once would not help.
async fn refused(error: &std::io::Error) {
    tracing::warn!(%error, "a connection could not be taken");
    tokio::time::sleep(Duration::from_secs(1)).await;
}

/// A place among the visitors. The semaphore is never closed, so there is always one.
type Seat = Result<OwnedSemaphorePermit, AcquireError>;

fn spawn<S>((stream, seat): (S, Seat), desk: Desk, visitor: Visitor)
where
    S: AsyncRead + AsyncWrite + Unpin + 'static,
{
    tokio::task::spawn_local(async move {
        let service = service_fn(move |request| answer(request, desk.clone(), visitor));
        // One answer a connection, and nobody holds one without asking.
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new()).header_read_timeout(PATIENCE).keep_alive(false);
        let done = http.serve_connection(TokioIo::new(stream), service).await;
        if let Err(error) = done {
            tracing::debug!(%error, "a connection ended early");
        }
        drop(seat);
    });
}

async fn answer(
    request: Request<Incoming>,
    desk: Desk,
    visitor: Visitor,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (code, body) = match (request.uri().path(), visitor) {
        // The loop and this server share a thread: where one hangs, the other does.
        ("/healthz", _) => (StatusCode::OK, "ok\n".to_owned()),
        ("/readyz", _) => match desk.status.borrow().ready() {
            Ok(()) => (StatusCode::OK, "ok\n".to_owned()),
            Err(why) => (StatusCode::SERVICE_UNAVAILABLE, format!("{why}\n")),
        },
        ("/metrics", _) => (StatusCode::OK, desk.metrics.encode(&desk.status.borrow())),
        ("/status", Visitor::Administrator) => match serde_json::to_string(&*desk.status.borrow()) {
            Ok(json) => (StatusCode::OK, json),
            Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()),
        },
        ("/diff", Visitor::Administrator) => diff(&desk).await,
        ("/probe", Visitor::Administrator) => probe(&desk).await,
        _ => (StatusCode::NOT_FOUND, "there is /healthz, /readyz and /metrics\n".to_owned()),
    };
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = code;
    Ok(response)
}

async fn diff(desk: &Desk) -> (StatusCode, String) {
    let (sender, receiver) = oneshot::channel();
    let asked = desk.questions.send(Question::Differences(sender)).await.is_ok();
    match receiver.await {
        Ok(Ok(lines)) if asked => (StatusCode::OK, lines.iter().flat_map(|line| [line, "\n"]).collect()),
        Ok(Err(why)) => (StatusCode::SERVICE_UNAVAILABLE, format!("{why}\n")),
        _ => (StatusCode::SERVICE_UNAVAILABLE, "the agent is ending\n".to_owned()),
    }
}

/// What a probe of all other nodes finds, as JSON; each node that does not answer as it should is told to the cluster.
async fn probe(desk: &Desk) -> (StatusCode, String) {
    if desk.probe_port == 0 {
        return (StatusCode::SERVICE_UNAVAILABLE, "probes are switched off (--probe-port=0)\n".to_owned());
    }
    let (sender, receiver) = oneshot::channel();
    let asked = desk.questions.send(Question::Peers(sender)).await.is_ok();
    let Some(peers) = receiver.await.ok().filter(|_| asked) else {
        return (StatusCode::SERVICE_UNAVAILABLE, "the agent is ending\n".to_owned());
    };
    let bytes = desk.status.borrow().pod_mtu;
    let findings = probe::probe(peers, bytes, desk.probe_port).await;
    for finding in findings.iter().filter(|finding| !finding.is_whole()) {
        // Where too much is told already, one more is no news.
        let _ = desk.notices.try_send(notice(finding));
    }
    match serde_json::to_string(&findings) {
        Ok(json) => (StatusCode::OK, json),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()),
    }
}

fn notice(finding: &Finding) -> Notice {
    Notice {
        weight: Weight::Warning,
        reason: "ProbeFailed",
        kind: "Node",
        name: finding.node.clone(),
        note: finding.to_string(),
    }
}
