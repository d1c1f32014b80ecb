//! The Nodes, as far as they are known.

use crate::node::Node;
use crate::source::News;

/// Every Node.
#[derive(Debug, Default)]
pub(crate) struct Nodes {
    /// Sorted by name.
    all: Vec<Node>,
    complete: bool,
    lost: Option<String>,
}

impl Nodes {
    /// Takes news in; says whether it may change a plan.
    pub(crate) fn take(&mut self, news: News) -> bool {
        match news {
            News::All(mut nodes) => {
                nodes.sort_unstable_by(|one, other| one.name.cmp(&other.name));
                nodes.shrink_to_fit();
                let changed = !self.complete || self.all != nodes;
                (self.all, self.complete, self.lost) = (nodes, true, None);
                changed
            }
            News::Changed(node) => match self.find(&node.name) {
                Ok(place) => std::mem::replace(&mut self.all[place], *node) != self.all[place],
                Err(place) => {
                    self.all.insert(place, *node);
                    true
                }
            },
            News::Gone(name) => self.find(&name).map(|place| self.all.remove(place)).is_ok(),
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
        self.all.len()
    }

    /// All of them, sorted by name.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Node> {
        self.all.iter()
    }

    /// One of them.
    pub(crate) fn get(&self, name: &str) -> Option<&Node> {
        Some(&self.all[self.find(name).ok()?])
    }

    /// Where it is, or belongs.
    fn find(&self, name: &str) -> Result<usize, usize> {
        self.all.binary_search_by(|node| node.name.as_str().cmp(name))
    }
}
