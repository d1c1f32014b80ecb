//! Annotations of a Node: a few texts by name.

use std::fmt;

/// Annotations by name, without our prefix. Sorted, and no larger than its texts: a cluster has thousands.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub(crate) struct Annotations(Box<[(Box<str>, Box<str>)]>);

impl Annotations {
    /// The value of one.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.binary_search_by_key(&name, |(name, _)| name).ok()?;
        Some(&self.0[found].1)
    }

    /// All of them, sorted by name.
    #[cfg(test)]
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (&**name, &**value))
    }

    /// These and one more, or one with another value.
    #[cfg(test)]
    pub(crate) fn with(&self, name: &str, value: &str) -> Self {
        self.iter().filter(|(known, _)| *known != name).chain([(name, value)]).collect()
    }
}

impl<N: Into<Box<str>>, V: Into<Box<str>>> FromIterator<(N, V)> for Annotations {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(annotations: I) -> Self {
        let mut all: Vec<_> =
            annotations.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
        all.sort();
        Self(all.into())
    }
}

impl fmt::Debug for Annotations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.0.iter().map(|(name, value)| (name, value))).finish()
    }
}
