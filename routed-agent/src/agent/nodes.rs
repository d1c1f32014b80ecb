//! The Nodes, as far as they are known.

use std::collections::BTreeMap;

use crate::node::Node;
use crate::source::News;

/// Every Node by its name.
#[derive(Debug, Default)]
pub(crate) struct Nodes {
    by_name: BTreeMap<String, Node>,
    complete: bool,
    lost: Option<String>,
}

impl Nodes {
    /// Takes news in; says whether it may change a plan.
    pub(crate) fn take(&mut self, news: News) -> bool {
        match news {
            News::All(nodes) => {
                let by_name = nodes.into_iter().map(|node| (node.name.clone(), node)).collect();
                let changed = !self.complete || self.by_name != by_name;
                (self.by_name, self.complete, self.lost) = (by_name, true, None);
                changed
            }
            News::Changed(node) => {
                let changed = self.by_name.get(&node.name) != Some(&*node);
                self.by_name.insert(node.name.clone(), *node);
                changed
            }
            News::Gone(name) => self.by_name.remove(&name).is_some(),
            News::Lost(why) => {
                self.lost = Some(why);
                false
            }
            News::Back => {
                self.lost = None;
                false
            }
        }
    }

    /// A complete list was seen: who is not here is gone.
    pub(crate) fn complete(&self) -> bool {
        self.complete
    }

    /// Why no news can be had.
    pub(crate) fn lost(&self) -> Option<&str> {
        self.lost.as_deref()
    }

    /// How many.
    pub(crate) fn len(&self) -> usize {
        self.by_name.len()
    }

    /// All of them, sorted by name.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Node> {
        self.by_name.values()
    }

    /// One of them.
    pub(crate) fn get(&self, name: &str) -> Option<&Node> {
        self.by_name.get(name)
    }
}
