//! The nodes file: YAML or JSON, in our short form or as `kubectl get nodes -o yaml|json` prints Nodes. A file may
//! hold several documents, which count together.
//!
//! A file that is cut off must not pass for a shorter one. JSON shows it. YAML often does not: so a list of kubectl's
//! must have its `kind`, which stands behind the items, and the last line must end.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use crate::node::Node;
use crate::node::wire::{self, WireNode, trimmed};

/// Why a text is no complete list of Nodes.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DocumentError {
    /// Nothing but white space.
    #[error("it is empty")]
    Empty,
    /// Not YAML, or not of a form that we know.
    #[error("{0}")]
    Yaml(#[from] serde_yaml_ng::Error),
    /// Not JSON, or not of a form that we know.
    #[error("{0}")]
    Json(#[from] serde_json::Error),
    /// YAML that ends in the middle of a line.
    #[error("its last line does not end: it may be cut off")]
    CutOff,
    /// Neither Nodes of kubectl's nor a short list.
    #[error("document {0} is neither a Node, a list of Nodes, nor has it the key nodes")]
    Form(usize),
    /// A list of kubectl's without its kind.
    #[error("document {0} has items and no kind: it may be cut off")]
    NoKind(usize),
    /// Documents, but no Node in them.
    #[error("it names no Node")]
    NoNode,
    /// A Node without a name.
    #[error("a Node has no name")]
    NoName,
    /// A Node's name is given twice.
    #[error("Node {0} is there twice")]
    Twice(String),
}

/// A document of either form.
#[derive(Deserialize)]
#[serde(expecting = "the key nodes, a Node, or a list of Nodes")]
struct Document {
    nodes: Option<Vec<ShortNode>>,
    /// A list of kubectl's may hold other things beside Nodes.
    items: Option<Vec<WireNode>>,
    /// A lone Node, or what a list says about itself.
    #[serde(flatten)]
    node: WireNode,
}

/// A Node in our short form.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct ShortNode {
    name: String,
    #[serde(rename = "podCIDRs")]
    pod_cidrs: Vec<String>,
    addresses: Vec<String>,
    #[serde(default)]
    external_addresses: Vec<String>,
    #[serde(default)]
    annotations: BTreeMap<String, String>,
}

/// The `kind` of a Node.
const NODE: &str = "Node";

/// All Nodes of a text, in its order. `prefix` is how our annotations' names begin.
///
/// # Errors
/// [`DocumentError`], where the text is not, or may not be, a complete list.
pub(crate) fn read(text: &str, prefix: &str) -> Result<Vec<Node>, DocumentError> {
    let documents = documents(text)?;
    if documents.is_empty() {
        return Err(DocumentError::Empty);
    }
    let mut nodes = Vec::new();
    for (index, document) in documents.into_iter().enumerate() {
        nodes.extend(document.nodes(index + 1, prefix)?);
    }
    if nodes.is_empty() {
        return Err(DocumentError::NoNode);
    }
    let mut names = BTreeSet::new();
    for node in &nodes {
        if node.name.is_empty() {
            return Err(DocumentError::NoName);
        }
        if !names.insert(node.name.as_str()) {
            return Err(DocumentError::Twice(node.name.clone()));
        }
    }
    Ok(nodes)
}

fn documents(text: &str) -> Result<Vec<Document>, DocumentError> {
    if text.trim().is_empty() {
        return Err(DocumentError::Empty);
    }
    if text.trim_start().starts_with('{') {
        let documents = serde_json::Deserializer::from_str(text).into_iter::<Document>();
        return Ok(documents.collect::<Result<_, _>>()?);
    }
    let mut found = Vec::new();
    for document in serde_yaml_ng::Deserializer::from_str(text) {
        // A document may be nothing: what stands before the first `---`, or behind the last.
        found.extend(Option::<Document>::deserialize(document)?);
    }
    if text.ends_with('\n') { Ok(found) } else { Err(DocumentError::CutOff) }
}

impl Document {
    fn nodes(self, number: usize, prefix: &str) -> Result<Vec<Node>, DocumentError> {
        let wire = |node: WireNode| {
            // Nobody reports to a file.
            Node { unavailable: None, ..wire::read(node, prefix) }
        };
        match self {
            Self { nodes: Some(nodes), .. } => Ok(nodes.into_iter().map(|node| node.read(prefix)).collect()),
            Self { items: Some(_), node: WireNode { kind: None, .. }, .. } => {
                Err(DocumentError::NoKind(number))
            }
            Self { items: Some(items), .. } => {
                let is_node = |item: &WireNode| item.kind.as_deref().is_none_or(|kind| kind == NODE);
                Ok(items.into_iter().filter(is_node).map(wire).collect())
            }
            Self { node, .. } if node.kind.as_deref() == Some(NODE) => Ok(vec![wire(node)]),
            Self { .. } => Err(DocumentError::Form(number)),
        }
    }
}

impl ShortNode {
    /// In the short form our prefix may be left out.
    fn read(self, prefix: &str) -> Node {
        let ours = |(name, value): (String, String)| match name.strip_prefix(prefix) {
            Some(ours) => Some((ours.to_owned(), value)),
            None if name.contains('/') => None,
            None => Some((name, value)),
        };
        Node {
            name: self.name,
            pod_cidrs: trimmed(self.pod_cidrs),
            internal_addresses: trimmed(self.addresses),
            external_addresses: trimmed(self.external_addresses),
            annotations: self.annotations.into_iter().filter_map(ours).collect(),
            ..Node::default()
        }
    }
}

#[cfg(test)]
mod tests;
