//! What was told of each Node, as a hash: enough to see that an update changes nothing for us.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};

use crate::node::Node;

/// The Nodes that whoever listens knows, by name.
#[derive(Debug, Default)]
pub(super) struct Told {
    hashes: HashMap<String, u64>,
    /// Its keys are this process's own: nobody can choose a Node that hashes like another.
    hasher: RandomState,
}

impl Told {
    /// These are all.
    pub(super) fn all(&mut self, nodes: &[Node]) {
        let hasher = &self.hasher;
        self.hashes = nodes.iter().map(|node| (node.name.clone(), hasher.hash_one(node))).collect();
    }

    /// Notes a Node. Is it other than what was told?
    pub(super) fn changes(&mut self, node: &Node) -> bool {
        let hash = self.hasher.hash_one(node);
        match self.hashes.get_mut(&node.name) {
            Some(known) => std::mem::replace(known, hash) != hash,
            None => self.hashes.insert(node.name.clone(), hash).is_none(),
        }
    }

    /// Forgets a Node. Was it known?
    pub(super) fn goes(&mut self, name: &str) -> bool {
        self.hashes.remove(name).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(name: &str, podcidr: &str) -> Node {
        Node { name: name.to_owned(), pod_cidrs: vec![podcidr.to_owned()], ..Node::default() }
    }

    #[test]
    fn a_node_is_told_once_until_it_differs() {
        let mut told = Told::default();
        told.all(&[node("a", "10.1.0.0/24")]);
        assert!(!told.changes(&node("a", "10.1.0.0/24")));
        assert!(told.changes(&node("a", "10.1.9.0/24")));
        assert!(!told.changes(&node("a", "10.1.9.0/24")));
        assert!(told.changes(&node("b", "10.1.1.0/24")));
        assert!(!told.changes(&node("b", "10.1.1.0/24")));
    }

    #[test]
    fn a_node_that_goes_is_told_once_and_is_new_when_it_returns() {
        let mut told = Told::default();
        told.all(&[node("a", "10.1.0.0/24")]);
        assert!(told.goes("a"));
        assert!(!told.goes("a"));
        assert!(told.changes(&node("a", "10.1.0.0/24")));
    }

    #[test]
    fn a_list_replaces_all_that_was_known() {
        let mut told = Told::default();
        told.all(&[node("a", "10.1.0.0/24")]);
        told.all(&[node("b", "10.1.1.0/24")]);
        assert!(!told.goes("a"));
        assert!(!told.changes(&node("b", "10.1.1.0/24")));
    }
}
