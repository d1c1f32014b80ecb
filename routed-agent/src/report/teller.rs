//! Tells the cluster what the loop wishes it to know, for as long as it takes: the loop never waits for the API server.

use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::spawn_local;
use tokio::time::sleep;

use super::condition::{Availability, Failure};
use super::events::Notice;
use super::reporter::{ReportError, Reporter, Said};
use crate::client::Access;
use crate::command::{NodesFrom, Settings};
use crate::node::{Annotations, Node};

/// So soon a report that did not arrive is tried again.
const RETRY: Duration = Duration::from_secs(5);

/// Between two things that are written.
const BREATH: Duration = Duration::from_secs(1);

/// What the cluster shall know of this node.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Wish {
    /// The own Node as it was seen last.
    pub(crate) own: Option<Node>,
    /// Its annotations; none while they are not known.
    pub(crate) annotations: Option<Annotations>,
    /// Whether its pods have a network; none while that is not known.
    pub(crate) availability: Option<Availability>,
}

/// Starts whoever tells the cluster. Where there is none, nobody is told.
pub(crate) fn start(settings: &Settings, wishes: watch::Receiver<Wish>, notices: mpsc::Receiver<Notice>) {
    let NodesFrom::Kubernetes { kubeconfig, url } = &settings.nodes else { return };
    let access = Access { kubeconfig: kubeconfig.clone(), url: url.clone() };
    let reporter = Reporter::new(access, &settings.annotation_prefix);
    let condition = if settings.set_unavailable { Condition::Kept } else { Condition::Left };
    spawn_local(Teller { reporter, condition, wishes, notices }.run());
}

/// What becomes of the Node's condition.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Condition {
    /// It says what holds.
    Kept,
    /// Somebody else sees to it (`--set-node-network-unavailable=false`).
    Left,
}

struct Teller {
    reporter: Reporter,
    condition: Condition,
    wishes: watch::Receiver<Wish>,
    notices: mpsc::Receiver<Notice>,
}

impl Teller {
    async fn run(mut self) {
        let mut late = false;
        loop {
            tokio::select! {
                changed = self.wishes.changed() => if changed.is_err() { return },
                () = sleep(RETRY), if late => {}
                Some(notice) = self.notices.recv() => self.notify(&notice).await,
            }
            let wish = self.wishes.borrow_and_update().clone();
            late = match self.tell(wish).await {
                Ok(Said::Before) => false,
                Ok(Said::Now) => {
                    // Somebody who writes the same keys in turn with us shall not set the pace.
                    sleep(BREATH).await;
                    false
                }
                Err(error) => {
                    tracing::warn!("{error}");
                    true
                }
            };
        }
    }

    /// Both are tried, whatever becomes of the first.
    async fn tell(&mut self, wish: Wish) -> Result<Said, ReportError> {
        let Some(own) = wish.own else { return Ok(Said::Before) };
        let annotated = match &wish.annotations {
            Some(annotations) => self.reporter.annotate(&own, annotations).await,
            None => Ok(Said::Before),
        };
        let said = match (&wish.availability, self.condition) {
            (Some(availability), Condition::Kept) => self.reporter.set_condition(&own, availability).await?,
            _ => Said::Before,
        };
        if said == Said::Now { annotated.map(|_| said) } else { annotated }
    }

    async fn notify(&mut self, notice: &Notice) {
        let Some(own) = self.wishes.borrow().own.clone() else { return };
        if let Err(error) = self.reporter.publish(&own, notice).await {
            tracing::warn!("{error}");
        }
    }
}

/// What the condition says of this node's own problem, or of none.
pub(crate) fn availability(problem: Option<&String>) -> Availability {
    match problem {
        None => Availability::Up,
        Some(message) => Availability::Down(Failure {
            reason: "TrestleCannotProgram".to_owned(),
            message: message.clone(),
        }),
    }
}
