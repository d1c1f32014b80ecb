//! Takes back what the own Node was made to say, for an agent that leaves it for good.

use super::reporter::{ReportError, Reporter};
use crate::client::{Access, AccessError};
use crate::command::{NodesFrom, Settings};
use crate::node::Node;

/// Makes the Node say nothing in our name. Where there is no cluster, or no way to it was named, nobody is asked.
///
/// # Errors
/// [`ReportError`], the first.
pub(crate) async fn take_back(settings: &Settings, name: &str) -> Result<(), ReportError> {
    let NodesFrom::Kubernetes { kubeconfig, url } = &settings.nodes else { return Ok(()) };
    let access = Access { kubeconfig: kubeconfig.clone(), url: url.clone() };
    let mut reporter = Reporter::new(access, &settings.annotation_prefix);
    let own = Node { name: name.to_owned(), ..Node::default() };
    match reporter.take_back_annotations(&own).await {
        Err(ReportError::Access(why @ AccessError::ServiceAccount(_))) => {
            tracing::info!("what the Node says stays: {why}");
            return Ok(());
        }
        done => done?,
    }
    if settings.set_unavailable { reporter.take_back_condition(&own).await } else { Ok(()) }
}
