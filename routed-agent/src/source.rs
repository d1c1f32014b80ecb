//! Where Nodes come from: the Kubernetes API, or a file.

mod document;
pub(crate) mod file;
pub(crate) mod kubernetes;

use tokio::task::spawn_local;

use kubernetes::{Interest, Kubernetes};

use crate::client::Access;
use crate::command::{NodesFrom, Settings};
use crate::node::Node;

/// Where a source tells its [`News`]. It ends when nobody listens any more.
pub(crate) type Sender = tokio::sync::mpsc::Sender<News>;

/// Starts the source that the settings name.
pub(crate) fn start(settings: &Settings, own: &str, news: Sender) {
    let prefix = settings.annotation_prefix.clone();
    match &settings.nodes {
        NodesFrom::File(path) => {
            spawn_local(file::run(path.clone(), prefix, news));
        }
        NodesFrom::Kubernetes { kubeconfig, url } => {
            let access = Access { kubeconfig: kubeconfig.clone(), url: url.clone() };
            let interest = Interest { prefix, own: own.to_owned() };
            spawn_local(Kubernetes::new(access, interest, news).follow());
        }
    }
}

/// What a source has to tell. It keeps no Nodes: whoever listens does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum News {
    /// Every Node there is, from one complete list: whatever is not among them is gone.
    All(Vec<Node>),
    /// A Node that is new, or differs from what was told before.
    Changed(Box<Node>),
    /// No longer there.
    Gone(String),
    /// No news can be had, and why; the source goes on trying. What was told before still counts.
    Lost(String),
    /// News can be had again, and nothing was missed.
    Back,
}
