//! Who writes to the Node.

use std::time::{Duration, Instant};

use k8s_openapi::api::core::v1::ObjectReference;
use k8s_openapi::jiff::Timestamp;
use kube::Client;
use kube::api::{Patch, PatchParams};
use kube::core::Request;
use kube::runtime::events::{self as kube_events, Recorder};
use serde::de::IgnoredAny;
use serde_json::Value;
use thiserror::Error;
use tokio::time::timeout;

use super::condition::Availability;
use super::events::{self, Notice};
use super::{annotations, condition};
use crate::client::{Access, AccessError, Connection, NODES, Refusal};
use crate::node::{Annotations, Node};

/// Who we are among those who write to a Node, and among those who tell Events.
const MANAGER: &str = "trestle-routed-agent";

/// A server that doesn't answer in this time has failed.
const ANSWER: Duration = Duration::from_secs(30);

/// A report that did not arrive.
#[derive(Debug, Error)]
pub(crate) enum ReportError {
    #[error(transparent)]
    Access(#[from] AccessError),
    #[error("writing {what} of Node {node}: {refusal}")]
    Refused { what: Written, node: String, refusal: Refusal },
    #[error("writing {what} of Node {node}: the server says nothing")]
    Silent { what: Written, node: String },
}

/// What is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Written {
    Annotations,
    Condition,
    Event,
}

impl std::fmt::Display for Written {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::Annotations => "the annotations",
            Self::Condition => "the condition NetworkUnavailable",
            Self::Event => "an Event",
        })
    }
}

/// Did a report need a request?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Said {
    /// It was sent, and taken.
    Now,
    /// The Node said so before, or an Event of it was told a short while ago.
    Before,
}

/// Writes to the agent's own Node. Whoever calls it holds that Node as it was last watched, and calls again after an
/// error, when it likes: nothing is kept to be sent later.
pub(crate) struct Reporter {
    connection: Connection,
    /// What our annotations begin with, up to and with its `/` or `-`.
    prefix: String,
    told: events::Told,
    /// Joins Events that come again to the first of them; made with the client that it holds.
    recorder: Option<Recorder>,
}

impl Reporter {
    /// A reporter that has asked nothing yet.
    pub(crate) fn new(access: Access, prefix: &str) -> Self {
        Self {
            connection: Connection::new(access),
            prefix: prefix.to_owned(),
            told: events::Told::default(),
            recorder: None,
        }
    }

    /// Makes the Node's annotations say what peers must know: `wanted` is without the prefix.
    ///
    /// # Errors
    /// [`ReportError`]: no way to the server, or it refuses.
    pub(crate) async fn annotate(&mut self, own: &Node, wanted: &Annotations) -> Result<Said, ReportError> {
        match annotations::patch_for(&self.prefix, &own.annotations, wanted) {
            Some(patch) => self.patch(Written::Annotations, own, &Patch::Merge(patch)).await,
            None => Ok(Said::Before),
        }
    }

    /// Makes the Node's condition say whether its pods have a network.
    ///
    /// # Errors
    /// [`ReportError`]: no way to the server, or it refuses.
    pub(crate) async fn set_condition(
        &mut self,
        own: &Node,
        wanted: &Availability,
    ) -> Result<Said, ReportError> {
        let now = Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        match condition::patch_for(own.unavailable.as_deref(), wanted, &now) {
            Some(patch) => self.patch(Written::Condition, own, &Patch::Strategic(patch)).await,
            None => Ok(Said::Before),
        }
    }

    /// Takes back what was ever said in the annotations.
    ///
    /// # Errors
    /// [`ReportError`]: no way to the server, or it refuses. A Node that is gone says nothing.
    pub(crate) async fn take_back_annotations(&mut self, own: &Node) -> Result<(), ReportError> {
        let patch = Patch::Merge(annotations::removal(&self.prefix));
        gone(self.patch(Written::Annotations, own, &patch).await)
    }

    /// Takes back what was ever said in the condition.
    ///
    /// # Errors
    /// As [`Reporter::take_back_annotations`].
    pub(crate) async fn take_back_condition(&mut self, own: &Node) -> Result<(), ReportError> {
        let patch = Patch::Strategic(condition::removal());
        gone(self.patch(Written::Condition, own, &patch).await)
    }

    /// Tells people something, unless they were told a short while ago.
    ///
    /// # Errors
    /// [`ReportError`]: no way to the server, or it refuses.
    pub(crate) async fn publish(&mut self, own: &Node, notice: &Notice) -> Result<Said, ReportError> {
        if !self.told.admits(notice, Instant::now()) {
            return Ok(Said::Before);
        }
        let client = self.connection.client().await?;
        let recorder = self.recorder.get_or_insert_with(|| recorder(client, &own.name));
        let event = notice.event();
        let about = regarding(own);
        let answer = timeout(ANSWER, recorder.publish(&event, &about)).await;
        self.concluded(Written::Event, own, answer)
    }

    /// Metadata goes through the status, too, and who may write that may not write the Node's spec.
    async fn patch(&mut self, what: Written, own: &Node, patch: &Patch<Value>) -> Result<Said, ReportError> {
        let client = self.connection.client().await?;
        let params = PatchParams { field_manager: Some(MANAGER.to_owned()), ..PatchParams::default() };
        let request = Request::new(NODES).patch_subresource("status", &own.name, &params, patch);
        let answered = async {
            // The answer is the whole Node; a watch tells it anyway.
            client.request::<IgnoredAny>(request.map_err(kube::Error::BuildRequest)?).await.map(drop)
        };
        let answer = timeout(ANSWER, answered).await;
        self.concluded(what, own, answer)
    }

    fn concluded(
        &mut self,
        what: Written,
        own: &Node,
        answer: Result<Result<(), kube::Error>, tokio::time::error::Elapsed>,
    ) -> Result<Said, ReportError> {
        let node = own.name.clone();
        let error = match answer {
            Ok(Ok(())) => return Ok(Said::Now),
            Ok(Err(error)) => ReportError::Refused { what, node, refusal: error.into() },
            Err(_) => ReportError::Silent { what, node },
        };
        self.connection.failed();
        self.recorder = None;
        Err(error)
    }
}

/// Where there is no Node there is nothing to take back.
fn gone(answer: Result<Said, ReportError>) -> Result<(), ReportError> {
    match answer {
        Err(ReportError::Refused { refusal, .. }) if refusal.code() == Some(404) => Ok(()),
        answer => answer.map(drop),
    }
}

fn recorder(client: Client, own: &str) -> Recorder {
    let us = kube_events::Reporter { controller: MANAGER.to_owned(), instance: Some(own.to_owned()) };
    Recorder::new(client, us)
}

/// The Node as what an Event is about.
fn regarding(own: &Node) -> ObjectReference {
    ObjectReference {
        api_version: Some("v1".to_owned()),
        kind: Some("Node".to_owned()),
        name: Some(own.name.clone()),
        uid: Some(own.uid.clone()).filter(|uid| !uid.is_empty()),
        ..ObjectReference::default()
    }
}
