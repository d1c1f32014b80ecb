//! Where Nodes come from: the Kubernetes API, or a file.

mod document;
pub(crate) mod file;
pub(crate) mod kubernetes;

use crate::node::Node;

/// Where a source tells its [`News`]. It ends when nobody listens any more.
pub(crate) type Sender = tokio::sync::mpsc::Sender<News>;

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
