//! A watch: one JSON object a line, for minutes.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::time::Duration;

use futures::{AsyncBufRead, AsyncBufReadExt};
use kube::Client;
use kube::api::WatchParams;
use kube::core::{Request, Status};
use serde::Deserialize;
use tokio::time::timeout;

use super::pauses::chance;
use super::{Tried, Trouble};
use crate::client::{NODES, Refusal};
use crate::node::wire::WireNode;

/// The server ends a watch after this and up to a quarter more, so that not all watches end together. Seconds.
const LIFETIME: u32 = 240;

/// The time to begin an answer.
pub(super) const ANSWER: Duration = Duration::from_secs(30);

/// On the bookmark that ends a streamed list.
const COMPLETE: &str = "k8s.io/initial-events-end";

/// Where a watch begins.
#[derive(Debug, Clone, Copy)]
pub(super) enum Start<'a> {
    /// With all there is, as of now.
    WithAll,
    /// After this resource version.
    After(&'a str),
}

/// One line of a watch.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", content = "object", rename_all = "UPPERCASE")]
pub(super) enum Event {
    Added(WireNode),
    Modified(WireNode),
    Deleted(WireNode),
    Bookmark(Bookmark),
    Error(Box<Status>),
}

impl Event {
    /// The position after it.
    ///
    /// # Errors
    /// The server's own, where that is what it sent.
    pub(super) fn version(&self) -> Result<String, Trouble> {
        match self {
            Self::Added(node) | Self::Modified(node) | Self::Deleted(node) => {
                Ok(node.metadata.resource_version.clone())
            }
            Self::Bookmark(bookmark) => Ok(bookmark.metadata.resource_version.clone()),
            Self::Error(status) => {
                Err(Trouble::Refused { tried: Tried::Watch, refusal: Refusal::Status(status.clone()) })
            }
        }
    }
}

/// Says how far the watch has come, although nothing happened.
#[derive(Debug, Deserialize)]
pub(super) struct Bookmark {
    metadata: BookmarkMetadata,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct BookmarkMetadata {
    resource_version: String,
    #[serde(default)]
    annotations: BTreeMap<String, String>,
}

impl Bookmark {
    /// Does it end a streamed list? Then everything there is has been sent.
    pub(super) fn completes(&self) -> bool {
        self.metadata.annotations.get(COMPLETE).is_some_and(|value| value == "true")
    }
}

/// An open watch.
pub(super) struct Watch {
    answer: Pin<Box<dyn AsyncBufRead + Send>>,
    /// The line that is being read; its memory serves all lines.
    line: Vec<u8>,
}

impl Watch {
    /// Asks for a watch, and waits until the server grants it.
    ///
    /// # Errors
    /// [`Trouble`]: it doesn't, or says nothing.
    pub(super) async fn open(client: &Client, start: Start<'_>) -> Result<Self, Trouble> {
        let refused = |refusal| Trouble::Refused { tried: Tried::Watch, refusal };
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a quarter of the lifetime at most"
        )]
        let jitter = (f64::from(LIFETIME / 4) * chance()) as u32;
        let mut params = WatchParams::default().timeout(LIFETIME + jitter);
        params.send_initial_events = matches!(start, Start::WithAll);
        let after = match start {
            Start::WithAll => "",
            Start::After(version) => version,
        };
        let request = Request::new(NODES).watch(&params, after);
        let request = request.map_err(|error| refused(kube::Error::BuildRequest(error).into()))?;
        let answer = timeout(ANSWER, client.request_stream(request)).await;
        let answer = answer.map_err(|_| Trouble::Silent { tried: Tried::Watch })?;
        let answer = answer.map_err(|error| refused(error.into()))?;
        Ok(Self { answer: Box::pin(answer), line: Vec::new() })
    }

    /// The next event; none where the watch has ended. May be given up and called again: nothing is missed.
    ///
    /// # Errors
    /// [`Trouble`]: the connection broke, or what came isn't an event.
    pub(super) async fn next(&mut self) -> Result<Option<Event>, Trouble> {
        let tried = Tried::Watch;
        let read = self.answer.read_until(b'\n', &mut self.line).await;
        read.map_err(|source| Trouble::Broken { tried, source })?;
        // Half a line is where the server was when it ended.
        let event = if self.line.ends_with(b"\n") {
            serde_json::from_slice(&self.line).map_err(|source| Trouble::Unreadable { tried, source })
        } else {
            Ok(None)
        };
        self.line.clear();
        event
    }
}
